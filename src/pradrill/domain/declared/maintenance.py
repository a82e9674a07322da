"""Declare when a provider may work on its machines, and whether that counts as an outage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field

from pradrill.domain.values.model import Model
from pradrill.domain.values.spans import Span

_DAY = dt.timedelta(days=1)


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class AvailabilityPeriod(StrEnum):
    """Over which time a promise of availability is reckoned."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def months(self) -> int:
        """Return how many months it has."""
        return {self.MONTH: 1, self.QUARTER: 3, self.YEAR: 12}[self]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # what is not found is a KeyError
        msg = f'"{name}" is no time zone: write it as Europe/Paris'
        raise ValueError(msg) from error
    return name


Zone = Annotated[str, AfterValidator(_zone)]


class MaintenanceWindow(Model):
    """A span of each week in which the provider may work."""

    days: tuple[Weekday, ...] = Field(
        default=tuple(Weekday), description="default: every day", examples=[["tuesday"]]
    )
    begins: str = Field(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="local time", examples=["02:00"]
    )
    ends: str = Field(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="local time; not after begins: on the next day",
        examples=["04:00"],
    )
    timezone: Zone = Field(default="UTC", description="of both", examples=["Europe/Paris"])

    def spans(self, first: dt.datetime, last: dt.datetime) -> Iterator[Span]:
        """Yield its spans that touch the time between two instants."""
        zone = ZoneInfo(self.timezone)
        weekdays = [list(Weekday).index(day) for day in self.days]
        begins, ends = dt.time.fromisoformat(self.begins), dt.time.fromisoformat(self.ends)
        day = first.astimezone(zone).date() - _DAY
        while day <= last.astimezone(zone).date():
            if day.weekday() in weekdays:
                end_day = day if begins < ends else day + _DAY
                begin = dt.datetime.combine(day, begins, zone).astimezone(dt.UTC)
                end = dt.datetime.combine(end_day, ends, zone).astimezone(dt.UTC)
                if end > first and begin < last:
                    yield begin, end
            day += _DAY

    def __str__(self) -> str:
        """Write it in a line."""
        every = len(set(self.days)) == len(Weekday)
        days = "every day" if every else ", ".join(self.days)
        return f"{days} {self.begins}-{self.ends} ({self.timezone})"
