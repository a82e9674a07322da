"""Read durations as people write them: "90s", "15m", "1h30m"; cadences: "3 months"."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

_UNITS = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = r"\d+(?:\.\d+)?\s*(?:ms|w|d|h|m|s)"
_DURATION = re.compile(rf"{_PART}(?:\s*{_PART})*")
_CADENCE = re.compile(r"(\d+)\s*(day|week|month|year)s?")
_LONGEST = timedelta(days=36_500)
_SHORTEST_DEADLINE = timedelta(seconds=1)


def parse_duration(text: object) -> timedelta:
    """Read "1h30m" and the like; a bare number is refused because its unit is a guess.

    Raises ValueError with a sentence for the user.
    """
    if isinstance(text, timedelta):
        return text
    if not isinstance(text, str):
        msg = f'a duration needs a unit, as in "15m" or "1h30m", not {text!r}'
        raise ValueError(msg)  # noqa: TRY004 pydantic turns only ValueError into a problem
    if not _DURATION.fullmatch(text.strip()):
        msg = f'"{text}" is not a duration; write a number with a unit (ms, s, m, h, d, w): "1h30m"'
        raise ValueError(msg)

    parts = re.findall(r"(?<!\d)(\d+(?:\.\d+)?)\s*(ms|w|d|h|m|s)", text)
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if seconds > _LONGEST.total_seconds():
        msg = f'"{text}" is longer than a hundred years'
        raise ValueError(msg)

    return timedelta(seconds=seconds)


def format_duration(value: timedelta | float) -> str:
    """Write a duration (timedelta or seconds) the way `parse_duration` reads it, to the ms."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    sign = "-" if seconds < 0 else ""

    milliseconds = round(abs(seconds) * 1000)
    parts: list[str] = []
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")

    if milliseconds:
        parts.append(f"{milliseconds}ms")

    return sign + ("".join(parts) or "0s")


def approximate(value: timedelta | float) -> str:
    """Write a duration for a reader: two units at most, tenths only under a minute."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    sign, seconds = ("-" if seconds < 0 else ""), abs(seconds)
    if round(seconds, 1) < 60:  # noqa: PLR2004
        return f"{sign}{seconds:.1f}s"

    whole = round(seconds)
    for big, big_size, small, small_size in (("d", 86_400, "h", 3_600), ("h", 3_600, "m", 60)):
        if whole >= big_size:
            return f"{sign}{whole // big_size}{big}{whole % big_size // small_size:02d}{small}"

    return f"{sign}{whole // 60}m{whole % 60:02d}s"


class Cadence(NamedTuple):
    """How often something is due; a file and a record have it as text: "3 months"."""

    number: int
    unit: str
    """One of day, week, month, year."""

    @classmethod
    def read(cls, text: object) -> Self:
        """Read what people write. Raises ValueError with a sentence for them."""
        if isinstance(text, cls):
            return text

        match = _CADENCE.fullmatch(text.strip()) if isinstance(text, str) else None
        if match is None or not 1 <= int(match[1]) <= 1200:  # noqa: PLR2004
            msg = f'{text!r} is not a cadence; write days, weeks, months or years: "3 months"'
            raise ValueError(msg)

        return cls(int(match[1]), match[2])

    @property
    def text(self) -> str:
        """Return it as it is written."""
        return f"{self.number} {self.unit}{'s' if self.number != 1 else ''}"


def due_after(cadence: Cadence, instant: datetime) -> datetime:
    """Return when "3 months" after `instant` is; the day of the month is kept where it exists."""
    count, unit = cadence
    if unit in {"day", "week"}:
        return instant + timedelta(days=count * (7 if unit == "week" else 1))

    months = instant.year * 12 + instant.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    last_day = monthrange(year, month + 1)[1]

    return instant.replace(year=year, month=month + 1, day=min(instant.day, last_day))


def _positive(text: object) -> timedelta:
    value = parse_duration(text)
    if value <= timedelta(0):
        msg = "must be longer than zero"
        raise ValueError(msg)
    return value


def _deadline(value: timedelta) -> timedelta:
    if value < _SHORTEST_DEADLINE:
        msg = "a deadline is at least 1s"
        raise ValueError(msg)
    return value


_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$"})
_WRITE = PlainSerializer(format_duration, return_type=str)

Duration = Annotated[timedelta, BeforeValidator(parse_duration), _WRITE, _SCHEMA]
"""A length of time, zero allowed."""

PositiveDuration = Annotated[timedelta, BeforeValidator(_positive), _WRITE, _SCHEMA]
"""A length of time, longer than zero."""

Deadline = Annotated[PositiveDuration, AfterValidator(_deadline)]
"""How long something may take."""

DrillEvery = Annotated[
    Cadence,
    BeforeValidator(Cadence.read),
    PlainSerializer(lambda cadence: cadence.text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": f"^{_CADENCE.pattern}$"}),
]
"""A cadence in a model."""


def next_due(every: Cadence | None, last: datetime | None) -> datetime | None:
    """Return when a drill is due that finished last then; None when nothing tells."""
    if every is None or last is None:
        return None
    try:
        return due_after(every, last)
    except (ValueError, OverflowError):  # past the last year of the calendar
        return None
