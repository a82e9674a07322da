"""Format what reports say: fixed sentences outside templates, figures, hostile text."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pradrill.domain.run.ending import Refusal, RunState, Verdict
from pradrill.domain.values.duration import approximate, format_duration
from pradrill.domain.values.timeline import Skew
from pradrill.errors import ExitCode
from pradrill.reporting.language.i18n import N_, _, decimal, language, ngettext, whole

NOT_MEASURED = N_("not measured")

MEANING: Mapping[Verdict, str] = {
    Verdict.PASSED: N_("The recovery was carried out, verified, and met both objectives."),
    Verdict.MISSED: N_("The recovery was carried out and verified, and an objective was exceeded."),
    Verdict.FAILED: N_("The recovery was attempted and does not work."),
    Verdict.INCONCLUSIVE: N_("There is not enough evidence to say whether the recovery works."),
}
REHEARSED: Mapping[Verdict, str] = {
    **MEANING,
    Verdict.PASSED: N_(
        "In rehearsal the recovery was carried out, verified, and met both objectives."
    ),
    Verdict.MISSED: N_(
        "In rehearsal the recovery was carried out and verified, and an objective was exceeded."
    ),
    Verdict.FAILED: N_("In rehearsal the recovery was attempted and does not work."),
}
REFUSED: Mapping[Refusal, str] = {
    Refusal.NOT_READY: N_(
        "Refused before it began: a precondition did not hold. Nothing was touched."
    ),
    Refusal.BUSY: N_("Refused before it began: another run held the standby. Nothing was touched."),
}
MADE_IN_VAIN = N_(
    "Refused: a precondition did not hold. Machines were made for it, and nothing was restored."
)
UNFINISHED: Mapping[RunState, str] = {
    RunState.PENDING: N_("The run had not begun when this record was written."),
    RunState.RUNNING: N_("The run had not ended when this record was written."),
    RunState.INTERRUPTED: N_("The run was interrupted before its end."),
    RunState.CRASHED: N_(
        "The run's process died before its end; the record holds what it had written by then."
    ),
}
TRIGGER: Mapping[str, str] = {
    "cli": N_("by hand (pradrill run)"),
    "due": N_("on schedule (pradrill due)"),
    "demo": N_("demonstration (pradrill demo)"),
}
TEARDOWN = {
    "residue": N_("The standby was not left as declared. Left behind:"),
    "clean": N_("The teardown was carried out, and no residue was found."),
    "untouched": N_("The standby was not changed, so there was nothing to put back."),
    "ended": N_("The machines that the run had made were ended, and none is listed any more."),
    "unknown": N_("A complete teardown is not recorded: what is left on the standby is not known."),
}

_LONG = 2_000
_CUT = " [...] "
_MOST_LINES = 30
_BREAKS = re.compile(r"[^\S\u00a0\u202f]+")
_KILO = 1024
_MILLENNIA = 1e11
_HOURS_FROM, _HOURS_TO = 86_400, 3 * 86_400
_MILLISECOND, _MINUTE, _HOUR, _DAY = 0.001, 60, 3_600, 86_400
_ZONES = {"fr": ("Europe/Paris", "Paris")}
"""Whose clock a report shows, where its readers have one clock; the annex has UTC."""
_PART = re.compile(r"(?<![0-9.])([0-9.]+(?:e[+-]?[0-9]+)?)(ms|[dhms])")
_FRENCH_UNITS = {"d": "j", "h": "h", "m": "min", "s": "s", "ms": "ms"}


def clean(value: object, limit: int = _LONG) -> str:
    """Return text that is safe to show: no control, bidi or invisible character, no huge line.

    Each such character becomes its visible code, as in ⟨U+202E⟩; what is cut off is counted.
    Line feeds stay; tabs become spaces.
    """
    text = value if isinstance(value, str) else _flat(value)
    cleaned = text[:limit].replace("\r\n", "\n").replace("\t", "    ")
    if not cleaned.isprintable():
        cleaned = "".join(_visible(char) for char in cleaned)
    if len(text) > limit:
        cleaned += " … " + _(
            "[cut: %(all)s characters, the first %(shown)s shown]",
            all=whole(len(text)),
            shown=whole(limit),
        )

    return cleaned


def line(value: object, limit: int = _LONG) -> str:
    """Return `clean` text on a single line; a space that does not break stays one."""
    return _BREAKS.sub(" ", clean(value, limit)).strip()


def gist(value: object, limit: int) -> str:
    """Return a text on one line, cut in its middle: what is wrong stands at its end."""
    text = line(value)
    if len(text) <= limit:
        return text
    end = limit * 2 // 3
    return f"{text[: limit - end - len(_CUT)]}{_CUT}{text[-end:]}"


def block(text: str) -> str:
    """Return the first lines of a text, and how many more there are; not cleaned yet."""
    lines = text.split("\n", _MOST_LINES)
    if len(lines) > _MOST_LINES:
        more = lines[-1].count("\n") + 1
        lines[-1] = ngettext("[one more line]", "[%(n)s more lines]", more)
    return "\n".join(lines)


def colon() -> str:
    """Return the mark that stands between a name and what it names."""
    return "\u00a0: " if language() == "fr" else ": "


def semicolon() -> str:
    """Return the mark that stands between the members of a list of phrases."""
    return "\u202f; " if language() == "fr" else "; "


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
    """Write an instant to the second in UTC; in French to the minute, as Paris has it."""
    if language() == "fr":
        return f"{at_minute(instant)} ({clock_name()})"
    return f"{day(instant)} {instant:%H:%M:%S} UTC"


def at_minute(instant: datetime) -> str:
    """Write an instant to the minute without its zone, for dense tables."""
    return f"{day(instant)} {_local(instant):%H:%M}"


def at_tenth(instant: datetime) -> str:
    """Write an instant to the tenth of a second (cut, not rounded), in UTC in every language."""
    instant = instant.astimezone(UTC)
    tenths = decimal(f"{instant:%H:%M:%S}.{instant.microsecond // 100_000}")
    return f"{_calendar_day(instant.date())} {tenths} UTC"


def time_of_day(instant: datetime) -> str:
    """Write an instant of a day that is known, to the second."""
    return f"{_local(instant):%H:%M:%S}"


def day(value: date) -> str:
    """Write a day, or that of an instant, as the language does."""
    return _calendar_day(_local(value).date() if isinstance(value, datetime) else value)


def month(year: int, number: int) -> str:
    """Write a month as the language does."""
    return f"{number:02d}/{year:04d}" if language() == "fr" else f"{year:04d}-{number:02d}"


def clock_name() -> str:
    """Name the clock that instants are written in."""
    return "UTC" if _zone(language()) is UTC else _ZONES[language()][1]


def local(instant: datetime) -> datetime:
    """Return an instant as the language's readers have it on their clocks."""
    return _local(instant)


