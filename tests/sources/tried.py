"""Which backup tools the tests of this folder have run, in which version: what a README may claim.

PRADRILL_TRIED=1 .venv/bin/pytest tests/sources   # notes what tests that passed have started
.venv/bin/python -m tests.sources.tried           # writes the table of playbooks/README.md anew
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

TOOLS = {
    "restic": "restic version",
    "borg": "borg --version",
    "pgbackrest": "pgbackrest version",
    "barman": "barman --version",
    "pg_dump": "pg_dump --version",
    "mariadb-dump": "mariadb-dump --version",
    "mydumper": "mydumper --version",
    "mariabackup": "mariabackup --version",
    "sqlite3": "sqlite3 --version",
    "tar": "tar --version",
    "zstd": "zstd --version",
    "rclone": "rclone version",
}
"""Tool → what tells its version."""

_BEFORE = {"runuser", "setpriv", "sudo", "timeout", "env"}
NOTES = Path(__file__).with_name("tried.json")
README = Path(__file__).parents[2] / "playbooks/README.md"
_BETWEEN = re.compile(r"(?s)(<!-- tried -->\n).*?(<!-- end of tried -->)")


def version_of(tool: str) -> str:
    """Return the first number that a tool says of itself; of MariaDB's tools the server's."""
    words = subprocess.run(TOOLS[tool].split(), capture_output=True, text=True, check=False)
    text = words.stdout + words.stderr
    match = re.search(r"\d+\.\d+[\d.]*(?=-MariaDB)", text) or re.search(r"\d+(\.\d+)+", text)
    return match[0] if match else "?"


def note(tools: Iterable[str]) -> None:
    """Add what was run on this system to the notes."""
    release = platform.freedesktop_os_release()
    system = f"{release['NAME'].split()[0]} {release['VERSION_ID']}"
    notes = json.loads(NOTES.read_text("utf-8")) if NOTES.exists() else {}
    notes[system] = {**notes.get(system, {}), **{each: version_of(each) for each in tools}}
    NOTES.write_text(json.dumps(notes, indent=2, sort_keys=True) + "\n", "utf-8")


def table() -> str:
    """Return the notes as a table: a tool a line, a system a column; empty where it was not run."""
    notes: dict[str, dict[str, str]] = json.loads(NOTES.read_text("utf-8"))
    rows = [["tool", *notes], ["---"] * (len(notes) + 1)]
    rows += [[tool, *(its.get(tool, "") for its in notes.values())] for tool in TOOLS]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def with_table(text: str) -> str:
    """Return a README with the table in its place."""
    return _BETWEEN.sub(lambda match: match[1] + table() + match[2], text)


def tool_of(words: object) -> str:
    """Return the tool that a command line starts, by another user's hand, too; empty: none."""
    names = [Path(os.fsdecode(word)).name for word in words] if isinstance(words, list) else []
    at = next((at for at, name in enumerate(names) if name in TOOLS), len(names))
    is_first = at == 0 or (at < len(names) and names[0] in _BEFORE)
    return names[at] if is_first and at < len(names) else ""


if __name__ == "__main__":
    README.write_text(with_table(README.read_text("utf-8")), "utf-8")
