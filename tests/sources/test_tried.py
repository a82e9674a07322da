"""What a README claims of tools was run by these tests."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest
from tests.sources import tried

TESTS = Path(__file__).parents[2]


def test_the_claim_of_tools_is_what_the_tests_ran() -> None:
    """The table is the notes', which the tests write; tried.py tells how."""
    text = tried.README.read_text("utf-8")
    assert tried.with_table(text) == text
    assert tried.table() in text
    notes = json.loads(tried.NOTES.read_text("utf-8"))
    assert all(set(versions) <= set(tried.TOOLS) for versions in notes.values())


@pytest.mark.parametrize("tool", tried.TOOLS)
def test_a_claim_has_a_test_that_fails_when_it_did_not_run_the_tool(tool: str) -> None:
    """It is there under that name; conftest.py looks whether it has started the tool."""
    path, _, name = tried.WITNESSES[tool].partition("::")
    tree = ast.parse((TESTS / path).read_text("utf-8"))
    names = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
    assert name.partition("[")[0] in names
    assert tried.tool_witnessed_by(f"{tried.WITNESSES[tool]}@others") == tool


def test_the_claim_is_of_the_tools_that_are_installed_here() -> None:
    """Notes that are a release older than what the tests have run are out of date."""
    notes = json.loads(tried.NOTES.read_text("utf-8")).get(tried.system(), {})
    here = {tool: version for tool, version in notes.items() if shutil.which(tool)}
    old = {
        tool: (version, tried.version_of(tool))
        for tool, version in here.items()
        if not tried.is_as_new(tool, version, tried.version_of(tool))
    }
    assert not old, "PRADRILL_TRIED=1 pytest tests/sources, then python -m tests.sources.tried"
    assert not tried.is_as_new("restic", "0.14.0", "0.18.0")
    assert tried.is_as_new("pg_dump", "15.18", "15.20")


def test_a_tool_is_known_by_its_command_line() -> None:
    """It is the first word, or behind one that becomes another user; an argument is none."""
    assert tried.tool_of(["/usr/bin/restic", "ls"]) == "restic"
    assert tried.tool_of(["runuser", "-u", "postgres", "--", "/x/bin/pg_dump"]) == "pg_dump"
    assert tried.tool_of(["which", "restic"]) == tried.tool_of("restic ls") == ""
