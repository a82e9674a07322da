"""Ask an RFC 3161 authority for time stamps over HTTP, and verify them with `openssl ts`."""

from __future__ import annotations

import re
import tempfile
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from pradrill.system import scratch
from pradrill.system.tools import ToolError, tool

_SECONDS = 15
_LARGEST = 200_000
_STATED = re.compile(
    r"^Time stamp: (\w{3} +\d+ \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4}) GMT$", re.MULTILINE
)


def stamp(sha256: str, authority: str) -> bytes:
    """Return the authority's answer (DER) about a hash; raises ToolError."""
    with tempfile.TemporaryDirectory(prefix="pradrill-", dir=scratch.base()) as folder:
        query = Path(folder, "query.tsq")
        tool("openssl", "ts", "-query", "-digest", sha256, "-sha256", "-cert", "-out", query)

        request = urllib.request.Request(  # noqa: S310 the settings allow http and https only
            authority,
            data=query.read_bytes(),
            headers={"Content-Type": "application/timestamp-query"},
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 as above
                response: bytes = answer.read(_LARGEST)
        except (OSError, ValueError, urllib.error.URLError) as error:
            raise ToolError(f"the authority {authority} gave no stamp: {error}") from error
    if stated_time(response) is None:
        raise ToolError(f"the authority {authority} gave no stamp: its answer is none")
    return response


def stamp_problem(sha256: str, response: bytes, authorities: str) -> str | None:
    """Say why an answer does not prove that the hash existed, or None when it does."""
    with tempfile.TemporaryDirectory(prefix="pradrill-", dir=scratch.base()) as folder:
        stamp, trusted = Path(folder, "stamp.tsr"), Path(folder, "authority.pem")
        stamp.write_bytes(response)
        trusted.write_text(authorities, encoding="utf-8")

        try:
            tool(
                *("openssl", "ts", "-verify", "-digest", sha256),
                *("-in", stamp, "-CAfile", trusted),
            )
        except ToolError as error:
            return f"does not hold ({error.message})"

    return None


def stated_time(response: bytes) -> datetime | None:
    """Return the time that an answer states, whoever gave it; None when it is not a stamp."""
    with tempfile.TemporaryDirectory(prefix="pradrill-", dir=scratch.base()) as folder:
        stamp = Path(folder, "stamp.tsr")
        stamp.write_bytes(response)

        try:
            text = tool("openssl", "ts", "-reply", "-text", "-in", stamp).decode("utf-8", "replace")
        except ToolError:
            return None

    match = _STATED.search(text)
    if match is None:
        return None

    return datetime.strptime(f"{match[1]} {match[2]}", "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
