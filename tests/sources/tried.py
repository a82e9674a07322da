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

_OF = "tests/sources/"
WITNESSES = {
    "restic": f"{_OF}test_contract.py::test_every_backup_is_told_with_its_times[restic]",
    "borg": f"{_OF}test_contract.py::test_every_backup_is_told_with_its_times[borg]",
    "pgbackrest": f"{_OF}test_contract.py::test_every_backup_is_told_with_its_times[pgbackrest]",
    "barman": f"{_OF}test_contract.py::test_every_backup_is_told_with_its_times[barman]",
    "pg_dump": f"{_OF}test_dumps.py::test_every_format_of_pg_dump_is_known[c]",
    "mariadb-dump": f"{_OF}test_dumps.py::test_mariadb_dump_is_known",
    "mydumper": f"{_OF}test_dumps.py::test_mydumper_is_known",
    "mariabackup": f"{_OF}test_dumps.py::test_mariabackup_is_known",
    "sqlite3": f"{_OF}test_dumps_in_the_field.py::"
    "test_the_absence_of_a_mark_is_no_damage_and_no_soundness[sqlite-False-sound]",
    "tar": f"{_OF}test_dumps.py::test_a_tar_archive_is_read_to_its_end[gz]",
    "zstd": f"{_OF}test_dumps.py::test_a_packed_dump_is_sound_by_its_packings_checksum[.sql.zst]",
    "rclone": f"{_OF}test_restic_servers.py::test_credentials_that_cannot_delete_are_asked_to",
}
"""Tool → a test that fails when it has not started it: without one the README may not claim it."""

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


def system() -> str:
    """Return what this machine runs, as the notes call it."""
    release = platform.freedesktop_os_release()
    return f"{release['NAME'].split()[0]} {release.get('VERSION_ID', '')}"


def is_as_new(tool: str, noted: str, installed: str) -> bool:
    """Tell whether a note is of the installed release; what only mends one is of the same."""
    numbers = 1 if tool == "pg_dump" else 2
    return noted.split(".")[:numbers] == installed.split(".")[:numbers]


def tool_witnessed_by(nodeid: str) -> str:
    """Return the tool for which a test stands, whichever process runs it; empty: for none."""
    name = re.sub(r"@[a-z_]+$", "", nodeid)
    return next((tool for tool, witness in WITNESSES.items() if witness == name), "")


def note(tools: Iterable[str]) -> None:
    """Add what was run on this system to the notes."""
    notes = json.loads(NOTES.read_text("utf-8")) if NOTES.exists() else {}
    notes[system()] = {**notes.get(system(), {}), **{each: version_of(each) for each in tools}}
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
