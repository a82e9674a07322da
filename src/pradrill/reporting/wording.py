"""How reports speak: every fixed sentence that is not in a template, figures, hostile text."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pradrill.domain.drill import Kind
from pradrill.domain.duration import approximate
from pradrill.domain.record import Refusal, RunState
from pradrill.domain.timeline import Mark, Skew
from pradrill.domain.verdict import Verdict

NOT_MEASURED = "not measured"

MEANING: Mapping[Verdict, str] = {
    Verdict.PASSED: "The recovery was carried out, verified, and met both objectives.",
    Verdict.MISSED: "The recovery was carried out and verified, and an objective was exceeded.",
    Verdict.FAILED: "The recovery was attempted and does not work.",
    Verdict.INCONCLUSIVE: "There is not enough evidence to say whether the recovery works.",
}
REFUSED: Mapping[Refusal, str] = {
    Refusal.NOT_READY: "Refused before it began: a precondition did not hold. Nothing was touched.",
    Refusal.BUSY: "Refused before it began: another run held the standby. Nothing was touched.",
}
UNFINISHED: Mapping[RunState, str] = {
    RunState.PENDING: "The run had not begun when this record was written.",
    RunState.RUNNING: "The run had not ended when this record was written.",
    RunState.INTERRUPTED: "The run was interrupted before its end.",
    RunState.CRASHED: "The run's process died before its end; the record holds what it had "
    "written by then.",
}
KIND: Mapping[Kind, str] = {
    Kind.TEST: "technical test",
    Kind.EXERCISE: "exercise with people",
}
TRIGGER: Mapping[str, str] = {
    "cli": "by hand (pradrill run)",
    "due": "on schedule (pradrill due)",
    "demo": "demonstration (pradrill demo)",
}
MARKS: Mapping[Mark, str] = {
    Mark.DISRUPTION: "disruption",
    Mark.DETECTED: "detected",
    Mark.DECLARED: "recovery declared",
    Mark.RECOVERY_STARTS: "recovery starts",
    Mark.DATA_RESTORED: "data restored",
    Mark.SERVICE_VERIFIED: "service verified",
    Mark.ACCEPTED: "accepted by the owner",
}
EXIT_CODES: Mapping[int, str] = {
    0: "passed",
    1: "internal error",
    2: "usage",
    3: "configuration, nothing touched",
    4: "not ready, nothing touched",
    5: "busy, another run held the standby",
    10: "failed",
    11: "recovered, objective exceeded",
    12: "inconclusive",
    13: "passed, but teardown left residue",
    14: "the record could not be written",
    130: "interrupted, after teardown",
    143: "terminated, after teardown",
}
TEARDOWN = {
    "residue": "The standby was not left as declared. Left behind:",
    "clean": "The teardown was carried out, and no residue was found.",
    "untouched": "The standby was not changed, so there was nothing to put back.",
    "unknown": "A complete teardown is not recorded: what is left on the standby is not known.",
}

_LONG = 2_000
_MILLENNIA = 1e11
_HOURS_FROM, _HOURS_TO = 86_400, 3 * 86_400


def clean(value: object, limit: int = _LONG) -> str:
    """Return text that is safe to show: no control, bidi or invisible character, no huge line.

    Each such character becomes its visible code, as in ⟨U+202E⟩; what is cut off is counted.
    Line feeds stay; tabs become spaces.
    """
    text = value if isinstance(value, str) else _flat(value)
    shown = text[:limit].replace("\r\n", "\n").replace("\t", "    ")
    shown = "".join(_visible(char) for char in shown)
    if len(text) > limit:
        shown += f" … [cut: {len(text):,} characters, the first {limit:,} shown]"
    return shown


def line(value: object, limit: int = _LONG) -> str:
    """Return `clean` text on a single line."""
    return " ".join(clean(value, limit).split())


def _flat(value: object) -> str:
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _visible(char: str) -> str:
    category = unicodedata.category(char)
    if char == "\n" or (category[0] != "C" and category not in {"Zl", "Zp"}):
        return char
    return f"⟨U+{ord(char):04X}⟩"


def at(instant: datetime) -> str:
    """Write an instant to the second, in UTC."""
    return f"{_day(instant)} {instant:%H:%M:%S} UTC"


def at_minute(instant: datetime) -> str:
    """Write an instant to the minute, without its zone, for dense tables in UTC."""
    return f"{_day(instant)} {instant:%H:%M}"


def at_tenth(instant: datetime) -> str:
    """Write an instant to the tenth of a second (cut, not rounded), in UTC."""
    return f"{_day(instant)} {instant:%H:%M:%S}.{instant.microsecond // 100_000} UTC"


def _day(instant: datetime) -> str:
    return instant.date().isoformat()


def short(value: timedelta | float) -> str:
    """Write a duration for a reader, two units at most; 24 hours stay hours."""
    seconds = _seconds(value)
    if abs(seconds) >= _MILLENNIA:
        return f"{seconds:.3g}s"
    whole = round(abs(seconds))
    if _HOURS_FROM <= whole < _HOURS_TO:
        return f"{'-' if seconds < 0 else ''}{whole // 3600}h{whole % 3600 // 60:02d}m"
    return approximate(seconds)


def tenth(value: timedelta | float, *, up: bool) -> str:
    """Write a duration to the tenth of a second, rounded up or down: a bound stays a bound."""
    seconds = _seconds(value)
    if abs(seconds) >= _MILLENNIA:
        return f"{seconds:.3g}s"
    tenths = (math.ceil if up else math.floor)(round(seconds * 10, 3))
    sign, (whole, rest) = "-" if tenths < 0 else "", divmod(abs(tenths), 10)
    parts: list[str] = []
    days = [("d", 86_400)] if whole >= _HOURS_TO else []
    for unit, size in (*days, ("h", 3_600), ("m", 60)):
        count, whole = divmod(whole, size)
        if count or parts:
            parts.append(f"{count:02d}{unit}" if parts else f"{count}{unit}")
    return sign + "".join(parts) + (f"{whole:02d}" if parts else f"{whole}") + f".{rest}s"


def _seconds(value: timedelta | float) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value


def exit_code(code: int) -> str:
    """Say what an exit code means; an unknown one is a failure."""
    return f"{code} ({EXIT_CODES.get(code, 'unknown: treat it as a failure')})"


def trigger(name: str) -> str:
    """Say what started a run."""
    return TRIGGER.get(name, name)


def pairs(values: Mapping[str, Any]) -> str:
    """Write names and values on one line."""
    return ", ".join(f"{name} = {_flat(value)}" for name, value in values.items())


def ahead(skew: Skew) -> str:
    """Say how a host's clock stands against the controller's."""
    if max(abs(skew.seconds), skew.within) >= _MILLENNIA:
        return f"{skew.seconds:.3g} s off, to within {skew.within:.3g} s"
    direction = "ahead" if skew.seconds >= 0 else "behind"
    return f"{abs(skew.seconds):.3f} s {direction}, to within {skew.within:.3f} s"


def stepped(seconds: float) -> str:
    """Say by how much the controller's clock was moved during the run."""
    if not seconds:
        return "not moved during the run"
    return f"moved by {seconds:+.3g} s during the run"
