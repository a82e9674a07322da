"""Barman on real machines: a cluster back to just before the disaster, or its damage named."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
from tests.e2e.scenes.databases import SCRIPTS, play_barman
from tests.e2e.scenes.place import PlaceOfLoss
from tests.e2e.scenes.scene import Scene
from tests.support.endings import assert_failed, assert_recovered, failed_checks, step

from pradrill.adapters.standbys.lab import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.nightly]

_PREPARE = """    deadline: 2m
  - playbook: ../playbooks/open_to_barman.yml
    name: let Barman in
    deadline: 2m
    secrets: {barman_public_key: env:PRADRILL_BARMAN_KEY}

restore:
"""
_RESTORE = """restore:
  - playbook: ../playbooks/restore_postgresql_barman.yml
    name: restore PostgreSQL
    deadline: 10m
    vars:
      recovery_target_time: "%s"
      barman_ssh_command: ssh postgres@10.0.2.101
      backup_host: 10.0.2.100
      backup_user: keeper
      restore_deadline: 540
    secrets:
      backup_private_key: env:PRADRILL_BACKUP_KEY
      backup_host_key: env:PRADRILL_BACKUP_HOST_KEY

"""


@pytest.fixture(scope="module")
def scene(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Play the scene once; the backup server stays up."""
    yield play_barman(lab, tmp_path_factory.mktemp("scene"))
    lab.machine("backup").down()


@pytest.fixture
def place(place: PlaceOfLoss) -> PlaceOfLoss:
    """Return a copy of the drills whose PostgreSQL is restored from Barman."""
    shutil.copy(SCRIPTS / "open_to_barman.yml", place.folder / "playbooks")
    drill = place.drills / "postgresql.yml"
    killed = place.scene.killed.isoformat()
    before, rest = drill.read_text(encoding="utf-8").split("restore:\n", 1)
    before = f"{before}restore:\n".replace("    deadline: 2m\n\nrestore:\n", _PREPARE)
    before = before.removesuffix("restore:\n")
    after = rest[rest.index("verify:\n") :]
    drill.write_text(f"{before}{_RESTORE % killed}{after}", encoding="utf-8")
    return place


def test_a_cluster_comes_back_to_just_before_the_disaster(place: PlaceOfLoss) -> None:
    """Barman, to the power cut: PASSED, and only what its log had not kept yet is lost."""
    result, record = place.run("postgresql")
    loss = assert_recovered(result, record)
    values = step(record, "restore")["values"]
    replayed = datetime.fromisoformat(values["pradrill_replay_point"])
    assert 0 <= loss < 15, "the log is kept every few seconds"
    assert abs((place.scene.killed - replayed).total_seconds() - loss) < 2


@contextmanager
def harmed(place: PlaceOfLoss, file: str, harm: str) -> Iterator[None]:
    """Damage a file of the base backup; {size} in the command is its length."""
    on_backup = place.scene.on_backup
    size = on_backup(f"stat -c %s {file}")
    on_backup(f"cp -p {file} /root/sound; f={file}; {harm.format(size=size)}")
    try:
        yield
    finally:
        on_backup(f"cp -p /root/sound {file}")


def largest(place: PlaceOfLoss) -> str:
    """Return the largest file of the base backup: of a table with rows."""
    command = (
        "find /srv/barman/main/base/*/data/base -type f -printf '%s %p\\n' | sort -n | tail -1"
    )
    return place.scene.on_backup(command).split()[1]


@pytest.mark.parametrize("which", ["table", "system table"])
def test_a_backup_with_missing_pages_fails_before_it_starts(place: PlaceOfLoss, which: str) -> None:
    """A table cut in half, a system table without its last page: FAILED, and the file is named."""
    file = largest(place)
    if which == "system table":  # pg_attribute
        file = place.scene.on_backup("ls /srv/barman/main/base/*/data/base/5/1249").strip()
    less = "$(({size} / 2 + 100))" if which == "table" else "$(({size} - 8192))"
    with harmed(place, file, f"truncate -s {less} $f"):
        result, record = place.run("postgresql")
    name = file.partition("/data/")[2]
    assert_failed(result, record, f'not what was written: "{name}" has size')


def test_a_rotten_backup_fails_by_name(place: PlaceOfLoss) -> None:
    """Barman gives out a base backup that rotted: FAILED by the checks' own words."""
    place.edit("postgresql", ("deadline: 5m\n  stable", "deadline: 30s\n  stable"))
    rot = "head -c 99 /dev/urandom | dd of=$f bs=1 seek=$(({size} / 2)) conv=notrunc"
    with harmed(place, largest(place), rot):
        result, record = place.run("postgresql")
    assert result.returncode == 10, result.stdout + result.stderr
    assert record["verdict"] == "FAILED"
    assert not record["residue"]
    reasons = " ".join(failed_checks(record).values())
    assert re.search("invalid page|checksum", reasons), reasons
