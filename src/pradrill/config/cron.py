"""Read cron expressions strictly, and tell when they are due; the only importer of cronsim."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from pradrill.domain.declared.drill_on import DrillOn

_MOST = 200_000  # every minute for four months


def problem(expression: str) -> str | None:
    """Say what keeps a text from being a cron expression, or None."""
    try:
        CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
    except (CronSimError, ValueError) as error:
        return f'"{expression}" is not a cron expression: {str(error).lower()}'
    return None


def due(expression: str, timezone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """Return when the expression was due from `start` to `end`, in the zone that cron runs in."""
    just_before = start.astimezone(ZoneInfo(timezone)) - timedelta(seconds=1)
    for number, at in enumerate(CronSim(expression, just_before)):
        if at > end or number >= _MOST:
            return
        yield at.astimezone(UTC)


def instants(rule: DrillOn, start: datetime, end: datetime) -> Iterator[datetime]:
    """Return when a drill is due by the calendar. Where summer time skips its hour, after the gap.

    An hour that comes twice counts once, as with cron.
    """
    try:
        yield from due(rule.cron, rule.zone, start, end)
    except CronSimError:  # a day that never comes, as 30 February
        return
