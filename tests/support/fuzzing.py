"""Properties of what others write, and Atheris, which looks for what breaks one."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).parents[2]
FILES = sorted((REPOSITORY / "tests/unit").rglob("test_hostile_*.py"))


class Property(NamedTuple):
    """A test that holds for whatever Hypothesis draws."""

    file: Path
    name: str


def properties(file: Path) -> Iterator[Property]:
    """Return those of a file."""
    for each in ast.parse(file.read_text("utf-8")).body:
        decorators = each.decorator_list if isinstance(each, ast.FunctionDef) else []
        if any(ast.unparse(decorator).startswith("given(") for decorator in decorators):
            assert isinstance(each, ast.FunctionDef)
            yield Property(file, each.name)


def break_property(
    of: Property, *limits: str, package: str = "pradrill", environment: dict[str, str] | None = None
) -> str | None:
    """Return how what Atheris came upon breaks a property, with the simplest example, if it does.

    The example stays in Hypothesis's database, as any does that a test came upon.
    """
    words: list[str | Path] = [
        sys.executable,
        "-m",
        "tests.support.fuzz_target",
        of.file,
        of.name,
        package,
        *limits,
    ]
    with tempfile.TemporaryDirectory() as folder:  # for libFuzzer's own copy of the input
        fuzzing = _process([*words, f"-artifact_prefix={folder}/"], environment)
    if fuzzing.returncode == 0:
        return None
    test: list[str | Path] = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:xdist",
        "-m",
        "",
        of.file,
    ]
    replay = _process([*test, "-k", of.name], environment)
    return f"{fuzzing.stderr[-4_000:]}\n{replay.stdout[-6_000:]}"


def _process(
    words: list[str | Path], environment: dict[str, str] | None
) -> subprocess.CompletedProcess[str]:
    """Run a Python process, where examples are kept: in CI they are the same each time."""
    desk = {name: value for name, value in os.environ.items() if name != "CI"}
    return subprocess.run(
        words,
        cwd=REPOSITORY,
        env={**desk, "PYTHONHASHSEED": "0", **(environment or {})},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=1_800,
        check=False,
    )
