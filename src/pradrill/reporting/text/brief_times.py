"""Write times in as few signs as a table has room for: 9d, 3mo, 1h12m."""

from __future__ import annotations

from pradrill.domain.values.duration import Cadence

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400
_UNITS = {"day": "d", "week": "w", "month": "mo", "year": "y"}


def brief_age(seconds: float) -> str:
    """Write how long ago something was: one unit, rounded down."""
    for size, unit in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "m")):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"


def brief_duration(seconds: float) -> str:
    """Write a length in two units at most."""
    left = max(0, round(seconds))
    if left < _MINUTE:
        return f"{left}s"
    if left < _HOUR:
        return f"{left // _MINUTE}m{left % _MINUTE:02d}s"
    if left < 2 * _DAY:
        return f"{left // _HOUR}h{left % _HOUR // _MINUTE:02d}m"
    return f"{left // _DAY}d{left % _DAY // _HOUR:02d}h"


def brief_cadence(cadence: Cadence) -> str:
    """Write how often something is due."""
    return f"{cadence.number}{_UNITS[cadence.unit]}"
