"""What is left of memory is what the narrowest of all limits leaves."""

from __future__ import annotations

from pathlib import Path

import pytest

from pradrill.system.memory import memory_left

MIB = 1 << 20


def group(most: object, usage: object, names: tuple[str, str], folder: str) -> dict[str, str]:
    """Return the files of a control group."""
    return {f"{folder}/{name}": f"{its}\n" for name, its in zip(names, (most, usage), strict=True)}


SECOND = ("memory.max", "memory.current")
FIRST = ("memory.limit_in_bytes", "memory.usage_in_bytes")
MACHINE = {"proc/meminfo": f"MemTotal: 9 kB\nMemAvailable: {900 * 1024} kB\n"}
NONE = 9_223_372_036_854_771_712


@pytest.mark.parametrize(
    ("files", "left"),
    [
        (MACHINE, 900),
        (
            {
                **MACHINE, "proc/self/cgroup": "0::/a/b\n",
                **group("max", 50 * MIB, SECOND, "sys/fs/cgroup/a/b"),
                **group(300 * MIB, 100 * MIB, SECOND, "sys/fs/cgroup/a"),
            },
            200,
        ),
        (
            {
                **MACHINE, "proc/self/cgroup": "0::/\n",
                **group(300 * MIB, 290 * MIB, SECOND, "sys/fs/cgroup"),
                "sys/fs/cgroup/memory.stat":
                    f"active_file {20 * MIB}\ninactive_file {70 * MIB}\nanon {9 * MIB}\n",
            },
            100,
        ),
        (
            {
                **MACHINE, "proc/self/cgroup": "9:pids:/x\n5:cpu,memory:/docker/1\n0::/\n",
                **group(200 * MIB, 150 * MIB, FIRST, "sys/fs/cgroup/memory"),
                "sys/fs/cgroup/memory/memory.stat":
                    f"inactive_file 1\ntotal_inactive_file {10 * MIB}\n",
            },
            60,
        ),
        (
            {
                **MACHINE, "proc/self/cgroup": "5:memory:/a\n",
                **group(NONE, 1, FIRST, "sys/fs/cgroup/memory/a"),
            },
            900,
        ),
        (
            {
                **MACHINE, "proc/self/cgroup": "0::/\n",
                **group(MIB, 2 * MIB, SECOND, "sys/fs/cgroup"),
            },
            0,
        ),
        ({}, 512),
    ],
    ids=["machine", "above", "cached", "first", "first-unlimited", "over", "unknown"],
)  # fmt: skip
def test_what_a_container_leaves_counts_where_it_is_less(
    files: dict[str, str], left: int, tmp_path: Path
) -> None:
    """The machine's word alone let a container of 300 MB be ended by the kernel."""
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert memory_left(tmp_path) == left * MIB
