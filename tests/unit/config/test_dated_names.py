"""What validation says of names that do not date their dumps, at their line."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.config.test_manual_steps import DRILL, house

from pradrill.config.problems import ConfigurationProblemsError


def _drill(names: str) -> str:
    return f"""{DRILL}recovery_point:
  dumps:
    folder: /srv/dumps
    names: "{names}"
    timezone: UTC
"""


def test_names_that_would_be_dated_wrongly_are_refused_at_their_line(tmp_path: Path) -> None:
    """%M for %m dates each dump in January: told with its line, and what to add."""
    with pytest.raises(ConfigurationProblemsError) as refusal:
        house(tmp_path, _drill("app-%Y-%M-%d.sql"))
    (problem,) = refusal.value.problems
    assert f"{problem.line}: {problem.path}" == "25: recovery_point.dumps.names"
    assert "a day without its month" in problem.message
    assert problem.hint is not None
    assert "%m" in problem.hint


@pytest.mark.parametrize("names", ["app-%Y-W%W.sql", "app-%G-W%V.sql", "%Y-W%W/app.sql"])
def test_names_with_a_week_are_valid(tmp_path: Path, names: str) -> None:
    """A weekly job's names date its dumps."""
    assert house(tmp_path, _drill(names)).drills