def _calendar_day(value: date) -> str:
    if language() == "fr":
        return f"{value.day:02d}/{value.month:02d}/{value.year:04d}"
    return value.isoformat()


def _local(instant: datetime) -> datetime:
    try:
        return instant.astimezone(_zone(language()))
    except OverflowError:  # at the ends of the calendar
        return instant


@cache
def _zone(language: str) -> tzinfo:
    try:
        return ZoneInfo(_ZONES[language][0]) if language in _ZONES else UTC
    except ZoneInfoNotFoundError:
        return UTC


def short(value: timedelta | float) -> str:
    """Write a duration for a reader, two units at most; 24 hours stay hours."""
    seconds = _seconds(value)
    if abs(seconds) >= _MILLENNIA:
        return _spaced(f"{seconds:.3g}s")

    whole_seconds = round(abs(seconds))
    if _HOURS_FROM <= whole_seconds < _HOURS_TO:
        hours, rest = divmod(whole_seconds, 3600)
        return _spaced(f"{'-' if seconds < 0 else ''}{hours}h{rest // 60:02d}m")

    return _spaced(approximate(seconds))


def tenth(value: timedelta | float, *, up: bool) -> str:
    """Write a duration to the tenth of a second, rounded up or down."""
    seconds = _seconds(value)
    if abs(seconds) >= _MILLENNIA:
        return _spaced(f"{seconds:.3g}s")

    tenths = (math.ceil if up else math.floor)(round(seconds * 10, 3))
    sign, (left, rest) = "-" if tenths < 0 else "", divmod(abs(tenths), 10)

    parts: list[str] = []
    days = [("d", 86_400)] if left >= _HOURS_TO else []
    for unit, size in (*days, ("h", 3_600), ("m", 60)):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count:02d}{unit}" if parts else f"{count}{unit}")

    return _spaced(sign + "".join(parts) + (f"{left:02d}" if parts else f"{left}") + f".{rest}s")


def bound(value: timedelta | float, *, up: bool) -> str:
    """Write a duration rounded up or down, so that a bound stays a bound.

    As finely as it matters: seconds to the tenth, minutes to the second, hours to the minute.
    """
    seconds = _seconds(value)
    if abs(seconds) >= _MILLENNIA:
        return _spaced(f"{seconds:.3g}s")

    fine = round(seconds, 3)
    size = 0.1 if abs(fine) < _MINUTE else 1 if abs(fine) < _HOUR else _MINUTE
    rounded = (math.ceil if up else math.floor)(round(fine / size, 3)) * size
    if size == 0.1 and abs(rounded) < _MINUTE:  # noqa: PLR2004 a tenth
        return _spaced(f"{rounded:.1f}s")
    return _spaced(_units(round(rounded)))


