"""Ask an RFC 3161 authority for time stamps over HTTP, and verify them with `openssl ts`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from threading import Thread

from pradrill.domain.run.host_answers import last_line
from pradrill.system.in_memory import memory_file
from pradrill.system.tools import ToolError, tool

_SECONDS = 15.0
_LARGEST = 200_000
_STATED = re.compile(
    r"^Time stamp: (\w{3} +\d+ \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4}) GMT$", re.MULTILINE
)


def stamp(sha256: str, authority: str) -> bytes:
    """Return the authority's answer (DER) about a hash; raises ToolError."""
    query = tool("openssl", "ts", "-query", "-digest", sha256, "-sha256", "-cert")
    answers: list[bytes | Exception] = []

    def ask() -> None:
        try:
            answers.append(_answer(query, authority))
        except Exception as error:  # noqa: BLE001 of an answer that is no HTTP there are many
            answers.append(error)

    worker = Thread(target=ask, daemon=True)  # one that dribbles would hold the register for days
    worker.start()
    worker.join(_SECONDS)
    response = answers[0] if answers else TimeoutError(f"it did not answer within {_SECONDS:g} s")
    if isinstance(response, Exception):
        why = last_line(str(response) or type(response).__name__)
        raise ToolError(f"the authority {authority} gave no stamp: {why}") from response
    if stated_time(response) is None:
        raise ToolError(f"the authority {authority} gave no stamp: its answer is none")
    return response


def _answer(query: bytes, authority: str) -> bytes:
    """Return the beginning of what an authority answers."""
    import urllib.request  # noqa: PLC0415 half the weight of a command that only reads

    request = urllib.request.Request(  # noqa: S310 the settings allow http and https only
        authority,
        data=query,
        headers={"Content-Type": "application/timestamp-query"},
    )
    with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310 as above
        content: bytes = answer.read(_LARGEST)
        return content


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
    """Return the time that an answer states, whoever gave it; None when it is not a stamp.

    Of its token alone: the words beside that, which nobody signs, could be a time's.
    """
    with memory_file(response) as stamp:
        try:
            words = ("ts", "-reply", "-token_out", "-text", "-in", stamp)
            text = tool("openssl", *words).decode("utf-8", "replace")
        except ToolError:
            return None

    match = _STATED.search(text)
    if match is None:
        return None

    try:
        text = f"{match[1]} {match[2]}"
        return datetime.strptime(text, "%b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return None
