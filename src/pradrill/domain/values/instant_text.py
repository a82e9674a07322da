"""Read instants as databases and tools print them, strictly: a wrong guess is a wrong RPA."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pradrill.domain.values.dated_text import read_date
from pradrill.errors import PradrillError

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[0-9]{1,16}(\.[0-9]{1,12})?")
_PER_SECOND = {"epoch": 1, "epoch_ms": 1000}
_NO_DATA = {"null", "none", r"\n", "nil"}
_YEARS = range(2000, 2100)
_QUOTED = 80
_LIKE_AN_INSTANT = re.compile(
    r"([0-9TZ:+./, -]|UTC|GMT|CES?T|AM|PM|null|none|nil|\\N|Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb"
    r"|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)*",
    re.IGNORECASE,
)


def parse_instant(text: str, format: str, timezone: str | None) -> datetime:  # noqa: A002 the key's name in YAML
    """Return the instant (aware, UTC) that the last non-empty line of `text` writes.

    `format` is "iso", "epoch" (seconds), "epoch_ms" or a strptime format. `timezone` names the
    zone of instants that carry none; of a local time that came twice, the earlier instant is
    meant, because the larger loss governs. Raises PradrillError for anything doubtful: nothing,
    NULL, garbage, a time without a zone, a date without a time, a local time that the change to
    summer time skipped, a year outside 2000 to 2099.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise PradrillError(
            "the newest data's instant is empty",
            hint="The query found no row, or printed nothing on its standard output.",
        )

    line = lines[-1]
    if line.lower() in _NO_DATA:
        raise PradrillError(
            f"the newest data's instant is {_quoted(line)}",
            hint="The restored data holds no row that the query looks at.",
        )
    if format in _PER_SECOND:
        return _from_epoch(line, format)

    read = _from_iso(line) if format == "iso" else _from_format(line, format)
    return _to_utc(read, line, timezone)


def _from_epoch(line: str, unit: str) -> datetime:
    if not _NUMBER.fullmatch(line):
        raise _unreadable(line, unit)
    try:
        at = _EPOCH + timedelta(seconds=float(line) / _PER_SECOND[unit])
    except OverflowError:
        raise _implausible(line) from None
    return _plausible(at, line)


def _from_iso(line: str) -> datetime:
    try:
        read = datetime.fromisoformat(line)
    except ValueError:
        raise _unreadable(line, "iso") from None

    try:
        date.fromisoformat(line)
    except ValueError:
        return read

    raise PradrillError(
        f"{_quoted(line)} is a date without a time of day",
        hint="Print the instant of the newest data, as in 2026-03-10T02:00:00Z.",
    )


def _from_format(line: str, pattern: str) -> datetime:
    if "%Z" in pattern:  # strptime accepts the name and drops it
        raise PradrillError(
            f"the format {_quote(pattern)} reads a zone's name, which does not fix its offset",
            hint="Print the offset and read it with %z, or leave the zone out and set timezone.",
        )
    try:
        return read_date(line, pattern)
    except (ValueError, re.error):
        raise _unreadable(line, pattern) from None


def _to_utc(read: datetime, line: str, timezone: str | None) -> datetime:
    _plausible(read, line)
    if read.utcoffset() is not None:
        return read.astimezone(UTC)
    if timezone is None:
        raise PradrillError(
            f"{_quoted(line)} does not say its time zone",
            hint="Print the offset too, or set timezone, as in Europe/Paris.",
        )

    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise PradrillError(
            f"{_quote(timezone)} is not a time zone of this machine",
            hint="Write one like Europe/Paris or UTC, and see that tzdata is installed.",
        ) from None

    at = read.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None, fold=0) != read.replace(fold=0):
        raise PradrillError(
            f"{_quoted(line)} does not exist in {timezone}: the clocks were put forward over it",
            hint="Set timezone to the one that the data is written in, often UTC.",
        )

    return at


def _plausible(at: datetime, line: str) -> datetime:
    if at.year not in _YEARS:
        raise _implausible(line)
    return at


def _implausible(line: str) -> PradrillError:
    return PradrillError(
        f"{_quoted(line)} is not between the years {_YEARS[0]} and {_YEARS[-1]}",
        hint="Check format: seconds are epoch, milliseconds epoch_ms; 0 often means no data.",
    )


def _unreadable(line: str, form: str) -> PradrillError:
    return PradrillError(
        f"{_quoted(line)} is not an instant of the format {_quote(form)}",
        hint="Run the command by hand on the standby and compare it with the drill's format.",
    )


def _quoted(line: str) -> str:
    """Quote what a query printed if it is like an instant; else it may be somebody's data."""
    if len(line) <= _QUOTED and _LIKE_AN_INSTANT.fullmatch(line):
        return _quote(line)
    return f"what was printed ({len(line)} characters, not shown: they may be data)"


def _quote(hostile: str) -> str:
    """Quote what a host or a backup wrote: short, and nothing that moves a cursor."""
    printable = "".join(c if c.isprintable() else "?" for c in hostile[:_QUOTED])
    return f'"{printable}{"…" if len(hostile) > _QUOTED else ""}"'
