"""Commands that only read answer at once: they import nothing that they do not use."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from pradrill.cli import main
from pradrill.domain.run.event import Event
from pradrill.register.runs import derived_file
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import a_sealed_run, a_start, after

RUNS_A_DRILL = {
    "ansible", "ansible_runner", "asyncio", "cronsim", "http.client", "multiprocessing", "paramiko",
    "pradrill.adapters.ansible", "pradrill.adapters.secrets", "pradrill.adapters.ssh",
    "pradrill.adapters.standbys", "pradrill.app.composition", "pradrill.config.project",
    "pradrill.engine", "pytest", "structlog", "testinfra", "urllib.request",
}  # fmt: skip
MAKES_REPORTS = {"babel", "jinja2", "psycopg", "sqlite3", "weasyprint"}
DRAWS = {"rich"}
READS_RECORDS = {"pradrill.domain.declared.drill", "pradrill.domain.run.record"}
FORBIDDEN = {
    "--help": {"pydantic", "yaml", "pradrill.domain", "pradrill.register", *DRAWS},
    "show": RUNS_A_DRILL | MAKES_REPORTS,
    "runs": RUNS_A_DRILL | MAKES_REPORTS | DRAWS | READS_RECORDS,
    "findings": RUNS_A_DRILL | MAKES_REPORTS | DRAWS | READS_RECORDS,
    "status": RUNS_A_DRILL | MAKES_REPORTS | DRAWS | READS_RECORDS | {"prometheus_client"},
}
"""Command → modules, and all below them, that it does without."""
IMPORTED = """
import sys
from pradrill.cli import main
code = main(sys.argv[1:])
print(*sys.modules, file=sys.stderr)
sys.exit(code)
"""


@pytest.mark.parametrize("command", FORBIDDEN)
def test_a_reader_imports_nothing_that_it_does_not_use(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the list above; what a plan of drills says of sealing is read all the same."""
    state, drills = tmp_path / "state", tmp_path / "drills"
    run = a_sealed_run(FileRunStore(state)).run_id
    drills.mkdir()
    (drills / "plan.yml").write_text(
        "plan: 1\norganisation: Exemple\nsealing: {}\n"
        "services: {moodle: {objectives: {rto: 4h, rpo: 24h}, primary: none}}\n"
    )
    words = ["--state", str(state), "--drills", str(drills), command]
    if command == "status":  # one that was killed, too
        with closing(FileRunStore(state).open("moodle", after(0))) as journal:
            journal.append(Event.STARTED, after(0), a_start().model_dump(mode="json"))
    if command in {"runs", "status"}:  # their index leaves out what has just changed
        monkeypatch.setattr(derived_file, "_UNSETTLED", timedelta(seconds=0.1))
        time.sleep(0.15)
        assert main(words) == 0
    result = subprocess.run(
        [sys.executable, "-c", IMPORTED, *words], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert run in result.stdout or command != "runs"
    imported = [f"{name}." for name in result.stderr.split()]
    heavy = [n for n in FORBIDDEN[command] if any(each.startswith(f"{n}.") for each in imported)]
    assert heavy == []
