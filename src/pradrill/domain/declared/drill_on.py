"""Read on which days a drill is due: "first Saturday of the quarter 02:00 Europe/Paris"."""

from __future__ import annotations

import datetime as dt
import re
from datetime import timedelta
from typing import Annotated, NamedTuple, Self

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from pradrill.domain.values.model import Model

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_PLACES = {"first": 1, "second": 2, "third": 3, "fourth": 4}
_MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}
_RULE = re.compile(
    r"(?:(?P<place>first|second|third|fourth|last) (?P<day>\w+) of (?:the|each|every) "
    r"(?P<part>month|quarter|half-year|year)|every (?P<every>\w+)|cron (?P<cron>\S+(?: \S+){4}))"
    r"(?: (?P<hour>\d{1,2}):(?P<minute>\d\d))? (?P<zone>[A-Za-z][\w+/-]*)",
    re.IGNORECASE,
)
_EXAMPLE = '"first Saturday of the quarter 02:00 Europe/Paris"'


class DrillOn(NamedTuple):
    """When a drill is due by the calendar: as people write it, as cron has it, in which zone."""

    text: str
    cron: str
    zone: str

    @classmethod
    def read(cls, text: object) -> Self:
        """Read what people write. Raises ValueError with a sentence for them."""
        if isinstance(text, cls):
            return text
        words = " ".join(text.split()) if isinstance(text, str) else ""
        match = _RULE.fullmatch(words)
        if match is None:
            msg = f"{text!r} is no day of a drill; write it with its time and zone: {_EXAMPLE}"
            raise ValueError(msg)
        if match["cron"]:
            if match["hour"]:
                msg = f"{text!r} has its time twice: in the cron expression, and after it"
                raise ValueError(msg)
            return cls(words, match["cron"], match["zone"])

        return cls(words, f"{_time(match)} {_days(match)}", match["zone"])


def _time(match: re.Match[str]) -> str:
    if match["hour"] is None:
        msg = f"{match[0]!r} names no time of day: {_EXAMPLE}"
        raise ValueError(msg)
    hour, minute = int(match["hour"]), int(match["minute"])
    if hour > 23 or minute > 59:  # noqa: PLR2004 a clock's
        msg = f"{match['hour']}:{match['minute']} is no time of day"
        raise ValueError(msg)
    return f"{minute} {hour}"


def _days(match: re.Match[str]) -> str:
    """Return the last three fields of a cron expression: day, month, weekday."""
    if match["every"]:
        if match["every"].lower() == "day":
            return "* * *"
        return f"* * {_weekday(match['every'])}"

    length, place = _MONTHS[match["part"].lower()], match["place"].lower()
    first = length if place == "last" else 1
    months = "*" if length == 1 else ",".join(map(str, range(first, 13, length)))
    if match["day"].lower() == "day":
        day = "L" if place == "last" else str(_PLACES[place])
        return f"{day} {months} *"
    weekday = _weekday(match["day"])
    return f"* {months} {weekday}{'L' if place == 'last' else f'#{_PLACES[place]}'}"


def _weekday(word: str) -> int:
    if word.lower() not in _DAYS:
        msg = f'"{word}" is no day of the week: {_EXAMPLE}'
        raise ValueError(msg)
    return _DAYS.index(word.lower())


DrillOnRule = Annotated[
    DrillOn,
    BeforeValidator(DrillOn.read),
    PlainSerializer(lambda rule: rule.text, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""A day of the calendar in a model."""


class QuietDays(Model):
    """Days on which no drill begins by itself, both ends included."""

    first: dt.date = Field(description="the first of them", examples=["2026-12-20"])
    last: dt.date = Field(description="the last of them", examples=["2027-01-04"])
    because: str = Field(min_length=1, description="why", examples=["year-end closing"])

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            msg = f"the last day, {self.last}, is before the first, {self.first}"
            raise ValueError(msg)
        if self.last - self.first > _LONGEST_QUIET:
            msg = "more than a year without drills: leave drill_on out until they begin again"
            raise ValueError(msg)
        return self


_LONGEST_QUIET = timedelta(days=366)
WINDOW = timedelta(hours=12)
"""How long after its time a drill may begin where the plan does not say."""
