"""Tell whether a process still goes on."""

from __future__ import annotations

from pathlib import Path


def goes_on(pid: int | str) -> bool:
    """Tell whether there is the process, and that it is not merely unburied."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
