"""Read how far a tool says that it has come, in what a task that waits for it prints.

Only figures are taken: what else a tool prints may be what it restores.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from pradrill.domain.values.quotas import amount
from pradrill.errors import UNREADABLE

_TAIL = 4_000
_MOST = 1 << 62
_RSYNC = re.compile(r"([\d,.]{1,30})\s+(\d{1,3})%\s+\S+/s\s")
"""As rsync --info=progress2 has it: bytes, per cent, speed."""


def tool_progress(output: object) -> str:
    """Return the last figures in an output, as in "1.2 GB of 4.0 GB, 12 of 80 files"; or nothing.

    Of restic restore --json (0.17 and later), borg extract --progress --log-json, and rsync.
    """
    text = output if isinstance(output, str) else ""
    for line in reversed(re.split(r"[\r\n]+", text[-_TAIL:])):
        with suppress(*UNREADABLE):
            if words := _words(line.strip()):
                return words
    return ""


def _words(line: str) -> str:
    if match := _RSYNC.match(line):
        count = int(re.sub(r"\D", "", match[1]))
        return f"{amount(count)}, {match[2]} %"

    facts = json.loads(line) if line.startswith("{") else None
    if not isinstance(facts, dict):
        return ""
    if facts.get("message_type") in {"status", "summary"}:
        sizes = _part(facts, "bytes_restored", "total_bytes", amount)
        files = _part(facts, "files_restored", "total_files", lambda count: f"{count:,}")
        return ", ".join(filter(None, (sizes, f"{files} files" if files else "")))
    if facts.get("type") == "progress_percent":
        return _part(facts, "current", "total", amount)
    return ""


def _part(facts: Mapping[str, Any], now: str, whole: str, words: Callable[[int], str]) -> str:
    """Say two figures of one kind; nothing where the tool does not tell them."""
    count, total = facts.get(now), facts.get(whole)
    if type(count) is not int or not 0 <= count < _MOST:
        return ""
    if type(total) is not int or not count <= total < _MOST:
        return words(count)
    return f"{words(count)} of {words(total)}"
