"""Read dates of a strptime form, which may be as coarse as a week, and tell what a form lacks."""

from __future__ import annotations

import re
from datetime import datetime

_FIRST_DAYS = {"W": ("%w", "1"), "U": ("%w", "0"), "V": ("%u", "1")}
"""The first day of a week: weeks begin on Monday, on Sunday, and ISO's on Monday."""

_YEAR, _MONTH, _WEEKDAY, _WEEK = set("YyGcx"), set("mbBcx"), set("aAuw"), set("WUV")
_DAY, _HOUR = {*"djcx", *_WEEK}, set("HIcX")

_NEEDS = (
    (set("d"), _MONTH, "a day without its month", "%m"),
    (_WEEKDAY, _DAY, "a weekday without its week", "%W, or %V with %G"),
    (set("HIX"), _DAY, "a time without its day", "%d"),
    (set("M"), _HOUR, "minutes without their hour (%m is the month)", "%H"),
    (set("S"), set("McX"), "seconds without their minute", "%M"),
    (set("I"), set("p"), "an hour without its half of the day", "%p, or %H for %I"),
)
"""What strptime takes for the first of January, for midnight or for morning, without a word."""


def read_date(text: str, form: str) -> datetime:
    """Return the date that a text of a form tells: the earliest that it may mean.

    strptime passes a week by that has no weekday, and dates it 1 January. Raises ValueError.
    """
    directives = directives_of(form)
    week = next((each for each in "WUV" if each in directives), None)
    if week is None or directives & (_WEEKDAY | set("dj")):
        return datetime.strptime(text, form)  # noqa: DTZ007 its reader knows the zone

    directive, day = _FIRST_DAYS[week]
    at = datetime.strptime(f"{day}/{text}", f"{directive}/{form}")  # noqa: DTZ007 likewise
    if week == "V":
        return at
    year = datetime.strptime(text, form).year  # noqa: DTZ007 likewise
    if at.year > year:
        msg = f"{year} has no week of that number"
        raise ValueError(msg)
    return max(at, at.replace(year=year, month=1, day=1))  # week 0 begins with the year


def lack_of(form: str) -> tuple[str, str] | None:
    """Return what a form tells without what it needs for a date, and the directive to add."""
    directives = directives_of(form)
    if not directives & _YEAR:
        return "a date without its year", "%Y"

    for each, needs, lack, remedy in _NEEDS:
        if directives & each and not directives & needs:
            return lack, remedy
    return None


def directives_of(form: str) -> set[str]:
    """Return the letters of a form's directives."""
    return {each for each in re.findall(r"%(.)", form, re.DOTALL) if each != "%"}
