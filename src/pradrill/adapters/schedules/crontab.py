"""Keep one line in the calling user's crontab; all others are left as they are."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence

from pradrill.errors import ConfigurationError
from pradrill.system.tools import ToolError, tool

_MARK = "# pradrill schedule"
"""How our line is found again, whatever it says."""


def crontab_line(command: Sequence[str], minute: int) -> str:
    """Return the line that calls it every hour; cron takes a per cent sign for a line feed.

    Raises ConfigurationError where a word cannot stand in one.
    """
    if not all(word.isprintable() for word in command):
        raise ConfigurationError(
            f"cron takes no line feed and no control character: {' '.join(command)!r}",
            hint="Give the folder another name.",
        )
    words = shlex.join(command).replace("%", r"\%")
    return f"{minute} * * * * {words}  {_MARK}"


def read_crontab() -> str:
    """Return the crontab; empty when the user has none. Raises ToolError."""
    if shutil.which("crontab") is None:
        raise ToolError("there is no crontab here", hint="Install cron, or use --systemd.")
    try:
        return tool("crontab", "-l").decode("utf-8", "surrogateescape")
    except ToolError as error:
        if "no crontab for" in error.message:  # cron's own words
            return ""
        raise


def write_crontab(content: str) -> None:
    """Put a crontab in the place of the one before. Raises ToolError."""
    tool("crontab", "-", stdin=content.encode("utf-8", "surrogateescape"))


def with_line(content: str, line: str | None) -> str:
    """Return a crontab with our line as it is to be, or without it; the place of it stays."""
    fresh: list[str] = []
    pending = line
    for each in _lines(content):
        if not each.endswith(_MARK):
            fresh.append(each)
        elif pending is not None:
            fresh.append(pending)
            pending = None
    if pending is not None:
        fresh.append(pending)
    return "".join(f"{each}\n" for each in fresh)


def line_in(content: str) -> str | None:
    """Return our line, if it is there."""
    return next((each for each in _lines(content) if each.endswith(_MARK)), None)


def _lines(content: str) -> list[str]:
    """Return the lines as cron has them: nothing but a line feed ends one."""
    return content.removesuffix("\n").split("\n") if content else []
