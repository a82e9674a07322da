"""Tell which of PostgreSQL's archived logs are missing, by their names: a later one is greater."""

from __future__ import annotations

from collections.abc import Collection

from pradrill.domain.run.host_answers import last_line

_MOST_NUMBERS = 256


def absence(name: str) -> str:
    """Say why a backup without a log does not count: no server starts from it."""
    return f"not every log that makes it consistent is in the archive: {last_line(name)}"


def log_folders(first: str, last: str) -> list[str]:
    """Return every folder in which the logs from the first to the last lie; empty: too many."""
    begin, end = int(first[8:16], 16), int(last[8:16], 16)
    if first[:8] != last[:8] or not 0 <= end - begin < _MOST_NUMBERS:
        return []
    return [f"{first[:8]}{number:08X}" for number in range(begin, end + 1)]


def absent_log(names: Collection[str], first: str, last: str, parts: int | None = None) -> str:
    """Return a log from the first to the last that is not among those there; empty: none.

    `parts` make a number; None: that is not known, but a power of two, and no fewer than any has.
    """
    greatest = max((int(each[16:], 16) for each in names), default=0)
    name = first
    while name in names and name < last:
        number, part = int(name[8:16], 16), int(name[16:], 16)
        following = f"{name[:8]}{number:08X}{part + 1:08X}"
        wrapped = f"{name[:8]}{number + 1:08X}{0:08X}"
        if parts is None:
            wraps = part & (part + 1) == 0 and part >= greatest and wrapped in names
        else:
            wraps = part + 1 == parts
        name = wrapped if wraps else following
    return "" if name in names else last_line(name)
