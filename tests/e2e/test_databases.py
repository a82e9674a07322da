"""Databases on real machines: recovered from what their own tools backed up before the disaster."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.e2e.conftest import pradrill
from tests.e2e.database_scene import Scene, play

from pradrill.adapters.standbys.lab import Lab
from pradrill.domain.values.reason import as_reason
from pradrill.system import processes

# By day tests/integration/test_database_playbooks.py holds the same on a host in namespaces, with a
# stand-in for systemd.
pytestmark = [pytest.mark.e2e, pytest.mark.nightly]
REPOSITORY = Path(__file__).parents[2]
Edit = tuple[str, str]

_LOGIN = """    secrets:
      backup_private_key: env:PRADRILL_BACKUP_KEY
      backup_host_key: env:PRADRILL_BACKUP_HOST_KEY
      database_password: env:PRADRILL_DATABASE_PASSWORD
"""


class Place(NamedTuple):
    """One test's own copy of the drills, and where its runs are."""

    scene: Scene
    state: Path
    folder: Path

    def edit(self, drill: str, *edits: Edit) -> None:
        """Change the copy of a drill."""
        path = self.folder / "drills" / f"{drill}.yml"
        text = path.read_text(encoding="utf-8")
        for old, new in edits:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    def from_dumps(self, drill: str, kind: str) -> None:
        """Let a drill restore from a folder of dumps, as the comment at its end says."""
        path = self.folder / "drills" / f"{drill}.yml"
        text = path.read_text(encoding="utf-8")
        before, rest = text.split("restore:\n", 1)
        after = rest[rest.index("verify:\n") :]
        step = (
            f"restore:\n  - playbook: ../playbooks/restore_{drill}_logical.yml\n"
            f"    name: restore {kind}\n    deadline: 10m\n    vars: {{backup_host: 10.0.2.100, "
            f"backup_user: keeper, backup_folder: /srv/backups/{kind}}}\n"
        )
        path.write_text(f"{before}{step}{_LOGIN}\n{after}", encoding="utf-8")

    def run(self, drill: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
        """Run a drill whose T0 is the power cut; return the process and its record."""
        self.edit(drill, ("disruption: launch ", f"disruption: {self.scene.killed.isoformat()} "))
        self.edit(drill, ("stable_for: 10s", "stable_for: 1s"))
        before = set(self.runs())
        result = pradrill("run", drill, state=self.state, drills=self.folder / "drills")
        (run_id,) = set(self.runs()) - before
        output = pradrill("show", run_id, "--json", state=self.state)
        assert output.returncode == 0, output.stderr
        record: dict[str, Any] = json.loads(output.stdout)
        assert not self.scene.lab.machine("standby").running
        assert not processes.carrying(run_id)
        return result, record

    def runs(self) -> list[str]:
        """Return the ids of the runs."""
        runs = self.state / "runs"
        return sorted(path.name for path in runs.iterdir()) if runs.is_dir() else []


@contextmanager
def a_place(
    scene: Scene, state: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """Give a copy of the drills, with the scene's secrets; the standby is down after it."""
    for name in ("drills", "playbooks", "inventories"):
        shutil.copytree(REPOSITORY / name, folder / name)
    for name, value in scene.secrets.items():
        monkeypatch.setenv(name, value)
    yield Place(scene, state, folder)
    scene.lab.machine("standby").down()


@pytest.fixture(scope="module")
def scene(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Play the scene once; the backup server stays up."""
    yield play(lab, tmp_path_factory.mktemp("scene"))
    lab.machine("backup").down()


@pytest.fixture
def place(
    scene: Scene, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """Return a copy of the drills for one test."""
    with a_place(scene, state, tmp_path, monkeypatch) as place_here:
        yield place_here


def step(record: dict[str, Any], phase: str) -> dict[str, Any]:
    """Return the one playbook step of a phase."""
    (match,) = [
        each for each in record["steps"] if each["phase"] == phase and each["kind"] == "playbook"
    ]
    return dict(match)


def assert_recovered(result: subprocess.CompletedProcess[str], record: dict[str, Any]) -> float:
    """Assert that a drill passed with nothing left and no secret told; return the loss."""
    assert result.returncode == 0, result.stdout + result.stderr
    assert record["verdict"] == "PASSED"
    assert not record["residue"]
    assert step(record, "restore")["values"]["pradrill_backup_id"]
    return float(record["recovery"]["rpa"]["seconds"])


def test_postgresql_comes_back_to_just_before_the_disaster(place: Place) -> None:
    """pgBackRest, to the power cut: PASSED, and only what its log had not kept yet is lost."""
    place.edit(
        "postgresql",
        ('recovery_target_time: ""', f'recovery_target_time: "{place.scene.killed.isoformat()}"'),
    )
    loss = assert_recovered(*(outcome := place.run("postgresql")))
    values = step(outcome[1], "restore")["values"]
    replayed = datetime.fromisoformat(values["pradrill_replay_point"])
    assert 0 <= loss < 15, "the log is kept every few seconds"
    assert abs((place.scene.killed - replayed).total_seconds() - loss) < 2


def test_postgresql_comes_back_from_a_dump(place: Place) -> None:
    """pg_dump's folder, restored in parallel: PASSED; what was written after it is lost."""
    place.from_dumps("postgresql", "postgresql")
    assert assert_recovered(*place.run("postgresql")) > 15


def test_mariadb_comes_back_from_mariabackup(place: Place) -> None:
    """A stream of mariabackup's, prepared and moved back: PASSED."""
    assert assert_recovered(*place.run("mariadb")) > 15


@pytest.mark.parametrize("kind", ["mariadb", "mydumper"])
def test_mariadb_comes_back_from_a_dump(place: Place, kind: str) -> None:
    """mariadb-dump's file and mydumper's folder: PASSED; what was written after is lost."""
    if kind == "mydumper" and not place.scene.on_backup("ls /srv/backups/mydumper"):
        pytest.skip("Debian 13 has no mydumper")
    place.from_dumps("mariadb", kind)
    assert assert_recovered(*place.run("mariadb")) > 15


def assert_failed(
    result: subprocess.CompletedProcess[str], record: dict[str, Any], reason: str
) -> None:
    """Assert that a restore failed for the tool's own reason and left the standby clean."""
    assert result.returncode == 10, result.stdout + result.stderr
    assert record["verdict"] == "FAILED"
    restore = step(record, "restore")
    assert restore["outcome"] == "failed"
    assert re.search(reason, as_reason(restore["detail"]).text)
    assert step(record, "teardown")["outcome"] == "passed"
    assert not record["residue"]


def test_a_wrong_password_fails_with_the_tools_reason(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong password of the repository: FAILED, with the reason, the standby clean."""
    monkeypatch.setenv("PRADRILL_PGBACKREST_CIPHER_PASS", "another one")
    assert_failed(*place.run("postgresql"), "cipher password is wrong")


@pytest.mark.parametrize(
    ("harm", "reason"),
    [
        ("truncate -s 1M $f", "premature end"),
        ("head -c 99 /dev/urandom | dd of=$f bs=1 seek=1M conv=notrunc", "orruption|checksum"),
    ],
    ids=["truncated", "flipped"],
)
def test_a_damaged_backup_fails_with_the_tools_reason(place: Place, harm: str, reason: str) -> None:
    """A backup of mariabackup's that was cut or rotted: FAILED, and the standby is clean."""
    file = "f=$(ls /srv/backups/mariabackup/*.xb.zst)"
    place.scene.on_backup(f"{file}; cp -p $f /root/sound; {harm}")
    try:
        assert_failed(*place.run("mariadb"), reason)
    finally:
        place.scene.on_backup(f"{file}; cp -p /root/sound $f")
