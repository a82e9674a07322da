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


def _reading(form: str) -> str:
    return DRILL.replace("{command: newest}", f'{{command: newest, format: "{form}"}}')


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


READINGS = {
    "%Y-%M-%d %H:%M": "tells a day without its month",
    "%H:%M:%S": "tells a date without its year",
    "isoo": "tells a date without its year",
    "%Y-%m-%d %I:%M": "tells an hour without its half of the day",
    "%Y-%m-%d %Q": "is no format of dates",
    "%Y-%m-%d %H:%M %Z": "reads a zone's name",
    "%Y-%m-%d %H:%M:%S": "reads no zone, and timezone names none",
}


@pytest.mark.parametrize("form", READINGS)
def test_a_format_that_would_date_the_data_wrongly_is_refused_at_its_line(
    tmp_path: Path, form: str
) -> None:
    """Of the newest data as of dumps: before anything runs, not after the restore."""
    with pytest.raises(ConfigurationProblemsError) as refusal:
        house(tmp_path, _reading(form))
    (problem,) = refusal.value.problems
    assert problem.path == "verify.newest_data.format"
    assert READINGS[form] in problem.message
    assert problem.line > 1
    assert problem.hint is not None


@pytest.mark.parametrize("form", ["iso", "epoch", "epoch_ms", "%Y-%m-%d %H:%M:%S%z", "%c %z"])
def test_a_format_that_dates_the_data_is_valid(tmp_path: Path, form: str) -> None:
    """A zone in it suffices."""
    assert house(tmp_path, _reading(form)).drills
