"""Tell how much memory this machine, or the container around us, has left."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_LEFT = re.compile(r"^MemAvailable:\s+(\d{1,15}) kB$", re.MULTILINE)
_CACHED = re.compile(r"^(?:total_)?(?:in)?active_file (\d{1,18})$", re.MULTILINE)
_GROUP = re.compile(r"^\d+:(|(?:\w+,)*memory(?:,\w+)*):(/.*)$", re.MULTILINE)
_LIMITS = ("memory.max", "memory.current")
_FIRST_LIMITS = ("memory.limit_in_bytes", "memory.usage_in_bytes")
"""Of control groups' first version: no limit is a large number there, no word."""
_UNKNOWN = 512 << 20
"""What any machine is taken to have that does not tell."""


def memory_left(root: Path = Path("/")) -> int:
    """Return how many bytes may be taken before a process has to give way."""
    left = _LEFT.search(_text(root / "proc/meminfo"))
    machine = int(left[1]) * 1024 if left else _UNKNOWN
    return max(0, min([machine, *_left_in_groups(root)]))


def _left_in_groups(root: Path) -> Iterator[int]:
    """Yield what each control group leaves that we are in, up to the first one that is seen."""
    for controllers, path in _GROUP.findall(_text(root / "proc/self/cgroup")):
        top = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        folder = top / path.lstrip("/")
        names = _FIRST_LIMITS if controllers else _LIMITS
        above = [each for each in folder.parents if each.is_relative_to(top)]
        for group in (folder, *above):
            most, usage = (_text(group / name).strip() for name in names)
            if most.isdecimal() and usage.isdecimal():
                yield int(most) - int(usage) + _cached(group)


def _cached(group: Path) -> int:
    """Return how many bytes of files a group holds, which the kernel gives back."""
    sizes: dict[str, int] = {}
    for line in _CACHED.finditer(_text(group / "memory.stat")):
        name = line[0].split()[0].removeprefix("total_")
        sizes[name] = max(sizes.get(name, 0), int(line[1]))  # with what is below it
    return sum(sizes.values())


def _text(path: Path) -> str:
    """Return what the kernel tells there; nothing where it does not."""
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
