"""Bad backups of databases, in the hands of the scripts that restore them: never a quiet half.

Damage that the tools themselves cannot see, as a changed letter in plain SQL, is told by the
checksum that the backup job wrote beside the backup: files/fetch-backup compares it first.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sources.conftest import (
    BIN,
    LOGIN,
    BarmanShelf,
    Cluster,
    PgBackRestShelf,
    Server,
    largest,
    mostly_nightly,
    mydumped,
    run,
)
from tests.sources.databases import database, mariadb, pg_dump
from tests.sources.test_dumps import PACKED, sum_up, sum_up_all

__all__ = ["database", "mariadb"]

SCRIPTS = Path(__file__).parents[2] / "playbooks/files"
Saying = subprocess.CompletedProcess[str]
Harm = Callable[[Path], None]


def cut(path: Path) -> None:
    """Keep the first half of a file."""
    os.truncate(path, path.stat().st_size // 2)


def flip(path: Path) -> None:
    """Change a byte in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x01
    path.write_bytes(content)


HARMS: dict[str, Harm] = {"cut": cut, "flipped": flip}
harms = pytest.mark.parametrize("harm", HARMS.values(), ids=list(HARMS))


def sent(script: str) -> str:
    """Return a script of the playbooks' as they send it: what reads dumps goes before."""
    before = "read-dump" if script in {"load-mariadb", "load-postgresql"} else os.devnull
    return "".join((SCRIPTS / name).read_text("utf-8") for name in (before, script))


