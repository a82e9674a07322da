"""Tell how much memory this machine has left."""

from __future__ import annotations

import re
from pathlib import Path

_LEFT = re.compile(r"^MemAvailable:\s+(\d{1,15}) kB$", re.MULTILINE)
_UNKNOWN = 512 << 20
"""What any machine is taken to have that does not tell."""


def memory_left() -> int:
    """Return how many bytes may be taken before another process has to give way."""
    try:
        left = _LEFT.search(Path("/proc/meminfo").read_text(encoding="ascii"))
    except (OSError, ValueError):
        left = None
    return int(left[1]) * 1024 if left else _UNKNOWN