def _units(seconds: int) -> str:
    """Write whole seconds in days, hours, minutes and seconds; no seconds from an hour on."""
    sign, left = "-" if seconds < 0 else "", abs(seconds)
    days = [("d", 86_400)] if left >= _HOURS_TO else []
    small = [] if left >= _HOUR else [("s", 1)]
    parts: list[str] = []
    for unit, size in (*days, ("h", _HOUR), ("m", _MINUTE), *small):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count:02d}{unit}" if parts else f"{count}{unit}")

    return sign + "".join(parts)


def exact(value: timedelta | float) -> str:
    """Write a duration whole, to the millisecond."""
    return _spaced(format_duration(value))


def every(value: timedelta | float) -> str:
    """Say how often something is done, as in "every hour" or "every 24h"."""
    seconds = _seconds(value)
    if seconds == _MINUTE:
        return _("every minute")
    if seconds == _HOUR:
        return _("every hour")

    return _("every %(length)s", length=promised(value))


def promised(value: timedelta | float) -> str:
    """Write a duration that people have promised: 30 min, 24 h, and not to the second."""
    is_a_day = _seconds(value) == _DAY
    return _spaced(f"{_DAY // _HOUR}h" if is_a_day else format_duration(value))


def percent(part: float) -> str:
    """Write a part in whole per cent, rounded down: 95 % are not reached before they are."""
    return f"{int(part * 100 + 1e-9)} %"


def brief(text: str, limit: int) -> str:
    """Return a text that is short enough for the edge of a page."""
    short_text = line(text, _LONG)
    return short_text if len(short_text) <= limit else f"{short_text[: limit - 1].rstrip()}…"


def respelt(text: str) -> str:
    """Write the durations that a text is made of as the language being spoken does."""
    return _spaced(text) if _PART.search(text) else text


def _spaced(duration: str) -> str:
    """Write "1h05m" as the language being spoken does: "1 h 05" in French."""
    if language() != "fr":
        return duration

    parts = _PART.findall(duration)
    spaced = " ".join(f"{number} {_FRENCH_UNITS[unit]}" for number, unit in parts)
    if [unit for _number, unit in parts] == ["h", "m"]:
        spaced = spaced.removesuffix(" min")

    return decimal(("\u2212" if duration.startswith("-") else "") + spaced).replace(" ", "\u00a0")


def _seconds(value: timedelta | float) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value


def exit_code(code: int) -> str:
    """Say what an exit code means; an unknown one is a failure."""
    member = ExitCode.find(code)
    unknown = N_("unknown: treat it as a failure")
    return f"{code} ({_(member.phrase if member is not None else unknown)})"  # 0 is a member, too


def trigger(name: str) -> str:
    """Say what started a run."""
    return _(TRIGGER[name]) if name in TRIGGER else name


def yes_no(value: object) -> str:
    """Say yes or no; None is what nobody entered."""
    return _("not entered") if value is None else _("yes") if value else _("no")


def size(count: int | None) -> str:
    """Write a number of bytes; nothing when it is not known."""
    if count is None:
        return ""

    value, unit = float(count), "B"
    for bigger in ("KiB", "MiB", "GiB", "TiB"):
        if value < _KILO:
            break

        value, unit = value / _KILO, bigger

    figure = decimal(f"{value:.1f}") if unit != "B" else str(count)
    return f"{figure}\u00a0{unit.replace('B', 'o') if language() == 'fr' else unit}"


def pairs(values: Mapping[str, Any]) -> str:
    """Write names and values on one line."""
    return ", ".join(f"{name} = {_flat(value)}" for name, value in values.items())


def ahead(skew: Skew) -> str:
    """Say how a host's clock stands against the controller's."""
    if max(abs(skew.seconds), skew.within) >= _MILLENNIA:
        off, within = decimal(f"{skew.seconds:.3g}"), decimal(f"{skew.within:.3g}")
        return _("%(off)s s off, to within %(within)s s", off=off, within=within)

    off, within = decimal(f"{abs(skew.seconds):.3f}"), decimal(f"{skew.within:.3f}")
    if skew.seconds >= 0:
        return _("%(off)s s ahead, to within %(within)s s", off=off, within=within)
    return _("%(off)s s behind, to within %(within)s s", off=off, within=within)


def stepped(seconds: float) -> str:
    """Say by how much the controller's clock was moved during the run."""
    if not seconds:
        return _("not moved during the run")
    if abs(seconds) < _MILLISECOND:
        return _("moved by less than 1 ms during the run")
    return _("moved by %(seconds)s s during the run", seconds=decimal(f"{seconds:+.3g}"))
