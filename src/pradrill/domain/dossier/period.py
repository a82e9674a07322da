"""Bound the days that a dossier covers, and divide them into columns."""

from __future__ import annotations

import datetime as dt
from datetime import UTC, datetime, time

from pydantic import Field

from pradrill.domain.values.model import Model, Utc

_MONTHS_A_COLUMN = (3, 12, 24, 60, 120, 600, 1_200, 12_000)
_MOST_COLUMNS = 12
_FEW_MONTHS = 3


class Period(Model):
    """From the first moment of one day to the last of another, both in UTC."""

    first: dt.date
    last: dt.date

    @property
    def begin(self) -> datetime:
        """Return the first instant."""
        return datetime.combine(self.first, time.min, UTC)

    @property
    def end(self) -> datetime:
        """Return the last instant."""
        return datetime.combine(self.last, time.max, UTC)

    def holds(self, instant: datetime) -> bool:
        """Tell whether an instant lies within."""
        return self.begin <= instant <= self.end

    def columns(self) -> tuple[Column, ...]:
        """Cut the period into months, quarters or years: at most a dozen, at calendar bounds."""
        first, last = _month(self.first), _month(self.last)
        size = 1 if last - first < _FEW_MONTHS else 0
        sizes = (size,) if size else _MONTHS_A_COLUMN
        size = next(n for n in sizes if last // n - first // n < _MOST_COLUMNS)
        return tuple(
            Column(months=size, number=number) for number in range(first // size, last // size + 1)
        )


class Column(Model):
    """So many months, counted from the year 0: a quarter is the n-th three of them."""

    months: int = Field(ge=1)
    number: int = Field(ge=0)

    @property
    def year(self) -> int:
        """Return the year in which it begins."""
        return self.number * self.months // 12

    @property
    def month(self) -> int:
        """Return the month in which it begins, from 1."""
        return self.number * self.months % 12 + 1

    def holds(self, instant: datetime) -> bool:
        """Tell whether an instant lies within."""
        return _month(instant) // self.months == self.number


def column_of(columns: tuple[Column, ...], instant: Utc) -> int:
    """Return which of the columns of a period an instant of it is in."""
    return _month(instant) // columns[0].months - columns[0].number


def _month(day: dt.date) -> int:
    return day.year * 12 + day.month - 1


def a_year_before(last: dt.date) -> dt.date:
    """Return the day after the same day a year ago: a year, both ends included."""
    try:
        before = last.replace(year=last.year - 1)
    except ValueError:  # 29 February, or the first year of the calendar
        before = max(last - dt.timedelta(days=366), dt.date.min) if last.year > 1 else dt.date.min
    return before + dt.timedelta(days=1)
