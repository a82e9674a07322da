"""Read dates of a strptime form, which may be as coarse as a week, and tell what a form lacks."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

from pradrill.domain.values.month_names import in_english

SOME_DAY = datetime(2026, 3, 10, 13, 5, 9, tzinfo=UTC)
"""To try a form with."""

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


_SHORT = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "h": "%b", "e": "%d", "P": "%p"}
"""What date(1) has for several of strptime's directives, or for the same one."""
_SHORT_ONES = ("%F", "%T", "%R")

_FIGURES = set("YyGCmdjHIMSfsNVUWuwFTRecxXz")
"""What begins or ends with a digit."""

_SECONDS, _NANOSECONDS, _ISO_WEEK = "s", "N", "V"
_UNREAD = {_SECONDS: "[0-9]{9,10}", _NANOSECONDS: "[0-9]{9}", _ISO_WEEK: "[0-9]{1,2}"}
"""What strptime does not read (%V only with %G)."""
_DIGITS = {
    **_UNREAD, "Y": "[0-9]{4}", "G": "[0-9]{4}", "j": "[0-9]{1,3}", "f": "[0-9]{1,6}",
}  # fmt: skip
_NAMES, _WORDS = set("aAbB"), set("pcxXzZ")
_OF_TWO, _WIDTHS = set("mdHIMSyUWV"), {"Y": 4, "G": 4, "j": 3}
"""How many digits date(1) writes."""


DIRECTIVE = r"(?s)%[-_^#]?[A-Za-z]|%."
"""One of date(1)'s or strptime's, or the sign %%."""


@lru_cache
def spelled_out(form: str) -> str:
    """Return a form with nothing but strptime's directives, where date(1) has shorter ones.

    One without padding that touches another figure stays, and strptime refuses it: by %Y%-m%-d
    2026111 is two days.
    """
    parts = re.findall(rf"{DIRECTIVE}|[^%]+|%", form)
    three = zip(["", *parts], parts, [*parts[1:], ""], strict=False)
    return "".join(each[1] if _is_ambiguous(*each) else _bare(each[1]) for each in three)


def without_short(form: str) -> str:
    """Return a form with several directives where date(1) has one that is short for them."""
    return re.sub(
        DIRECTIVE, lambda each: _SHORT[each[0][1]] if each[0] in _SHORT_ONES else each[0], form
    )


def texts_of(text: str, form: str) -> dict[str, str]:
    """Return what stands in a text of a form where that has each directive, as written there."""
    directives = [each for each in re.findall(DIRECTIVE, without_short(form)) if each[-1].isalpha()]
    match = _matched(text, spelled_out(form), "".join(each[-1] for each in map(_bare, directives)))
    return dict(zip(directives, match.groups(), strict=False))


def _is_ambiguous(before: str, part: str, after: str) -> bool:
    """Tell whether a directive without padding touches what reads a figure, or is one."""
    is_bounded = not (_is_figure(before, -1) or _is_figure(after, 0))
    return part.startswith("%-") and part[-1] in _FIGURES and not is_bounded


def _is_figure(part: str, at: int) -> bool:
    if part.startswith("%"):
        return part[-1] in _FIGURES
    return part != "" and part[at].isdecimal()


def _bare(part: str) -> str:
    """Return a directive without its padding and its capitals, in strptime's letters."""
    if part[0] != "%" or not part[-1].isalpha():
        return part
    return _SHORT.get(part[-1], f"%{part[-1]}")


def read_date(text: str, form: str) -> datetime:
    """Return the date that a text of a form tells: the earliest that it may mean.

    strptime passes a week by that has no weekday, and dates it 1 January. A date by seconds (%s)
    has its zone. Raises ValueError.
    """
    form = spelled_out(form)
    directives = directives_of(form)
    if _SECONDS in directives:
        text, form, seconds = _without(_SECONDS, text, form)
        if directives_of(form):
            read_date(text, form)  # it must be one, and tells no more
        return datetime.fromtimestamp(int(seconds), UTC)
    if _NANOSECONDS in directives:
        return read_date(*_without(_NANOSECONDS, text, form)[:2])
    if _ISO_WEEK in directives and "G" not in directives and _is_day(directives):
        return read_date(*_without(_ISO_WEEK, text, form)[:2])  # its day is told without it

    try:
        return _read(text, form, directives)
    except ValueError:
        if not directives & _NAMES:
            raise
    return _read(_in_english(text, form), form, directives)


