"""The shipped drills of databases, on a real host: they recover what real tools had backed up.

By day; the nightly tests/e2e/test_databases.py does the same on virtual machines, with systemd.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hosts.database_hosts import CIPHER_PASS, DatabaseHosts, database_hosts
from tests.integration.house import edit, pradrill
from tests.support.endings import assert_failed, assert_recovered, step

from pradrill.system import processes

Outcome = tuple[subprocess.CompletedProcess[str], dict[str, Any]]
"""What a drill ended with, and its record."""
BEAT = 2
"""Between two heartbeats on a busy machine, in seconds."""


@pytest.fixture(scope="module")
def made_databases() -> Iterator[DatabaseHosts]:
    """Make a standby and a backup server, and lose their primary."""
    with database_hosts() as hosts:
        yield hosts


@pytest.fixture
def databases(made_databases: DatabaseHosts) -> Iterator[DatabaseHosts]:
    """Return the hosts; whatever a drill does there, it leaves the standby as it was."""
    before = made_databases.state_of_standby()
    yield made_databases
    assert made_databases.state_of_standby() == before


def outcome_of(databases: DatabaseHosts, house: Path, drill: str, **secrets: str) -> Outcome:
    """Run a drill with the scene's secrets, or with others."""
    result = pradrill(
        house, "run", drill, environment={**os.environ, **databases.secrets, **secrets}
    )
    (path,) = house.glob("state/runs/*/record.json")
    text = path.read_text("utf-8")
    assert CIPHER_PASS not in text + result.stdout + result.stderr
    record = json.loads(text)
    assert not processes.carrying(record["run_id"])
    return result, record


def test_postgresql_comes_back_to_just_before_the_disaster(
    databases: DatabaseHosts, tmp_path: Path
) -> None:
    """pgBackRest, to the primary's end: PASSED, and only what its log had not kept is lost."""
    house = databases.house(tmp_path)
    edit(
        house,
        "drills/postgresql.yml",
        'recovery_target_time: ""',
        f'recovery_target_time: "{databases.loss.death.isoformat()}"',
    )
    result, record = outcome_of(databases, house, "postgresql")
    loss = assert_recovered(result, record)
    replayed = step(record, "restore")["values"]["pradrill_replay_point"]
    assert 0 <= loss - databases.loss.since(databases.loss.log_end) < BEAT
    assert abs(databases.loss.since(datetime.fromisoformat(replayed)) - loss) < BEAT


def test_postgresql_comes_back_from_a_dump(databases: DatabaseHosts, tmp_path: Path) -> None:
    """pg_dump's folder, restored in parallel: PASSED; what was written after it is lost."""
    house = databases.house(tmp_path)
    from_dumps(house, "postgresql")
    assert_lost_after_dumps(
        databases, assert_recovered(*outcome_of(databases, house, "postgresql"))
    )


def test_mariadb_comes_back_from_mariabackup(databases: DatabaseHosts, tmp_path: Path) -> None:
    """A stream of mariabackup's, prepared and moved back: PASSED; what came after it is lost."""
    house = databases.house(tmp_path)
    assert_lost_after_dumps(databases, assert_recovered(*outcome_of(databases, house, "mariadb")))


def test_mariadb_comes_back_from_a_dump(databases: DatabaseHosts, tmp_path: Path) -> None:
    """mariadb-dump's file: PASSED; what was written after it is lost."""
    house = databases.house(tmp_path)
    from_dumps(house, "mariadb")
    assert_lost_after_dumps(databases, assert_recovered(*outcome_of(databases, house, "mariadb")))


def assert_lost_after_dumps(databases: DatabaseHosts, loss: float) -> None:
    """Assert that what is lost begins with the dumps, which is more than the log had not kept."""
    assert databases.loss.since(databases.loss.log_end) + BEAT / 2 < loss
    assert databases.loss.since(databases.loss.dumps_end) <= loss
    assert loss <= databases.loss.since(databases.loss.dumps_begin) + BEAT


def from_dumps(house: Path, drill: str) -> None:
    """Let a drill restore from a folder of dumps, as the comment at its end says."""
    path = house / f"drills/{drill}.yml"
    before, rest = path.read_text("utf-8").split("restore:\n", 1)
    after, step = rest[rest.index("verify:\n") :].split("in a folder that SFTP", 1)
    step = step[step.index("#  - playbook") :].replace("#  ", "  ")
    path.write_text(f"{before}restore:\n{step}\n{after}", "utf-8")


def test_a_wrong_password_fails_with_the_tools_reason(
    databases: DatabaseHosts, tmp_path: Path
) -> None:
    """A wrong password of the repository: FAILED, with the reason, the standby clean."""
    house = databases.house(tmp_path)
    wrong = {"PRADRILL_PGBACKREST_CIPHER_PASS": "another one"}
    assert_failed(*outcome_of(databases, house, "postgresql", **wrong), "cipher password is wrong")


def test_a_truncated_backup_fails_with_the_tools_reason(
    databases: DatabaseHosts, tmp_path: Path
) -> None:
    """A stream of mariabackup's that was cut: FAILED, with the reason, the standby clean."""
    house = databases.house(tmp_path)
    (stream,) = (databases.backup.srv / "backups/mariabackup").glob("*.xb.zst")
    whole = stream.read_bytes()
    stream.write_bytes(whole[: len(whole) // 2])
    try:
        assert_failed(*outcome_of(databases, house, "mariadb"), "premature end")
    finally:
        stream.write_bytes(whole)
