"""What a README claims of tools was run by these tests."""

from __future__ import annotations

import json

from tests.sources import tried


def test_the_claim_of_tools_is_what_the_tests_ran() -> None:
    """The table is the notes', which the tests write; tried.py tells how."""
    text = tried.README.read_text("utf-8")
    assert tried.with_table(text) == text
    assert tried.table() in text
    notes = json.loads(tried.NOTES.read_text("utf-8"))
    assert all(set(versions) <= set(tried.TOOLS) for versions in notes.values())


def test_a_tool_is_known_by_its_command_line() -> None:
    """It is the first word, or behind one that becomes another user; an argument is none."""
    assert tried.tool_of(["/usr/bin/restic", "ls"]) == "restic"
    assert tried.tool_of(["runuser", "-u", "postgres", "--", "/x/bin/pg_dump"]) == "pg_dump"
    assert tried.tool_of(["which", "restic"]) == tried.tool_of("restic ls") == ""