def call(script: str, *words: str | Path, **environment: str) -> Saying:
    """Run one of the playbooks' scripts."""
    is_loader = script in {"load-mariadb", "load-postgresql"}
    return subprocess.run(
        ["bash", *(["-s", "--"] if is_loader else [SCRIPTS / script]), *words],
        input=sent(script) if is_loader else None,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def ended_badly(result: Saying, reason: str = "") -> bool:
    """Tell whether a script failed, and gave its reason."""
    return result.returncode != 0 and reason in result.stderr and bool(result.stderr.strip())


def fetch(backup: Path, staging: Path) -> Saying:
    """Look for a backup as a playbook does that finds it in a folder of the standby."""
    staging.mkdir(exist_ok=True)
    return call("fetch-backup", backup.parent, backup.name, staging, "no")


# ---------------------------------------------------------------- what a checksum tells


@harms
@pytest.mark.parametrize("suffix", [".sql", ".tar", ".dump", ".xb"])
def test_a_checksum_beside_a_backup_must_hold(tmp_path: Path, suffix: str, harm: Harm) -> None:
    """What no tool would notice in an unpacked dump ends before anything is restored."""
    (tmp_path / "backups").mkdir()
    backup = tmp_path / f"backups/night{suffix}"
    backup.write_bytes(os.urandom(10_000))
    sum_up(backup)
    assert fetch(backup, tmp_path / "staging").returncode == 0
    harm(backup)
    result = fetch(backup, tmp_path / "staging")
    assert ended_badly(result, f"the backup night{suffix} is not what was written")


@harms
def test_the_checksums_in_a_folder_must_hold(tmp_path: Path, harm: Harm) -> None:
    """A folder of mydumper's, pg_dump's or mariabackup's with its SHA256SUMS is compared, too."""
    backup = tmp_path / "backups/night"
    backup.mkdir(parents=True)
    (backup / "t.sql").write_bytes(os.urandom(10_000))
    sum_up_all(backup)
    assert fetch(backup, tmp_path / "staging").returncode == 0
    harm(backup / "t.sql")
    result = fetch(backup, tmp_path / "staging")
    assert ended_badly(result, "the backup night is not what was written")


@harms
@pytest.mark.parametrize("name", ["night.sql", "night"])
def test_the_checksums_beside_all_backups_must_hold(tmp_path: Path, name: str, harm: Harm) -> None:
    """One SHA256SUMS for a folder of backups counts for the one that is restored, and is none."""
    folder = tmp_path / "backups"
    backup, other = folder / name, folder / "evening.sql"
    content = backup / "t.sql" if name == "night" else backup
    content.parent.mkdir(parents=True)
    content.write_bytes(os.urandom(10_000))
    other.write_bytes(os.urandom(10_000))
    files = (str(each.relative_to(folder)) for each in (content, other))
    output = subprocess.run(["sha256sum", *files], cwd=folder, capture_output=True, check=True)
    (folder / "sha256sums").write_bytes(output.stdout)
    other.write_bytes(b"rotten, and not what is restored")
    staging = tmp_path / "staging"
    staging.mkdir()
    newest = call("fetch-backup", folder, "", staging, "no")
    assert newest.stdout.split()[0] == name, newest
    harm(content)
    assert ended_badly(fetch(backup, staging), f"the backup {name} is not what was written")


# ---------------------------------------------------------------- MariaDB


def load_mariadb(dump: Path, mariadb: Path, **environment: str) -> Saying:
    """Load a dump into an empty database; the tools find the server as root's would, at home."""
    run(["mariadb", f"--socket={mariadb}", "-uroot", "-e", "create or replace database copy"],
        env={})  # fmt: skip
    (mariadb.parent / ".my.cnf").write_text(f"[client]\nsocket={mariadb}\nuser=root\n")
    return call("load-mariadb", dump, "copy", HOME=str(mariadb.parent), **environment)


def rows(mariadb: Path) -> str:
    """Return how many rows the copy has."""
    count = "select count(*) from copy.t"
    return run(["mariadb", f"--socket={mariadb}", "-uroot", "-NBe", count], env={}).strip()


def dump_mariadb(mariadb: Path, to: Path, suffix: str) -> Path:
    """Dump the database with the real mariadb-dump."""
    output = run(["mariadb-dump", f"--socket={mariadb}", "-uroot", "moodle"], env={}).encode()
    path = to / f"night{suffix}"
    path.write_bytes(output if suffix == ".sql" else PACKED[suffix](output))
    return path


@pytest.mark.parametrize("suffix", [".sql", ".sql.gz", ".sql.zst"])
def test_a_sound_dump_of_mariadb_dump_is_loaded(mariadb: Path, tmp_path: Path, suffix: str) -> None:
    """The script works on a dump that nobody touched, or the others below would prove nothing."""
    result = load_mariadb(dump_mariadb(mariadb, tmp_path, suffix), mariadb)
    assert result.returncode == 0, result.stderr
    assert rows(mariadb) == "5000"


@pytest.mark.parametrize(
    ("suffix", "harm"),
    [(".sql", cut), (".sql.gz", cut), (".sql.gz", flip), (".sql.zst", cut), (".sql.zst", flip)],
)
def test_a_damaged_dump_of_mariadb_dump_ends_badly(
    mariadb: Path, tmp_path: Path, suffix: str, harm: Harm
) -> None:
    """Cut short or with a changed byte: an error with its reason, whatever was loaded by then."""
    dump = dump_mariadb(mariadb, tmp_path, suffix)
    harm(dump)
    assert ended_badly(result := load_mariadb(dump, mariadb)), result


def test_a_plain_dump_cut_short_is_refused_before_it_is_loaded(
    mariadb: Path, tmp_path: Path
) -> None:
    """Its end is looked at first: not a table is made."""
    dump = dump_mariadb(mariadb, tmp_path, ".sql")
    dump.write_bytes(dump.read_bytes().replace(b"-- Dump completed", b"-- "))
    assert ended_badly(load_mariadb(dump, mariadb), "the dump was cut short")
    tables = run(
        ["mariadb", f"--socket={mariadb}", "-uroot", "-NBe", "show tables in copy"], env={}
    )
    assert tables == ""


def test_a_dump_that_was_packed_half_ends_badly(mariadb: Path, tmp_path: Path) -> None:
    """A perfect gzip of half a dump, as a full disk leaves it, is told as such."""
    whole = dump_mariadb(mariadb, tmp_path, ".sql").read_bytes()
    dump = tmp_path / "half.sql.gz"
    dump.write_bytes(gzip.compress(whole[: whole.index(b"INSERT INTO")]))
    assert ended_badly(load_mariadb(dump, mariadb), "the dump was cut short")


def test_what_a_database_of_mariadb_holds_stays_until_the_dump_was_read(
    mariadb: Path, tmp_path: Path
) -> None:
    """A dump that is damaged behind its beginning is known before the first table goes."""
    dump = dump_mariadb(mariadb, tmp_path, ".sql.gz")
    assert load_mariadb(dump, mariadb).returncode == 0
    client = ["mariadb", f"--socket={mariadb}", "-uroot", "copy", "-e"]
    run([*client, "create table standing (n int)"], env={})
    os.truncate(dump, dump.stat().st_size - 10)
    assert ended_badly(call("load-mariadb", dump, "copy", HOME=str(mariadb.parent)))
    run([*client, "select * from standing, t limit 1"], env={})
    dump = dump_mariadb(mariadb, tmp_path, ".sql")
    again = call("load-mariadb", dump, "copy", HOME=str(mariadb.parent))
    assert (again.returncode, rows(mariadb)) == (0, "5000"), again.stderr
    assert "standing" not in run([*client, "show tables"], env={})


@pytest.mark.skipif(shutil.which("mydumper") is None, reason="Debian 13 has no mydumper")
@pytest.mark.parametrize(
    ("packed", "harm"), [(True, None), (False, None), (True, cut), (True, flip), (False, cut)]
)
def test_a_folder_of_mydumpers(
    mariadb: Path,
    tmp_path: Path,
    packed: bool,
    harm: Harm | None,
) -> None:
    """Myloader passes over half a statement in silence; the script does not."""
    folder = tmp_path / "night"
    mydumped(mariadb, folder, "-B", "moodle", *(["-c"] if packed else []))
    if harm is not None:
        harm(largest(folder))
    result = load_mariadb(folder, mariadb)
    if harm is not None:
        assert ended_badly(result), result
    else:
        assert result.returncode == 0, result.stderr
        assert rows(mariadb) == "5000"


@pytest.mark.skipif(shutil.which("mydumper") is None, reason="Debian 13 has no mydumper")
def test_threads_that_lock_each_other_out_are_no_bad_backup(mariadb: Path, tmp_path: Path) -> None:
    """Seen on a slow machine, with mydumper --rows: one thread then loads what two could not."""
    folder, tools = tmp_path / "night", tmp_path / "tools"
    mydumped(mariadb, folder, "-B", "moodle")
    tools.mkdir()
    shim = tools / "myloader"
    shim.write_text(
        '#!/bin/sh\ncase "$*" in *--threads=1*) exec /usr/bin/myloader "$@" ;; esac\n'
        'echo "** (myloader:954): CRITICAL **: 20:27:10.432: Error restoring shop.orders from file '
        'shop.orders.00000.sql: Deadlock found when trying to get lock; try restarting"\n'
        "exit 1\n"
    )
    shim.chmod(0o755)
    result = load_mariadb(folder, mariadb, PATH=f"{tools}:{os.environ['PATH']}")
    assert result.returncode == 0, result.stderr
    assert rows(mariadb) == "5000"


def mariabackup(mariadb: Path, to: Path, suffix: str) -> Path:
    """Back the server up with the real mariabackup, into a stream."""
    base = ["mariabackup", "--no-defaults", "--backup", f"--socket={mariadb}", "--user=root",
            f"--datadir={mariadb.parent}/d", "--stream=xbstream", f"--target-dir={to}"]  # fmt: skip
    result = subprocess.run(base, capture_output=True, check=True, timeout=120)
    path = to / f"night.xb{suffix}"
    path.write_bytes(PACKED[f".sql{suffix}"](result.stdout) if suffix else result.stdout)
    return path


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_stream_of_mariabackups(mariadb: Path, tmp_path: Path, suffix: str) -> None:
    """It is prepared when it is sound; cut or with changed bytes it ends with an error."""
    backup = mariabackup(mariadb, tmp_path, suffix)
    whole = backup.read_bytes()
    result = call("prepare-mariabackup", backup, tmp_path / "data")
    assert result.returncode == 0, result.stderr
    for harm in (cut, flip):
        backup.write_bytes(whole)
        harm(backup)
        result = call("prepare-mariabackup", backup, tmp_path / "data")
        assert ended_badly(result), (harm, result)


def test_a_folder_of_mariabackups_writes_among_the_data_alone(
    mariadb: Path, tmp_path: Path
) -> None:
    """A table that lay elsewhere comes beside them; what would lead mariabackup out is refused."""
    elsewhere, folder, data = (tmp_path / name for name in ("elsewhere", "night", "data"))
    elsewhere.mkdir(mode=0o777)
    elsewhere.chmod(0o777)
    sql = ["mariadb", "--no-defaults", f"--socket={mariadb}", "moodle", "-e"]
    words = ["mariabackup", "--no-defaults", f"--socket={mariadb}", f"--datadir={mariadb.parent}/d"]
    table = f"create table away (a int) engine=innodb data directory='{elsewhere}'"
    subprocess.run([*sql, table], check=True)
    backup = [*words, "--backup", "--user=root", f"--target-dir={folder}"]
    subprocess.run(backup, capture_output=True, check=True, timeout=120)
    subprocess.run([*sql, "drop table away"], check=True)
    result = call("prepare-mariabackup", folder, data)
    assert result.returncode == 0, result.stderr
    (tmp_path / "new").mkdir()
    back = ["mariabackup", "--move-back", f"--target-dir={data}", f"--datadir={tmp_path}/new"]
    subprocess.run(back, capture_output=True, check=True, timeout=120)
    assert (tmp_path / "data.elsewhere/moodle/away.ibd").is_file()
    assert not [*elsewhere.rglob("*.ibd")]
    anew = ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={tmp_path}/new", "--bootstrap"]
    statement = "alter table moodle.away engine=innodb, algorithm=copy;"  # it crashed the server
    subprocess.run([*anew, "--user=root"], input=statement.encode(), check=True, timeout=120)
    assert (tmp_path / "data.elsewhere/moodle/away.ibd").is_file()

    for name, text, reason in (
        ("xtrabackup_checkpoints", "backup_type = incremental\n", "is an incremental one"),
        ("moodle/away.ibd.qp", "", "made with --compress"),
    ):
        partial = tmp_path / "partial"
        shutil.copytree(folder, partial)
        (partial / name).write_text(text)
        assert ended_badly(call("prepare-mariabackup", partial, data), reason)
        shutil.rmtree(partial)
    shutil.rmtree(folder / "mysql")
    assert ended_badly(call("prepare-mariabackup", folder, data), "lacks the server's own tables")

    settings = folder / "backup-my.cnf"
    text = settings.read_text()
    for more in ("innodb_data_file=ibdata1:12M;../evil:1M:autoextend", f"!include {elsewhere}/x"):
        settings.write_text(f"{text}{more}\n")
        result = call("prepare-mariabackup", folder, data)
        assert ended_badly(result, "names files elsewhere"), result
    settings.write_text(text)
    (folder / "moodle/x.ibd").symlink_to(elsewhere)
    result = call("prepare-mariabackup", folder, data)
    assert ended_badly(result, "neither a file nor a folder"), result
    assert [each.name for each in tmp_path.glob("evil*")] == []


# ---------------------------------------------------------------- PostgreSQL


def load_postgresql(database: Server, dump: Path) -> Saying:
    """Load a dump into an empty database of the private cluster."""
    f = database.folder
    database.new_database("copy")
    assert BIN is not None
    version = BIN.parent.name
    return call("load-postgresql", dump, "copy", f"{version}/{f}:54991", PGUSER=LOGIN)


def restorable(database: Server, form: str, tmp_path: Path) -> Path:
    """Dump in a format, under the name that tells the script which one it is."""
    dump = pg_dump(database, form, tmp_path)
    return dump.rename(tmp_path / f"night{ {'p': '.sql', 't': '.tar'}.get(form, '.dump') }")


@pytest.mark.parametrize("form", ["p", "c", "t", "d"])
def test_a_sound_dump_of_pg_dump_is_loaded(database: Server, tmp_path: Path, form: str) -> None:
    """Each format is restored whole."""
    result = load_postgresql(database, restorable(database, form, tmp_path))
    assert result.returncode == 0, result.stderr
    assert database.psql("select count(*) from rows", "copy") == "20000"


@pytest.mark.parametrize(
    ("form", "harm"), [("p", cut), ("c", cut), ("t", cut), ("d", cut), ("c", flip), ("d", flip)]
)
def test_a_damaged_dump_of_pg_dump_ends_badly(
    database: Server, tmp_path: Path, form: str, harm: Harm
) -> None:
    """A cut in every format, and a changed byte where the format is packed: an error."""
    dump = restorable(database, form, tmp_path)
    harm(max(dump.glob("*.gz"), key=lambda each: each.stat().st_size) if dump.is_dir() else dump)
    assert ended_badly(result := load_postgresql(database, dump)), result


@pytest.mark.parametrize("form", mostly_nightly(["p", "c", "t", "d"], "c"))
def test_what_a_database_of_postgresql_holds_stays_until_the_dump_was_read(
    database: Server, tmp_path: Path, form: str
) -> None:
    """In each format a cut is known before the first table goes; a sound dump takes its place."""
    dump = restorable(database, form, tmp_path)
    assert load_postgresql(database, dump).returncode == 0
    database.psql("create table standing (n int)", "copy")
    database.psql("create role theirs; alter database copy owner to theirs", "postgres")
    data = max(dump.glob("*.gz"), key=lambda each: each.stat().st_size) if form == "d" else dump
    whole = data.read_bytes()
    data.write_bytes(whole[: len(whole) * 9 // 10])
    assert BIN is not None
    load = ("load-postgresql", dump, "copy", f"{BIN.parent.name}/{database.folder}:54991")
    assert ended_badly(call(*load, PGUSER=LOGIN))
    database.psql("select * from standing, rows limit 1", "copy")
    data.write_bytes(whole)
    again = call(*load, PGUSER=LOGIN)
    assert again.returncode == 0, again.stderr
    assert (
        database.psql("select count(*) from pg_tables where tablename = 'standing'", "copy") == "0"
    )
    owner = "select pg_get_userbyid(datdba) from pg_database where datname = 'copy'"
    assert database.psql(owner, "postgres") == "theirs"
    database.psql("drop database copy; ", "postgres")
    database.psql("drop role theirs", "postgres")


@pytest.mark.parametrize("form", mostly_nightly(["p", "c", "t", "d"], "p"))
def test_what_a_database_of_postgresql_holds_stays_when_its_server_refuses_the_dump(
    database: Server, tmp_path: Path, form: str
) -> None:
    """A role is missing, which no reading tells: the copy beside it goes, and nothing else."""
    database.psql("create role missing", "postgres")
    database.psql("alter table rows owner to missing", "postgres")
    dump = restorable(database, form, tmp_path)
    database.psql("alter table rows owner to current_user", "postgres")
    database.psql("drop role missing", "postgres")
    database.new_database("beside")
    database.psql("create table standing (n int)", "beside")
    assert BIN is not None
    load = ("load-postgresql", dump, "beside", f"{BIN.parent.name}/{database.folder}:54991")
    result = call(*load, PGUSER=LOGIN)
    assert ended_badly(result)
    assert 'role "missing" does not exist' in result.stderr
    database.psql("select * from standing", "beside")
    left = "select string_agg(datname, ' ') from pg_database where datname like '%pradrill%'"
    assert not database.psql(left, "postgres")
    database.psql("create role missing", "postgres")
    again = call(*load, PGUSER=LOGIN)
    assert again.returncode == 0, again.stderr
    assert int(database.psql("select count(*) from rows", "beside")) > 0
    database.psql("drop database beside", "postgres")
    database.psql("drop role missing", "postgres")


def test_what_a_killed_load_has_left_beside_goes_with_the_next_one(
    database: Server, tmp_path: Path
) -> None:
    """Killed while it loads beside, it can remove nothing: the one name is known to the next."""
    dump = tmp_path / "night.sql"
    dump.write_text(
        "CREATE TABLE t (n int, x text DEFAULT pg_sleep(300));\nINSERT INTO t VALUES (1);\n"
        "-- PostgreSQL database dump complete\n"
    )
    database.new_database("beside")
    database.psql("create table standing (n int)", "beside")
    assert BIN is not None
    load = ("load-postgresql", dump, "beside", f"{BIN.parent.name}/{database.folder}:54991")
    left = "select string_agg(datname, ' ') from pg_database where datname like '%pradrill%'"
    with subprocess.Popen(
        ["bash", "-c", sent(load[0]), "bash", *load[1:]],
        env={**os.environ, "PGUSER": LOGIN},
        start_new_session=True,
    ) as process:
        for _ in range(300):
            if database.psql("select count(*) from pg_stat_activity where query ~ '^INSERT'"
                             " and state = 'active'") == "1":  # fmt: skip
                break
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    assert database.psql(left) == "beside_pradrill"
    dump.write_text(dump.read_text().replace("pg_sleep(300)", "pg_sleep(0)"))
    again = call(*load, PGUSER=LOGIN)
    assert (again.returncode, again.stderr) == (0, "")
    assert database.psql(left) == ""
    database.psql("drop database beside")


@pytest.mark.parametrize("suffix", [".gz", ".zst"])
@harms
def test_a_damaged_packed_plain_dump_ends_badly(
    database: Server, tmp_path: Path, suffix: str, harm: Harm
) -> None:
    """Plain SQL is packed by the backup job: the packing's own checksum tells."""
    plain = restorable(database, "p", tmp_path)
    dump = tmp_path / f"packed.sql{suffix}"
    dump.write_bytes(PACKED[f".sql{suffix}"](plain.read_bytes()))
    assert load_postgresql(database, dump).returncode == 0
    harm(dump)
    assert ended_badly(result := load_postgresql(database, dump)), result


@pytest.mark.parametrize("shelf", ["pgbackrest"], indirect=True)
@pytest.mark.parametrize("how", ["sound", "cut", "flip", "wrong password"])
def test_pgbackrest_restores_no_damage(shelf: PgBackRestShelf, cluster: Cluster, how: str) -> None:
    """Its restore compares each file with the manifest: a changed one ends it with its name."""
    shelf.stock()
    if how in {"cut", "flip"}:
        getattr(shelf, how)()
    key = "another one" if how == "wrong password" else "correct horse"
    data = shelf.folder / "data"
    data.mkdir()
    result = subprocess.run(
        ["pgbackrest", f"--config={os.devnull}", "--stanza=moodle", f"--pg1-path={data}",
         f"--repo1-path={shelf.folder}/repo", "--repo1-cipher-type=aes-256-cbc",
         f"--lock-path={shelf.folder}/lock", "--log-level-file=off", "--job-retry=0", "restore",
         f"--set={cluster.labels[-1]}"],
        env={**os.environ, "PGBACKREST_REPO1_CIPHER_PASS": key},
        capture_output=True, text=True, errors="replace", check=False, timeout=120,
    )  # fmt: skip
    output = result.stdout + result.stderr
    assert (result.returncode == 0) is (how == "sound"), output
    if how != "sound":
        assert "ERROR" in output or result.returncode < 0, output  # 2.45 dies over a wrong password


def given_out(shelf: BarmanShelf, cluster: Cluster, *options: str) -> Path:
    """Let Barman restore its newest backup; return the folder with the data."""
    (shelf.folder / "run").mkdir()
    shutil.chown(shelf.folder / "run", LOGIN)
    data, tool = shelf.folder / "run/data", ("barman", "-q", "-c", f"{shelf.folder}/barman.conf")
    cluster.run(*tool, "recover", *options, "moodle", shelf.ids[-1], str(data))
    return data


@pytest.mark.parametrize("shelf", ["barman"], indirect=True)
@pytest.mark.parametrize("how", ["sound", *HARMS])
def test_what_barman_gives_out_damaged_does_not_pass(
    shelf: BarmanShelf, cluster: Cluster, how: str
) -> None:
    """Barman copies a rotten file as it is; what the shipped checks ask of the server finds it."""
    shelf.stock()
    if how != "sound":
        backup = shelf.folder / "home/moodle/base" / shelf.ids[-1]
        HARMS[how](backup / "data" / cluster.table)
    data = given_out(shelf, cluster)
    with (data / "postgresql.conf").open("a") as settings:
        settings.write(f"archive_mode=off\nunix_socket_directories='{shelf.folder}/run'\n")
    control = (f"{BIN}/pg_ctl", "-D", str(data), "-l", f"{shelf.folder}/run/log", "-w")
    reach = ("-h", f"{shelf.folder}/run", "-p", "54991")
    cluster.run(*control, "start", check=how == "sound")
    count = ("psql", *reach, "-XAtc", "select count(*) from later", "postgres")
    try:
        output = cluster.run(f"{BIN}/pg_amcheck", *reach, "--install-missing", "--heapallindexed",
                           "postgres", check=how == "sound")  # fmt: skip
        rows = cluster.run(*count, check=how == "sound").strip()
    finally:
        cluster.run(*control, "-m", "immediate", "stop", check=False)
    log = (shelf.folder / "run/log").read_text()
    fine = rows == "5000" and not re.search("ERROR|PANIC", output + log)
    assert fine is (how == "sound"), f"{rows} rows; {output} {log}"


@pytest.mark.parametrize("shelf", ["barman"], indirect=True)
def test_a_barman_backup_with_missing_pages_is_refused_before_it_starts(
    shelf: BarmanShelf, cluster: Cluster
) -> None:
    """PostgreSQL starts on a system table without its last page; the manifest knows its length."""
    shelf.stock()
    data = given_out(shelf, cluster, "--target-time", "2099-01-01 00:00:00+00")
    assert BIN is not None
    compare = ("compare-postgresql", BIN.parent.name, "main", data)
    assert (result := call(*compare)).returncode == 0, result
    system = data / Path(cluster.table).parent / "1249"  # pg_attribute
    os.truncate(system, system.stat().st_size - 8192)
    assert ended_badly(call(*compare), f'"{system.relative_to(data)}" has size')
    system.unlink()
    assert ended_badly(call(*compare), f'"{system.relative_to(data)}" is present in the manifest')
