"""Describe problems of configuration files: every one at once, each with its place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pradrill.errors import ConfigurationError


class Problem(NamedTuple):
    """One thing that is wrong, and where. `line` counts from 1."""

    file: Path
    line: int
    path: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        here = Path.cwd()
        below = here != here.parent and self.file.is_relative_to(here)  # all is below /
        path = self.file.relative_to(here) if below else self.file
        where = f"{path}:{self.line}: {self.path}: " if self.path else f"{path}:{self.line}: "
        return where + self.message + (f"\n  HINT: {self.hint}" if self.hint else "")


class ConfigurationProblemsError(ConfigurationError):
    """All the problems of a set of files."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (str(p.file), p.line, p.path)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
