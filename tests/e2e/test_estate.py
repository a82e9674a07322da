"""The estate of drills/estate.yml, on three machines of the lab.

By day tests/integration/test_estate_playbooks.py proves the same on hosts in namespaces.
"""

from __future__ import annotations

import base64
import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.command_line import pradrill
from tests.e2e.scenes.estate import SCRIPTS, SITE, play
from tests.e2e.scenes.place import copy_drills
from tests.support.endings import assert_estate_recovered

from pradrill.adapters.standbys.lab import Lab
from pradrill.domain.run.record import RunRecord

pytestmark = [pytest.mark.e2e, pytest.mark.nightly]
PASSWORD = "l'en\\trée"  # noqa: S105 of a database that lives for minutes
MACHINES = {"directory": "ldap-dr", "database": "db-dr", "intranet": "app-dr"}
PREPARE = """\
    prepare:
      - playbook: ../playbooks/mark_standby.yml
      - {playbook: BRING, vars: {backups: BACKUPS}}
    restore:
"""
EDITS = (
    (
        "  inventory: ../inventories/estate.yml   # put your machines in\n  hosts: estate ",
        '  vms: [ldap-dr, db-dr, app-dr]\n  links: {"10.0.2.102:3306": "db-dr:3306"} ',
    ),
    ("clients: 192.0.2.23", "clients: 10.0.2.2"),
    ("database_host: 192.0.2.22", "database_host: 10.0.2.102"),
    ("site: intranet.example.com", f"site: {SITE}"),
    ("stable_for: 30s", "stable_for: 2s"),
)
"""What another site than ours changes in the drill."""
Drill = Callable[[bytes], tuple[subprocess.CompletedProcess[str], RunRecord]]


@pytest.fixture(scope="module")
def backups(lab: Lab) -> bytes:
    """Return a tar file of the backups of a primary that is lost."""
    return play(lab)


@pytest.fixture
def drill(lab: Lab, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Drill:
    """Return what runs the estate's drill on backups, and then looks that no machine is left."""
    monkeypatch.setenv("INTRANET_DB_PASSWORD", PASSWORD)
    copy_drills(tmp_path)
    path = tmp_path / "drills/estate.yml"
    text = path.read_text("utf-8")
    brought = PREPARE.replace("BRING", str(SCRIPTS / "bring_backups.yml"))
    for old, new in (*EDITS, ("    restore:\n", brought.replace("BACKUPS", f"{tmp_path}/backups"))):
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text, "utf-8")

    def run(backups: bytes) -> tuple[subprocess.CompletedProcess[str], RunRecord]:
        (tmp_path / "backups").write_bytes(base64.b64encode(backups))
        result = pradrill("run", "estate", state=state, drills=tmp_path / "drills", deadline=1500)
        output = pradrill("show", "--json", state=state)
        assert not any(lab.machine(name).running for name in MACHINES.values())
        return result, RunRecord.model_validate_json(output.stdout)

    return run


def test_the_estate_comes_back(backups: bytes, drill: Drill) -> None:
    """OpenLDAP, MariaDB and WordPress, a machine each: in order, each measured, all put back."""
    process, record = drill(backups)
    assert process.returncode == 0, process.stdout + process.stderr
    assert_estate_recovered(record, MACHINES.values())


def test_a_cut_directory_holds_the_intranet_back(backups: bytes, drill: Drill) -> None:
    """A truncated LDIF fails the directory with gzip's reason; the database still comes back."""
    process, record = drill(without_the_end(backups, "./directory/data.ldif.gz"))
    assert process.returncode == 10
    verdicts = {name: str(result.verdict) for name, result in record.services.items()}
    assert (verdicts["directory"], verdicts["database"]) == ("FAILED", "PASSED")
    assert record.services["intranet"].held_by == ("directory",)
    assert "unexpected end of file" in str(record.services["directory"].reasons)
    assert not record.residue


def without_the_end(backups: bytes, name: str) -> bytes:
    """Return the tar file with one of its files cut in half."""
    changed = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(backups)) as old,
        tarfile.open(fileobj=changed, mode="w") as new,
    ):
        for member in old:
            content = old.extractfile(member)
            if member.name == name:
                member.size //= 2
            new.addfile(member, content)
    return changed.getvalue()
