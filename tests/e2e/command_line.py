"""The command line as a user without a terminal runs it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def pradrill(
    *words: str | Path, state: Path, drills: Path | None = None, deadline: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run the command as a user without a terminal does."""
    return subprocess.run(
        command(*words, state=state, drills=drills),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=deadline,
        check=False,
    )


def command(*words: str | Path, state: Path, drills: Path | None = None) -> Sequence[str]:
    """Return the words of the command line."""
    folders = ["--state", str(state), *(["--drills", str(drills)] if drills else [])]
    return [sys.executable, "-m", "pradrill", *folders, *map(str, words)]
