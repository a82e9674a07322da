"""Ask an RFC 3161 authority for time stamps over HTTP, and verify them with `openssl ts`."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pradrill.system.in_memory import memory_file
from pradrill.system.tools import ToolError, tool

_SECONDS = 15
_LARGEST = 200_000
_STATED = re.compile(
    r"^Time stamp: (\w{3} +\d+ \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4}) GMT$", re.MULTILINE
)


def stamp(sha256: str, authority: str) -> bytes:
    """Return the authority's answer (DER) about a hash; raises ToolError."""
    import urllib.request  # noqa: PLC0415 half the weight of a command that only reads

    query = tool("openssl", "ts", "-query", "-digest", sha256, "-sha256", "-cert")
    request = urllib.request.Request(  # noqa: S310 the settings allow http and https only
        authority,
        data=query,
        headers={"Content-Type": "application/timestamp-query"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 as above
            response: bytes = answer.read(_LARGEST)
    except (OSError, ValueError) as error:
        raise ToolError(f"the authority {authority} gave no stamp: {error}") from error
    if stated_time(response) is None:
        raise ToolError(f"the authority {authority} gave no stamp: its answer is none")
    return response


def stamp_problem(sha256: str, response: bytes, authorities: str) -> str | None:
    """Say why an answer does not prove that the hash existed, or None when it does."""
    with memory_file(response) as stamp, memory_file(authorities.encode()) as trusted:
        try:
            tool(
                *("openssl", "ts", "-verify", "-digest", sha256),
                *("-in", stamp, "-CAfile", trusted),
            )
        except ToolError as error:
            return error.message

    return None


def stated_time(response: bytes) -> datetime | None:
    """Return the time that an answer states, whoever gave it; None when it is not a stamp."""
    with memory_file(response) as stamp:
        try:
            text = tool("openssl", "ts", "-reply", "-text", "-in", stamp).decode("utf-8", "replace")
        except ToolError:
            return None

    match = _STATED.search(text)
    if match is None:
        return None

    return datetime.strptime(f"{match[1]} {match[2]}", "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