def _read(text: str, form: str, directives: frozenset[str]) -> datetime:
    at = _parsed(text, form, directives)
    _raise_for_width(text, form)
    return at


def _parsed(text: str, form: str, directives: frozenset[str]) -> datetime:
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


def _raise_for_width(text: str, form: str) -> None:
    """Raise ValueError when figures that touch have not as many digits as date(1) writes.

    strptime takes 2026111 by %Y%m%d for 1 November; whoever wrote it may have meant 11 January.
    """
    parts = re.findall(r"(?s)%.|[^%]+", form)
    three = zip(["", *parts], parts, [*parts[1:], ""], strict=False)
    patterns = (
        f"[0-9 ]{{{_WIDTHS.get(part[1], 2)}}}"
        if part[0] == "%"
        and part[1] in _OF_TWO | set(_WIDTHS)
        and (_is_figure(before, -1) or _is_figure(after, 0))
        else _part(part)
        for before, part, after in three
    )
    if not re.fullmatch("".join(patterns), text, re.IGNORECASE):
        msg = f"{text!r} is not of the form {form!r}"
        raise ValueError(msg)


def _is_day(directives: frozenset[str]) -> bool:
    return bool(directives & set("jcx")) or ("d" in directives and bool(directives & _MONTH))


def _without(directive: str, text: str, form: str) -> tuple[str, str, str]:
    """Return a text and its form without a directive, and what that reads. Raises ValueError."""
    match = _matched(text, form, directive)
    begin, end = match.span(1)
    rest = re.sub(r"(?s)%(.)", lambda each: "" if each[1] == directive else each[0], form)
    return text[:begin] + text[end:], rest, match[1]


def _in_english(text: str, form: str) -> str:
    """Return a text with each month and day where the form has one as strptime reads it."""
    match = _matched(text, form, "".join(_NAMES))
    directives = re.findall(r"%([aAbB])", form.replace("%%", ""))
    for group, directive in reversed([*enumerate(directives, 1)]):
        begin, end = match.span(group)
        text = text[:begin] + in_english(match[group], directive) + text[end:]
    return text


def _matched(text: str, form: str, directives: str) -> re.Match[str]:
    """Return a text as a form has it, with these directives as groups. Raises ValueError."""
    match = _pattern(form, directives).fullmatch(text)
    if match is None:
        msg = f"{text!r} is not of the form {form!r}"
        raise ValueError(msg)
    return match


@lru_cache
def _pattern(form: str, directives: str) -> re.Pattern[str]:
    parts = re.findall(r"(?s)%.|[^%]+", form)
    patterns = (
        f"({_part(each)})" if each[0] == "%" and each[1] in directives else _part(each)
        for each in parts
    )
    return re.compile("".join(patterns), re.IGNORECASE)


def _part(part: str) -> str:
    """Return the pattern of a directive, or of what stands between two."""
    if part[0] != "%" or part == "%%":
        return re.escape(part.replace("%%", "%"))
    if part[1] in _NAMES:
        return r"[^\W\d_]{1,20}\.?"
    return _DIGITS.get(part[1], ".{1,30}" if part[1] in _WORDS else "[0-9 ]{1,2}")


def lack_of(form: str) -> tuple[str, str] | None:
    """Return what a form tells without what it needs for a date, and the directive to add."""
    directives = directives_of(form)
    if _SECONDS in directives:
        return None
    if not directives & _YEAR:
        return "a date without its year", "%Y"

    for each, needs, lack, remedy in _NEEDS:
        if directives & each and not directives & needs:
            return lack, remedy
    return None


def is_dated(form: str) -> bool:
    """Tell whether a form has a date in it at all."""
    return bool(directives_of(form) & (_YEAR | {_SECONDS}))


def has_hour(form: str) -> bool:
    """Tell whether a form has a time of day, and no day alone."""
    return bool(directives_of(form) & {*_HOUR, _SECONDS})


def sample_of(form: str) -> str:
    """Return what a job would write by a form."""
    form = re.sub(r"%(%|N)", lambda match: "0" * 9 if match[1] == "N" else "%%", spelled_out(form))
    return SOME_DAY.strftime(form)


@lru_cache
def directives_of(form: str) -> frozenset[str]:
    """Return the letters of a form's directives."""
    letters = re.findall(r"%(.)", spelled_out(form), re.DOTALL)
    return frozenset(each for each in letters if each != "%")
