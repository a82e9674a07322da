"""Count for how much of each month a service worked, as far as declared incidents tell.

What the contract does not count (announced maintenance, maintenance windows) is kept apart: it is
told, and is no outage. Maintenance that took longer than announced, or was announced too late, is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field

from pradrill.domain.declared.maintenance import MaintenanceWindow
from pradrill.domain.declared.provider import Provider
from pradrill.domain.register.incident import Incident
from pradrill.domain.values.model import Model
from pradrill.domain.values.spans import Span, seconds, within, without


class MonthlyAvailability(Model):
    """A month of a service. Seconds; the month that is not over counts as far as it has come."""

    service: str = Field(description="empty: whatever the provider hosts, one after another")
    year: int
    month: int
    months: int = Field(default=1, description="a quarter or a year has more, from that month on")
    seconds: float
    down: float
    excluded: float = Field(default=0.0, description="down, and not counted: maintenance")
    incidents: int = Field(description="that touch the month, maintenance not among them")
    maintenance: int = Field(default=0, description="announced maintenance that touches it")
    endless: int = Field(description="of those, closed without anybody saying when all worked")

    @property
    def percent(self) -> float:
        """Return for how much of the month it worked; at most that, where one is endless."""
        return 100.0 * (1 - self.down / self.seconds) if self.seconds else 100.0


class Terms(NamedTuple):
    """What a contract says about what counts."""

    zone: str = "UTC"
    maintenance_counts: bool = False
    notice: timedelta | None = None
    windows: tuple[MaintenanceWindow, ...] = ()

    @classmethod
    def of(cls, provider: Provider) -> Terms:
        """Return a provider's."""
        sla = provider.sla
        return cls(sla.timezone, sla.maintenance_counts, sla.maintenance_notice, provider.windows)


class Outage(NamedTuple):
    """What an incident took away, as far as is known."""

    services: frozenset[str]
    maintenance: bool
    begin: datetime
    end: datetime
    endless: bool
    counted: tuple[Span, ...]
    excluded: tuple[Span, ...]


def outages(
    incidents: Iterable[Incident], now: datetime, terms: Terms | None = None
) -> list[Outage]:
    """Return what each took away; one that goes on does so until now."""
    return [_outage(incident, now, terms or Terms()) for incident in incidents]


def availability(
    service: str,
    incidents: Iterable[Incident],
    first: datetime,
    end: datetime,
    terms: Terms | None = None,
) -> list[MonthlyAvailability]:
    """Return the months between two instants in which a service had an incident.

    What overlaps counts once. An incident that goes on counts until `end`; of one that was closed
    without its end nothing is known, and nothing is counted.
    """
    terms = terms or Terms()
    hurting = [each for each in outages(incidents, end, terms) if service in each.services]
    return by_months(service, hurting, (first, end), zone=terms.zone)


def by_months(
    service: str,
    hurting: Sequence[Outage],
    time: Span,
    *,
    zone: str,
    months: int = 1,
) -> list[MonthlyAvailability]:
    """Return the months, quarters or years of a time that are touched by outages."""
    waiting = deque(sorted(hurting, key=lambda each: each.begin))
    going: list[Outage] = []
    touched: list[MonthlyAvailability] = []
    for start, stop in _periods(time, ZoneInfo(zone), months):
        while waiting and waiting[0].begin < stop:
            going.append(waiting.popleft())
        going = [each for each in going if each.end > start or each.begin >= start]
        if going:
            touched.append(_month(service, going, (start, stop), ZoneInfo(zone), months))
    return touched


def _outage(incident: Incident, now: datetime, terms: Terms) -> Outage:
    begin, closing, restored = incident.began, incident.closing, incident.restored
    end = restored or (closing.at if closing is not None else now)
    counted: list[Span] = [(begin, end)]
    excluded: list[Span] = []
    endless = restored is None and closing is not None
    if incident.is_maintenance:
        planned_end = incident.until or end
        endless = False
        end = restored or min(planned_end, max(now, begin))
        counted = [(begin, end)]
        in_time = incident.opening.at <= begin - (terms.notice or timedelta())
        excluded = [(begin, planned_end)] if in_time else []
    elif endless:
        counted = []

    for window in terms.windows if counted else ():
        excluded += window.spans(begin, end)
    excluded = [] if terms.maintenance_counts else within(excluded, begin, end)
    return Outage(
        services=frozenset(incident.services),
        maintenance=incident.is_maintenance,
        begin=begin,
        end=end,
        endless=endless,
        counted=tuple(without(counted, excluded)),
        excluded=tuple(excluded),
    )


def _month(
    service: str,
    touching: Collection[Outage],
    time: Span,
    zone: ZoneInfo,
    months: int,
) -> MonthlyAvailability:
    start, stop = time
    services = {service} if service else {name for each in touching for name in each.services}
    down = within((span for name in services for span in _counted(name, touching)), start, stop)
    excluded = within((span for each in touching for span in each.excluded), start, stop)
    local = start.astimezone(zone)
    return MonthlyAvailability(
        service=service,
        year=local.year,
        month=local.month,
        months=months,
        seconds=(stop - start).total_seconds(),
        down=seconds(down),
        excluded=seconds(without(excluded, down)),
        incidents=sum(not each.maintenance for each in touching),
        maintenance=sum(each.maintenance for each in touching),
        endless=sum(each.endless for each in touching),
    )


def _counted(service: str, touching: Collection[Outage]) -> list[Span]:
    """Return when a service was down such that it counts: not while it was maintained."""
    hurting = [each for each in touching if service in each.services]
    return without(
        (span for each in hurting for span in each.counted),
        (span for each in hurting for span in each.excluded),
    )


def _periods(time: Span, zone: ZoneInfo, months: int) -> Iterator[Span]:
    """Yield the months of a time, or so many of them together, as they begin in a zone."""
    start, end = time
    while start < end:
        local = start.astimezone(zone)
        following = local.month + months - (local.month - 1) % months
        year, month = local.year + (following - 1) // 12, (following - 1) % 12 + 1
        stop = datetime(year, month, 1, tzinfo=zone).astimezone(UTC)
        yield start, min(stop, end)
        start = stop
