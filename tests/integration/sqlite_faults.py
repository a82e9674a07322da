"""Ask the shipped checks of SQLite about each fault that fits their drill, done to a restored copy.

Run by test_sqlite_faults.py where /var/lib is nobody's. It
prints, as JSON, fault → the checks that noticed it; "" is the undamaged copy.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import testinfra

from pradrill.config.faults import faults_of
from pradrill.config.project import open_house
from pradrill.testing import START

REPOSITORY = Path(__file__).parents[2]
SCENE = (REPOSITORY / "tests/e2e/scenes/keeper/sqlite.sh").read_text("utf-8")
DATABASE = Path("/var/lib/app/app.db")
STAGING = Path("/var/lib/pradrill-restore")
KIT = REPOSITORY / "playbooks/files"


def checks() -> Iterator[tuple[str, Any, tuple[str, ...]]]:
    """Yield the name, the function and the further arguments of each check."""
    path = REPOSITORY / "drills/checks/sqlite/test_sqlite.py"
    spec = importlib.util.spec_from_file_location("shipped", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, check in vars(module).items():
        if name.startswith("test_"):
            marks = getattr(check, "pytestmark", [])
            for value in marks[0].args[1] if marks else [None]:
                yield name, check, () if value is None else (value,)


def noticed() -> list[str]:
    """Return the checks that fail."""
    host = testinfra.get_host("local://")
    failures = []
    for name, check, arguments in checks():
        try:
            check(host, *arguments)
        except AssertionError:
            failures.append(" ".join((name, *arguments)))
    return failures


def restore() -> None:
    """Make a primary's database and its backup as the scene does, and restore that."""
    script = SCENE[SCENE.index("database=") : SCENE.index("cat > /usr/local/sbin/use")]
    beat = "insert into pradrill_heartbeat values ((julianday('now') - 2440587.5) * 86400.0)"
    backup = Path("/var/lib/backup.db")
    words = ["bash", "-euc", f'{script}\nsqlite3 $database "{beat}" ".backup {backup}"']
    subprocess.run(words, check=True, capture_output=True)
    STAGING.mkdir()
    shutil.copy(KIT / "manifest-tables", STAGING)
    write = ["python3", str(KIT / "manifest-tables"), "write", "sqlite", str(DATABASE), ""]
    outcome = subprocess.run([*write, "accounts.password"], check=True, capture_output=True)
    (STAGING / "manifest.json").write_bytes(outcome.stdout)
    shutil.rmtree(DATABASE.parent)
    load = ["bash", str(KIT / "load-sqlite"), str(backup), str(DATABASE), "www-data:www-data"]
    subprocess.run(load, check=True)


def main() -> None:
    """Print what each fault comes to."""
    restore()
    answers = {"": noticed()}
    drill = open_house(REPOSITORY / "drills", now=START, only="sqlite").drills["sqlite"].drill
    assert drill.sabotage is not None
    for fault in faults_of(drill)[None]:
        for place in (DATABASE.parent, STAGING):
            subprocess.run(["cp", "-a", str(place), f"{place}.whole"], check=True)
        variables = {**os.environ, **drill.sabotage.parameters}
        for name, command in fault.discover.items():
            words = ["sh", "-euc", command]
            answer = subprocess.run(words, env=variables, capture_output=True, check=True)
            variables[name] = answer.stdout.decode().strip()
        subprocess.run(["sh", "-euc", fault.command], env=variables, check=True)
        answers[fault.fault] = noticed()
        for place in (DATABASE.parent, STAGING):
            shutil.rmtree(place)
            Path(f"{place}.whole").rename(place)
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main()
