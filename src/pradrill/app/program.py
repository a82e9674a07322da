"""Say how the program was started: what it offers to type next must work as it is."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

_NAME = "pradrill"


def program() -> str:
    """Return its name where the PATH leads to it, else the path by which it was started."""
    started = Path(sys.argv[0])
    if started.name != _NAME:  # python -m pradrill, or a test
        return _NAME
    on_path = shutil.which(_NAME)
    is_on_path = on_path is not None and Path(on_path).resolve() == started.resolve()
    return _NAME if is_on_path else str(started)
