"""The package's modules, parsed, for tests of how it is written."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pradrill

PACKAGE = Path(pradrill.__file__).parent
Sources = dict[str, ast.Module]
"""From a module's path to what it says."""


def parsed(folder: Path) -> Sources:
    """Parse every module below a folder, by its path there; what was recorded is data."""
    return {
        path.relative_to(folder).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.py"))
        if "fixtures" not in path.relative_to(folder).parts
    }


@cache
def package() -> Sources:
    """Return the package's modules, which are parsed once for all tests."""
    return parsed(PACKAGE)
