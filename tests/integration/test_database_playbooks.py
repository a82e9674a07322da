"""The shipped drills of databases, on a real host: they recover what real tools had backed up.

By day; the nightly tests/e2e/test_databases.py does the same on virtual machines, with systemd.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.scenes.place import REPOSITORY
from tests.integration.hosts.database_hosts import CIPHER_PASS, DatabaseHosts, database_hosts
from tests.integration.house import edit, pradrill, write
from tests.support.endings import assert_failed, assert_recovered, step

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.adapters.standbys.inventory import InventoryHosts
from pradrill.domain.run.host import HostState
from pradrill.system import processes
from pradrill.testing.reasons import texts

Outcome = tuple[subprocess.CompletedProcess[str], dict[str, Any]]
"""What a drill ended with, and its record."""
BEAT = 2
"""Between two heartbeats on a busy machine, in seconds."""


# tests/sources has wrong passwords and cut backups of each tool (test_contract, test_bad_restores).
_BY_DAY_ELSEWHERE = pytest.mark.nightly


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


@_BY_DAY_ELSEWHERE  # the restore: sources/test_bad_restores.py; its truth: test_truth.py
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


@pytest.mark.nightly
def test_postgresql_comes_back_from_a_dump(databases: DatabaseHosts, tmp_path: Path) -> None:
    """pg_dump's folder, restored in parallel: PASSED; what was written after it is lost."""
    house = databases.house(tmp_path)
    from_dumps(house, "postgresql")
    assert_lost_after_dumps(
        databases, assert_recovered(*outcome_of(databases, house, "postgresql"))
    )


@pytest.mark.nightly
def test_mariadb_comes_back_from_mariabackup(databases: DatabaseHosts, tmp_path: Path) -> None:
    """A stream of mariabackup's, prepared and moved back: PASSED; what came after it is lost."""
    house = databases.house(tmp_path)
    assert_lost_after_dumps(databases, assert_recovered(*outcome_of(databases, house, "mariadb")))


def test_mariadb_comes_back_from_a_dump(databases: DatabaseHosts, tmp_path: Path) -> None:
    """mariadb-dump's file: PASSED; what was written after it is lost, and gone is what came back.

    That it is gone, and how, is said, and that nobody saw accounts of a server that did not run.
    """
    house = databases.house(tmp_path)
    from_dumps(house, "mariadb")
    result, record = outcome_of(databases, house, "mariadb")
    assert_lost_after_dumps(databases, assert_recovered(result, record))
    data = ", ".join(f"/var/lib/mysql.{each}" for each in ("standby", "new", "elsewhere"))
    absent = f"/var/lib/pradrill-restore, {data}"
    assert texts(record["erased"]) == (
        f"looked for on db-dr after the teardown, and not there: {absent}",
        "databases on db-dr after the teardown: those of before, and no other",
        "it was deleted, not overwritten: the disk itself may still hold it",
    )
    limit = "accounts of the database server in /var/lib/mysql, which did not run"
    assert [each for each in texts(record["limits"]) if limit in each]


@pytest.mark.nightly
def test_a_dump_comes_back_while_files_come_beside_it(
    databases: DatabaseHosts, tmp_path: Path
) -> None:
    """Two shipped restores on one host, together: neither removes the other's login or backup."""
    (folder := databases.backup.srv / "backups/pictures").mkdir()
    (tmp_path / "srv/pictures").mkdir(parents=True)
    for number in range(300):
        (tmp_path / f"srv/pictures/{number}").write_bytes(os.urandom(20_000))
    archive = folder / "pictures.tar.gz"
    subprocess.run(["tar", "-czf", archive, "-C", tmp_path, "srv/pictures"], check=True)
    house = databases.house(tmp_path / "house")
    from_dumps(house, "mariadb")
    title = "    name: restore MariaDB\n"
    edit(
        house,
        "drills/mariadb.yml",
        f"{title}    deadline",
        f"{title}    together: data\n    deadline",
    )
    edit(house, "drills/mariadb.yml", "\nverify:\n", f"{_PICTURES}\nverify:\n")
    edit(
        house, "drills/mariadb.yml", "\nteardown:\n", f"\nteardown:\n{_PICTURES_GO}"
    )  # in any order
    result, record = outcome_of(databases, house, "mariadb")
    assert (record["verdict"], record["residue"]) == ("PASSED", []), result.stdout + result.stderr
    first, second = (each for each in record["steps"] if each["phase"] == "restore")
    assert max(first["started"], second["started"]) < min(first["ended"], second["ended"])


