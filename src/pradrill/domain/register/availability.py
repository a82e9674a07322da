"""Count for how much of each month a service worked, as far as declared incidents tell."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from pydantic import Field

from pradrill.domain.register.incident import Incident
from pradrill.domain.values.model import Model


class MonthlyAvailability(Model):
    """A month of a service. Seconds; the month that is not over counts as far as it has come."""

    service: str
    year: int
    month: int
    seconds: float
    down: float
    incidents: int = Field(description="that touch the month")
    endless: int = Field(description="of those, closed without anybody saying when all worked")

    @property
    def percent(self) -> float:
        """Return for how much of the month it worked; at most that, where one is endless."""
        return 100.0 * (1 - self.down / self.seconds) if self.seconds else 100.0


def availability(
    service: str, incidents: Iterable[Incident], first: datetime, end: datetime
) -> list[MonthlyAvailability]:
    """Return the months between two instants in which a service had an incident.

    What overlaps counts once. An incident that goes on counts until `end`; of one that was closed
    without its end nothing is known, and nothing is counted.
    """
    hurting = [each for each in incidents if service in each.services]
    months = (_month(service, hurting, start, stop) for start, stop in _months(first, end))
    return [month for month in months if month.incidents]


def _month(
    service: str, incidents: list[Incident], start: datetime, stop: datetime
) -> MonthlyAvailability:
    touching = [each for each in incidents if each.began < stop and _end(each, stop) > start]
    endless = [each for each in touching if each.restored is None and each.closing is not None]
    spans = sorted(
        (max(each.began, start), min(_end(each, stop), stop))
        for each in touching
        if each not in endless
    )
    down, until = 0.0, start
    for began, ended in spans:
        down += max(0.0, (ended - max(began, until)).total_seconds())
        until = max(until, ended)

    return MonthlyAvailability(
        service=service,
        year=start.year,
        month=start.month,
        seconds=(stop - start).total_seconds(),
        down=down,
        incidents=len(touching),
        endless=len(endless),
    )


def _end(incident: Incident, otherwise: datetime) -> datetime:
    """Return when it was over, as far as is known."""
    if incident.restored is not None:
        return incident.restored
    return incident.closing.at if incident.closing is not None else otherwise


def _months(first: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    start = first
    while start < end:
        following = datetime(start.year + start.month // 12, start.month % 12 + 1, 1, tzinfo=UTC)
        yield start, min(following, end)
        start = following
