"""Databases on real machines: recovered from what their own tools backed up before the disaster."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest
from tests.e2e.scenes.databases import play
from tests.e2e.scenes.place import PlaceOfLoss
from tests.e2e.scenes.scene import Scene
from tests.support.endings import assert_failed, assert_recovered, step

from pradrill.adapters.standbys.lab import Lab

# By day tests/integration/test_database_playbooks.py holds the same on a host in namespaces, with a
# stand-in for systemd.
pytestmark = [pytest.mark.e2e, pytest.mark.nightly]

_LOGIN = """    secrets:
      backup_private_key: env:PRADRILL_BACKUP_KEY
      backup_host_key: env:PRADRILL_BACKUP_HOST_KEY
      database_password: env:PRADRILL_DATABASE_PASSWORD
"""


@pytest.fixture(scope="module")
def scene(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Play the scene once; the backup server stays up."""
    yield play(lab, tmp_path_factory.mktemp("scene"))
    lab.machine("backup").down()


def from_dumps(place: PlaceOfLoss, drill: str, kind: str) -> None:
    """Let a drill restore from a folder of dumps, as the comment at its end says."""
    path = place.drills / f"{drill}.yml"
    text = path.read_text(encoding="utf-8")
    before, rest = text.split("restore:\n", 1)
    after = rest[rest.index("verify:\n") :]
    playbook = (
        f"restore:\n  - playbook: ../playbooks/restore_{drill}_logical.yml\n"
        f"    name: restore {kind}\n    deadline: 10m\n    vars: {{backup_host: 10.0.2.100, "
        f"backup_user: keeper, backup_folder: /srv/backups/{kind}}}\n"
    )
    path.write_text(f"{before}{playbook}{_LOGIN}\n{after}", encoding="utf-8")


def test_postgresql_comes_back_to_just_before_the_disaster(place: PlaceOfLoss) -> None:
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


def test_postgresql_comes_back_from_a_dump(place: PlaceOfLoss) -> None:
    """pg_dump's folder, restored in parallel: PASSED; what was written after it is lost."""
    from_dumps(place, "postgresql", "postgresql")
    assert assert_recovered(*place.run("postgresql")) > 15


def test_mariadb_comes_back_from_mariabackup(place: PlaceOfLoss) -> None:
    """A stream of mariabackup's, prepared and moved back: PASSED."""
    assert assert_recovered(*place.run("mariadb")) > 15


@pytest.mark.parametrize("kind", ["mariadb", "mydumper"])
def test_mariadb_comes_back_from_a_dump(place: PlaceOfLoss, kind: str) -> None:
    """mariadb-dump's file and mydumper's folder: PASSED; what was written after is lost."""
    if kind == "mydumper" and not place.scene.on_backup("ls /srv/backups/mydumper"):
        pytest.skip("Debian 13 has no mydumper")
    from_dumps(place, "mariadb", kind)
    assert assert_recovered(*place.run("mariadb")) > 15


def test_a_wrong_password_fails_with_the_tools_reason(
    place: PlaceOfLoss, monkeypatch: pytest.MonkeyPatch
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
def test_a_damaged_backup_fails_with_the_tools_reason(
    place: PlaceOfLoss, harm: str, reason: str
) -> None:
    """A backup of mariabackup's that was cut or rotted: FAILED, and the standby is clean."""
    file = "f=$(ls /srv/backups/mariabackup/*.xb.zst)"
    place.scene.on_backup(f"{file}; cp -p $f /root/sound; {harm}")
    try:
        assert_failed(*place.run("mariadb"), reason)
    finally:
        place.scene.on_backup(f"{file}; cp -p /root/sound $f")