_PICTURES = """\
  - playbook: ../playbooks/restore_files.yml
    name: restore the pictures
    together: data
    deadline: 5m
    vars:
      files_source: tar
      files_folders: [/srv/pictures]
      files_manifest: ""
      backup_host: 10.0.2.100
      backup_user: keeper
      backup_folder: /srv/backups/pictures
    secrets:
      backup_private_key: env:PRADRILL_BACKUP_KEY
      backup_host_key: env:PRADRILL_BACKUP_HOST_KEY
"""
_PICTURES_GO = """\
  - playbook: ../playbooks/teardown_files.yml
    vars: {files_folders: [/srv/pictures], files_manifest: ""}
"""


@pytest.mark.nightly
def test_the_shipped_drill_of_sqlite_passes(databases: DatabaseHosts, tmp_path: Path) -> None:
    """From a .backup, to the instant of its newest row; only the folder stays, empty."""
    (folder := databases.backup.srv / "backups/sqlite").mkdir(exist_ok=True)
    house = databases.house(tmp_path / "house")
    scene = tmp_path / "scene.db"
    script = (REPOSITORY / "tests/e2e/scenes/keeper/sqlite.sh").read_text("utf-8")
    tables = script.partition("<<'END'\n")[2].partition("\nEND\n")[0]
    newest = databases.loss.dumps_begin.timestamp()
    beat = f"insert into pradrill_heartbeat values ({newest:.6f})"  # noqa: S608 a number
    name = folder / "app-20261125T0100.db"
    words = ["sqlite3", "-batch", "-bail", str(scene), tables, beat, f".backup {name}"]
    subprocess.run(words, capture_output=True, check=True)
    kit = house / "playbooks/files/manifest-tables"
    write_it = [sys.executable, str(kit), "write", "sqlite", str(scene), "", "accounts.password"]
    manifest = subprocess.run(write_it, capture_output=True, check=True).stdout
    name.with_name(f"{name.name}.manifest.json").write_bytes(manifest)
    result, record = outcome_of(databases, house, "sqlite")
    loss = assert_recovered(result, record)
    assert loss == pytest.approx(databases.loss.since(databases.loss.dumps_begin), abs=0.01)
    assert step(record, "restore")["values"]["pradrill_backup_id"] == name.name
    shutil.rmtree(folder)
    inside(databases, "rmdir /var/lib/app")  # empty


@pytest.mark.nightly
def test_sqlite_comes_back_from_a_dump_and_goes_again(
    databases: DatabaseHosts, tmp_path: Path
) -> None:
    """From the backup server, twice; its manifest holds, and its teardown leaves nothing."""
    (folder := databases.backup.srv / "backups/sqlite").mkdir()
    house = databases.house(tmp_path / "house")
    database = tmp_path / "app.db"
    tables = "create table t (a integer primary key); insert into t values (1), (2);"
    subprocess.run(["sqlite3", database, tables], check=True)
    reader = house / "playbooks/files/manifest-tables"
    words = ["python3", str(reader), "write", "sqlite", str(database)]
    for suffix, command in (
        (".sql", ["sqlite3", str(database), ".dump"]),
        (".sql.manifest.json", words),
    ):
        output = subprocess.run(command, capture_output=True, check=True).stdout
        (folder / f"app-20261124{suffix}").write_bytes(output)
    values = {
        "sqlite_database": "/srv/app/app.db",
        "backup_host": "10.0.2.100",
        "backup_user": "keeper",
        "backup_folder": "/srv/backups/sqlite",
        "backup_private_key": databases.secrets["PRADRILL_BACKUP_KEY"],
        "backup_host_key": databases.secrets["PRADRILL_BACKUP_HOST_KEY"],
    }
    staging = "/var/lib/pradrill-restore"
    play(house, "restore_sqlite.yml", values)
    play(house, "restore_sqlite.yml", values)
    check = (
        f"python3 {staging}/manifest-tables check sqlite /srv/app/app.db {staging}/manifest.json"
    )
    inside(databases, f"{check} rows; {check} columns; test ! -e {staging}/sqlite")
    play(house, "teardown_sqlite.yml", values)
    inside(databases, f"test ! -e {staging}; test ! -e /srv/app/app.db; rmdir /srv/app")
    play(house, "teardown_sqlite.yml", values)


def play(house: Path, playbook: str, values: dict[str, str]) -> None:
    """Play a shipped playbook as by hand."""
    write(house, "values.json", json.dumps(values))
    tool = Path(sys.executable).parent / "ansible-playbook"
    words: list[str | Path] = [tool, "-i", house / "inventory.yml"]
    words += ["-e", f"@{house}/values.json", house / "playbooks" / playbook]
    ssh = f"-o UserKnownHostsFile={house}/known_hosts"
    result = subprocess.run(
        words,
        env={**os.environ, "ANSIBLE_SSH_ARGS": ssh},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_dump_of_a_whole_server_is_refused_and_leaves_nothing(
    databases: DatabaseHosts, tmp_path: Path
) -> None:
    """Made with --all-databases: FAILED with the cause, before a row of it is on the standby."""
    house = databases.house(tmp_path)
    from_dumps(house, "mariadb")
    (dump,) = (databases.backup.srv / "backups/mariadb").glob("*.sql.zst")
    alone = dump.read_bytes()
    text = "CREATE DATABASE `payroll`;\nUSE `payroll`;\nCREATE TABLE t (a int);\n"
    text += "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `mysql`;\nUSE `mysql`;\n-- Dump completed\n"
    packed = subprocess.run(["zstd"], input=text.encode(), capture_output=True, check=True)
    dump.write_bytes(packed.stdout)
    try:
        because = r"accounts or settings of a whole server \(the database mysql\): nothing of it"
        assert_failed(*outcome_of(databases, house, "mariadb"), because)
    finally:
        dump.write_bytes(alone)


def inside(databases: DatabaseHosts, script: str) -> None:
    """Run a script on the standby."""
    server = databases.standby.server
    words = ["ssh", "-i", str(server.key), "-p", str(server.port), "-o", "BatchMode=yes"]
    words += ["-o", f"UserKnownHostsFile={server.known_hosts}", f"root@{server.address}"]
    subprocess.run([*words, f"set -eu\n{script}"], check=True, timeout=60)


DEFINED = """\
CREATE TABLE `t` (`n` int);
CREATE DEFINER=`app`@`10.%` VIEW `v` AS SELECT `n` FROM `t`;
"""
"""What a load makes an account for."""


@pytest.mark.parametrize(
    ("teardown", "name"),
    [("teardown_wordpress.yml", "wordpress"), ("teardown_mariadb.yml", "moodle")],
)
def test_the_accounts_that_a_load_has_made_go_with_its_database(
    databases: DatabaseHosts, tmp_path: Path, teardown: str, name: str
) -> None:
    """One of a DEFINER's, and of a load that was killed its own; Moodle's teardown is MariaDB's."""
    house = databases.house(tmp_path)
    staging, settings = "/var/lib/pradrill-restore", "/etc/mysql/mariadb.conf.d/99-pradrill.cnf"
    loader = "\n".join(
        (house / "playbooks/files" / each).read_text("utf-8")
        for each in ("read-dump", "load-mariadb")
    )
    accounts = "mariadb -NBe 'select user from mysql.global_priv'"
    inside(
        databases,
        f"mkdir -p {staging}; cd {staging}; touch {settings}\n"
        f"cat > dump.sql <<'END_OF_DUMP'\n{DEFINED}END_OF_DUMP\n"
        f"cat > loader <<'END_OF_LOADER'\n{loader}\nEND_OF_LOADER\n"
        f"systemctl start mariadb; mariadb -e 'create database {name}'\n"
        f"bash -s -- dump.sql {name} < loader; {accounts} | grep -qx app\n"
        f"account=pradrill_load_$(printf %s {name}_pradrill | cksum | cut -d ' ' -f 1)\n"
        f'mariadb -e "create user $account@localhost; create database {name}_pradrill"\n',
    )
    values = {"database": name, "database_user": name}
    play(house, teardown, values)
    play(house, teardown, values)
    inside(
        databases,
        f"systemctl start mariadb; {accounts} | grep -E 'app|pradrill' && exit 1\n"  # noqa: S608 the server's own words
        f"mariadb -e 'show databases; select * from mysql.db; select * from mysql.roles_mapping'"
        f" | grep {name} && exit 1\nsystemctl stop mariadb; rm -rf {staging}",
    )


def test_a_database_or_an_account_that_stays_is_seen(
    databases: DatabaseHosts, tmp_path: Path
) -> None:
    """New ones, and an account that is another now; of a server that stops the databases count."""
    server = databases.standby.server
    standby = InventoryHosts([server.host], server.inventory(), server.known_hosts)
    site = standby.start(tmp_path, "20261128T020000Z-shop-a1b2c3", lambda _line: None)
    probe = SshProbe(SteadyClock(), resolve)
    cluster = f"postgresql@{databases.version}-main"

    def state() -> HostState:
        return probe.state(server.host, site, ())

    def left(before: HostState) -> list[str]:
        every = texts(state().left_by(before))
        return [re.sub(r" \(/var/lib/(\w+)[^)]*\)", r" (\1)", each) for each in every]

    new = "was not there before"
    try:
        stopped = state()
        inside(databases, f"systemctl start mariadb; systemctl start {cluster}")
        running = state()
        assert running.inventory is not None
        assert not [each for each in left(stopped) if each.startswith(("database", "account"))]
        sql = "create database `pay-roll`; create user app@'%'; set password = password('x')"
        undo = "drop database `pay-roll`; drop user app@'%'; "
        undo += "alter user root@localhost identified via unix_socket"
        psql = "runuser -u postgres -- psql -Xqc"
        inside(
            databases, f'mariadb -e "{sql.replace("`", chr(92) + "`")}"; {psql} "create role app"'
        )
        inside(databases, f'{psql} "create database payroll"')
        assert left(running) == [
            f"database pay-roll (mysql) {new}",
            f"database payroll (postgresql) {new}",
            f"account app (postgresql) {new}",
            f"account app@% (mysql) {new}",
            "account root@localhost (mysql) is not as before",
        ]
        inside(databases, f"systemctl stop mariadb; systemctl stop {cluster}")
        differences = left(running)
        assert f"database pay-roll (mysql) {new}" in differences
        assert [
            each for each in differences if re.fullmatch(rf"database \d+ .*gresql\) {new}", each)
        ]
        assert len(differences) == 2
        assert "/var/lib/mysql" in str(state().limit("db-dr", running))
        inside(databases, f"systemctl start mariadb; systemctl start {cluster}")
        inside(databases, f'mariadb -e "{undo.replace("`", chr(92) + "`")}"')
        inside(databases, f'{psql} "drop database payroll"; {psql} "drop role app"')
        assert [each for each in left(running) if "root@localhost" not in each] == []
    finally:
        inside(databases, f"systemctl stop mariadb; systemctl stop {cluster}")
        probe.close()
        standby.stop("20261128T020000Z-shop-a1b2c3")


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


@_BY_DAY_ELSEWHERE
def test_a_wrong_password_fails_with_the_tools_reason(
    databases: DatabaseHosts, tmp_path: Path
) -> None:
    """A wrong password of the repository: FAILED, with the reason, the standby clean."""
    house = databases.house(tmp_path)
    wrong = {"PRADRILL_PGBACKREST_CIPHER_PASS": "another one"}
    assert_failed(*outcome_of(databases, house, "postgresql", **wrong), "cipher password is wrong")


@_BY_DAY_ELSEWHERE
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
