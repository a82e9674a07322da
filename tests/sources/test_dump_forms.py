"""Forms of dumps in the hands of both sides: the catalogue never says more than the restore does.

What is sound is loaded whole, what is damaged is refused, and what is refused leaves the database
as it was: the three hold for each form, however it is packed and wherever it is cut.
"""

# ruff: noqa: S608 the statements are texts

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.sources.conftest import BIN, LOGIN, Server, mostly_nightly, run
from tests.sources.databases import database, mariadb
from tests.sources.test_bad_restores import SCRIPTS, Saying, call, sent
from tests.sources.test_dumps import checked, only, source, zstd

from pradrill.domain.run.backup_integrity import Soundness
from pradrill.errors import NotReadyError

__all__ = ["database", "mariadb"]
NAME = "moodle-20260310-010000"
Form = Callable[[bytes], bytes]


def ask(socket: Path, sql: str) -> str:
    """Ask the private MariaDB."""
    return run(["mariadb", f"--socket={socket}", "-uroot", "-NBe", sql], env={})


@pytest.fixture(scope="module")
def shop(mariadb: Path) -> Iterator[Path]:
    """Return the socket of a MariaDB with a small database of every sort of thing."""
    sql = (
        "create or replace database shop; use shop; set foreign_key_checks = 1;"
        "create table t (n int primary key, x varchar(60), b varbinary(9), key (x));"
        "insert into t select seq, concat('row; ', seq, '\\'\\n-- x'), unhex('00ff0a27')"
        " from seq_1_to_300;"
        "create table under (n int primary key, foreign key (n) references t (n));"
        "insert into under values (1), (2);"
    )
    ask(mariadb, sql)
    (mariadb.parent / ".my.cnf").write_text(f"[client]\nsocket={mariadb}\nuser=root\n")
    yield mariadb
    ask(mariadb, "drop database shop")


def dump(socket: Path, *options: str, name: str = "shop") -> bytes:
    """Dump the small database with the real mariadb-dump."""
    words = ["mariadb-dump", f"--socket={socket}", "-uroot", *options, name]
    return subprocess.run(words, capture_output=True, check=True).stdout


def load(socket: Path, path: Path, *, standing: bool = True) -> Saying:
    """Load a dump over a table that stands there, or into an empty database."""
    ask(socket, "set foreign_key_checks = 0; create or replace database copy")
    if standing:
        ask(
            socket,
            "use copy; create table above (n int primary key); create table standing (n int primary"
            " key, foreign key (n) references above (n)); insert into above values (7);"
            " insert into standing values (7)",
        )
    return call("load-mariadb", path, "copy", HOME=str(socket.parent))


def tables(socket: Path) -> list[str]:
    """Return what the copy holds, and that no other database is left."""
    assert "pradrill" not in ask(socket, "show databases")
    return ask(socket, "show tables in copy").split()


STATE = (
    "select count(*), sum(n), max(x), hex(max(b)) from copy.t"
    " union all select count(*), 0, 0, 0 from copy.under"
)
WHOLE = STATE.replace("copy.", "shop.")

OPTIONS: dict[str, tuple[str, ...]] = {
    "plain": (),
    "--skip-comments": ("--skip-comments",),
    "--compact": ("--compact",),
    "--hex-blob --skip-extended-insert": ("--hex-blob", "--skip-extended-insert"),
    "--single-transaction --routines --events --triggers": (
        "--single-transaction", "--routines", "--events", "--triggers"),
    "--gtid --skip-dump-date": ("--gtid", "--skip-dump-date", "--single-transaction"),
    "--opt --complete-insert --no-autocommit": ("--complete-insert", "--no-autocommit"),
    "--skip-opt": ("--skip-opt",),
    "--order-by-primary --skip-add-locks": ("--order-by-primary", "--skip-add-locks"),
}  # fmt: skip
MARKS = {"--skip-comments", "--compact"}
"""Forms that nothing ends."""

PACKS: dict[str, Form] = {
    "as it is": bytes,
    "gzip": gzip.compress,
    "gzip, members": lambda text: gzip.compress(text[:999]) + gzip.compress(text[999:]),
    "xz, streams": lambda text: lzma.compress(text[:999]) + bytes(4) + lzma.compress(text[999:]),
    "zstd, frames": lambda text: zstd(text[:999]) + zstd(text[999:]),
    "bzip2": bz2.compress,
    "CRLF": lambda text: gzip.compress(text.replace(b"\n", b"\r\n")),
    "BOM": lambda text: gzip.compress(b"\xef\xbb\xbf" + text),
}


def both(
    socket: Path, folder: Path, content: bytes, *, standing: bool = True
) -> tuple[str, Saying]:
    """Return what the catalogue and the restore say of a file, which must fit each other."""
    path = folder / NAME
    path.write_bytes(content)
    its = checked(source(folder, ""))
    result = load(socket, path, standing=standing)
    if its.soundness is Soundness.SOUND:
        assert result.returncode == 0, (its, result)
    if its.soundness is Soundness.DAMAGED:
        assert result.returncode != 0, its
    if result.returncode == 0:
        assert tables(socket)
        assert "standing" not in tables(socket)
    else:
        assert result.stderr.strip(), "a reason"
        assert tables(socket) == ["above", "standing"] * standing, result
    return its.soundness, result


@pytest.mark.parametrize("title", mostly_nightly(OPTIONS, "plain"))
def test_what_mariadb_dump_writes_is_loaded_in_each_form(
    shop: Path, tmp_path: Path, title: str
) -> None:
    """With any options that change its ends: whole in the place of what stood there."""
    text = dump(shop, *OPTIONS[title])
    marked = title not in MARKS
    soundness, result = both(shop, tmp_path, gzip.compress(text))
    assert (result.returncode, soundness == "sound") == (0, marked), result
    assert ask(shop, STATE) == ask(shop, WHOLE)
    assert both(shop, tmp_path, text)[0] == "unproven"


def test_a_dump_without_a_header_is_loaded_as_it_was_read(shop: Path, tmp_path: Path) -> None:
    """Of --compact: its times are UTC, a zero is no next number, a generated column is computed."""
    ask(
        shop,
        "create or replace database bare; use bare; set time_zone = '+00:00';"
        "set sql_mode = 'NO_AUTO_VALUE_ON_ZERO'; create table b (n int auto_increment primary key,"
        " at timestamp, m int default 3, twice int generated always as (m * 2) stored);"
        "create table a (n int, foreign key (n) references b (n));"
        "insert into b (n, at) values (0, '2026-11-30 22:00:00'), (1, '2026-03-29 02:30:00');"
        "insert into a values (0)",
    )
    path = tmp_path / NAME
    path.write_bytes(dump(shop, "--compact", name="bare"))
    state = "set time_zone = '+00:00'; select * from {0}.b; select * from {0}.a"
    zone = ask(shop, "select @@global.time_zone").strip()
    try:
        ask(shop, "set global time_zone = '+02:00'")
        result = load(shop, path)
    finally:
        ask(shop, f"set global time_zone = '{zone}'")
    assert (result.returncode, "taken for UTC" in result.stderr) == (0, True), result
    assert ask(shop, state.format("copy")) == ask(shop, state.format("bare"))
    path.write_bytes(dump(shop, name="bare"))
    assert (load(shop, path).stderr, tables(shop)) == ("", ["a", "b"])
    ask(shop, "drop database bare")


@pytest.mark.parametrize("title", mostly_nightly(PACKS, "xz, streams"))
def test_a_packing_is_read_on_both_sides(shop: Path, tmp_path: Path, title: str) -> None:
    """Members, streams and frames one behind the other are one dump; cut between them it is cut."""
    content = PACKS[title](dump(shop))
    soundness, result = both(shop, tmp_path, content)
    assert result.returncode == 0, result
    assert soundness == ("unproven" if title == "as it is" else "sound")
    assert ask(shop, STATE) == ask(shop, WHOLE)


PLACES = (0.02, 0.3, 0.6, 0.95)


@pytest.mark.parametrize("title", mostly_nightly(PACKS, "gzip, members"))
def test_a_cut_dump_is_sound_nowhere_and_leaves_what_stood_there(
    shop: Path, tmp_path: Path, title: str
) -> None:
    """Wherever it ends, also between two members, both sides refuse it."""
    content = PACKS[title](dump(shop))
    places = {int(len(content) * part) for part in PLACES} | {0, len(content) - 42}
    if "members" in title:
        places.add(len(gzip.compress(dump(shop)[:999])))
    for place in sorted(places):
        soundness, result = both(shop, tmp_path, content[:place])
        assert (soundness, result.returncode == 0) == ("damaged", False), place


def pump(text: bytes) -> bytes:
    """Return a dump with the ends that mysqlpump of MySQL 5.7 writes."""
    begin = b"-- Dump created by MySQL pump utility, version: 5.7.44, linux-glibc2.12 (x86_64)\n"
    return (
        begin + b"-- Dump start time: Tue Mar 10 01:00:00 2026\n-- Server version: 5.7.44\n\n"
        + text + b"-- Dump end time: Tue Mar 10 01:00:09 2026\n"
    )  # fmt: skip


def mysql(text: bytes) -> bytes:
    """Return a dump with the ends that mysqldump of MySQL 8.0 writes."""
    begin = (
        b"-- MySQL dump 10.13  Distrib 8.0.41, for Linux (x86_64)\n--\n"
        b"-- Host: localhost    Database: shop\n"
        b"-- ------------------------------------------------------\n-- Server version\t8.0.41\n\n"
        b"/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;\n"
        b"/*!50503 SET NAMES utf8mb4 */;\n"
    )
    return begin + text + b"\n-- Dump completed on 2026-03-10  1:00:09\n"


PHPMYADMIN = (
    b"-- phpMyAdmin SQL Dump\n-- version 5.2.1\n\nSET AUTOCOMMIT = 0;\nSTART TRANSACTION;\n"
)
ADMINER = b"-- Adminer 4.8.1 MySQL 10.11.6-MariaDB dump\n\nSET NAMES utf8;\n\n"
HEIDI = b"-- Host:                         127.0.0.1\n-- HeidiSQL Version:             12.3.0\n\n"

OTHERS: dict[str, tuple[Form, str, int]] = {
    "mysqldump 8": (mysql, "sound", 0),
    "mysqlpump": (pump, "sound", 0),
    "phpMyAdmin": (lambda text: PHPMYADMIN + text + b"COMMIT;\n", "unproven", 0),
    "Adminer": (lambda text: ADMINER + text + b"-- 2026-03-10 01:00:09\n", "unproven", 0),
    "Adminer, with its database": (
        lambda text: ADMINER + b"CREATE DATABASE `copy` COLLATE utf8mb4_bin;\nUSE `copy`;" + text,
        "unproven", 0),
    "HeidiSQL": (lambda text: HEIDI + text, "unproven", 0),
    "mysqldump 8, cut": (lambda text: mysql(text)[:-60], "damaged", 1),
    "mysqlpump, cut": (lambda text: pump(text)[:-60], "damaged", 1),
    "words behind its end": (lambda text: mysql(text) + b"\n\n", "sound", 0),
    "statements behind its end": (
        lambda text: mysql(text) + b"CREATE TABLE more (n int);\n", "unproven", 0),
    "garbage behind its end": (lambda text: mysql(text) + b"garbage\n" * 999, "unproven", 1),
    "a wrong statement in the middle": (
        lambda text: mysql(text + b"INSERT INTO nowhere VALUES (1);\n" + text), "sound", 1),
    "zeros in the middle": (lambda text: mysql(text + bytes(4096)), "damaged", 1),
    "zeros behind its end": (lambda text: mysql(text) + bytes(9000), "damaged", 1),
    "UTF-16": (lambda text: text.decode("latin-1").encode("utf-16"), "unproven", 1),
    "XML": (lambda _: b'<?xml version="1.0"?>\n<mysqldump></mysqldump>\n', "unproven", 1),
    "nothing": (lambda _: b"", "damaged", 1),
    "comments alone": (lambda _: mysql(b""), "sound", 1),
    "ended with an error": (
        lambda text: mysql(text)[:-42] + b"mysqldump: Error 2013: Lost connection\n", "damaged", 1),
}  # fmt: skip


BY_DAY = (
    "Adminer, with its database", "mysqlpump", "statements behind its end", "nothing",
    "a wrong statement in the middle",
    "zeros behind its end", "comments alone",
)  # fmt: skip


@pytest.mark.parametrize("title", mostly_nightly(OTHERS, *BY_DAY))
def test_what_others_write_is_judged_alike_on_both_sides(
    shop: Path, tmp_path: Path, title: str
) -> None:
    """Other makers' dumps, and what is wrong with one: each side's answer."""
    form, soundness, code = OTHERS[title]
    path = tmp_path / NAME
    path.write_bytes(gzip.compress(form(dump(shop, "--compact"))))
    its = checked(source(tmp_path, ""))
    assert its.soundness == soundness, its
    for standing in (True, False):
        result = load(shop, path, standing=standing)
        assert result.returncode == code, result
        assert bool(result.stderr) is (code != 0), result
        left = tables(shop)
        assert left == ["above", "standing"] * standing if code else "standing" not in left
        if code == 0:
            assert ask(shop, STATE) == ask(shop, WHOLE)


@pytest.mark.nightly
def test_a_dump_with_programs_takes_the_place_of_what_stood_there(
    shop: Path, tmp_path: Path
) -> None:
    """Views, triggers, routines and events are loaded as they were, and the trial goes."""
    ask(
        shop,
        "create or replace database programs; use programs; create table a (n int);"
        "create table log (n int); create view v as select n + 1 m from a;"
        "create trigger tr after insert on a for each row insert into log values (new.n);"
        "create procedure p() insert into a values (9);"
        "create event e on schedule every 1 day do delete from a; insert into a values (1)",
    )
    path = tmp_path / NAME
    path.write_bytes(dump(shop, "--routines", "--events", "--triggers", name="programs"))
    result = load(shop, path)
    assert result.returncode == 0, result
    assert tables(shop) == ["a", "log", "v"]
    ask(shop, "use copy; call p()")
    assert ask(shop, "select m from copy.v; select n from copy.log").split() == [
        "2",
        "10",
        "1",
        "9",
    ]
    assert (
        ask(shop, "select count(*) from information_schema.events where event_schema = 'copy'")
        == "1\n"
    )
    ask(shop, "drop database programs")


def test_a_dump_that_names_its_database_is_read_to_its_end_first(
    shop: Path, tmp_path: Path
) -> None:
    """It cannot be tried beside: cut it leaves what stands there, refused it says what is gone."""
    text = dump(shop, "--databases").replace(b"`shop`", b"`copy`")
    path = tmp_path / NAME
    path.write_bytes(text)
    assert load(shop, path).returncode == 0
    assert ask(shop, STATE) == ask(shop, WHOLE)
    path.write_bytes(text[: len(text) // 2])
    assert "cut short" in load(shop, path).stderr
    assert tables(shop) == ["above", "standing"]
    path.write_bytes(
        text.replace(b"CREATE TABLE `t`", b"INSERT INTO nowhere VALUES (1); CREATE TABLE `t`")
    )
    result = load(shop, path)
    assert result.stderr.splitlines()[-1] == "what the database held is gone", result
    assert tables(shop) == []


def test_a_reader_that_dies_leaves_no_half_and_runs_no_half_statement(
    shop: Path, tmp_path: Path
) -> None:
    """The client would take the beginning of a statement for all of it, were it not told."""
    ask(shop, "create or replace database elsewhere; create table elsewhere.t as select 1 n")
    ask(shop, "create or replace database copy")
    path, stub = tmp_path / NAME, tmp_path / "tools/python3"
    path.write_bytes(dump(shop))
    stub.parent.mkdir()
    stub.write_text(
        '#!/bin/sh\nfor how; do :; done\n[ "$how" = yes ] || exec /usr/bin/python3 "$@"\n'
        "cat > /dev/null\nprintf 'CREATE TABLE t (n int);\\nDELETE FROM elsewhere.t\\n'\n"
        "kill -9 $$\n"
    )
    stub.chmod(0o755)
    its = {"HOME": str(shop.parent), "PATH": f"{stub.parent}:{os.environ['PATH']}"}
    result = call("load-mariadb", path, "copy", **its)
    assert result.returncode != 0
    assert "what reads the dump was ended" in result.stderr, result
    assert tables(shop) == []
    assert ask(shop, "select * from elsewhere.t") == "1\n"
    ask(shop, "drop database elsewhere")


TERMINATING = """#!/bin/sh
[ $# = 0 ] || exec /usr/bin/mariadb "$@"
read -r first
case $first in
  RENAME*) echo "$first" | /usr/bin/mariadb; kill -TERM $PPID; sleep 1 ;;
  *) { echo "$first"; cat; } | /usr/bin/mariadb ;;
esac
"""


def test_what_a_load_that_was_killed_has_left_is_gone_after_the_next(
    shop: Path, tmp_path: Path
) -> None:
    """The trial beside goes also where the database is empty; one that is ended empties both."""
    path, stub = tmp_path / NAME, tmp_path / "tools/mariadb"
    path.write_bytes(dump(shop))
    ask(shop, "create or replace database copy_pradrill; create table copy_pradrill.t (n int)")
    assert load(shop, path, standing=False).returncode == 0
    assert tables(shop) == ["t", "under"]
    stub.parent.mkdir()
    stub.write_text(TERMINATING)
    stub.chmod(0o755)
    its = {"HOME": str(shop.parent), "PATH": f"{stub.parent}:{os.environ['PATH']}"}
    assert call("load-mariadb", path, "copy", **its).returncode != 0
    assert tables(shop) == []


REPLICATION = {
    "CHANGE MASTER": "CHANGE MASTER TO MASTER_LOG_FILE='mysql-bin.000123', MASTER_LOG_POS=456;\n",
    "CHANGE REPLICATION SOURCE": "CHANGE REPLICATION SOURCE TO SOURCE_LOG_POS=456;\n",
    "SET @@GLOBAL.GTID_PURGED": "SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'f1:1-77';\n",
    "STOP ALL SLAVES, CHANGE MASTER, SET GLOBAL GTID_SLAVE_POS, START SLAVE": (
        "STOP ALL SLAVES;\nCHANGE MASTER TO MASTER_USE_GTID=slave_pos;\n"
        "SET GLOBAL gtid_slave_pos='0-1-123';\nSTART SLAVE;\n"
    ),
}


@pytest.mark.parametrize("names", mostly_nightly(REPLICATION, list(REPLICATION)[-1]))
def test_where_productions_log_stood_is_left_out_of_the_load(
    shop: Path, tmp_path: Path, names: str
) -> None:
    """As --master-data=1 writes it: the data is loaded, the standby replicates from nobody."""
    path = tmp_path / NAME
    row = b"INSERT INTO `t` VALUES (9999,'\nCHANGE MASTER TO x;\n','');\n"
    head, table = dump(shop).split(b"DROP TABLE", 1)
    tables = b"DROP TABLE" + table.replace(b"UNLOCK TABLES;\n", row + b"UNLOCK TABLES;\n", 1)
    path.write_bytes(head + REPLICATION[names].encode() + tables)
    result = load(shop, path)
    assert (result.returncode, result.stderr) == (
        0, f"left out, as the standby replicates from nobody: {names}\n")  # fmt: skip
    assert ask(shop, "select x from copy.t where n = 9999") == "\\nCHANGE MASTER TO x;\\n\n"
    assert ask(shop, "show all slaves status; select @@gtid_slave_pos").strip() == ""


def programs(shop: Path, definer: str) -> bytes:
    """Dump a database whose views, trigger and routine run as an account that then goes."""
    ask(
        shop,
        f"create or replace database programs; use programs; create user if not exists {definer};"
        f"grant all on programs.* to {definer}; create table a (n int); create table log (n int);"
        f"create definer={definer} function f() returns int return 7;"
        f"create definer={definer} view v as select n, f() q from a;"
        f"create definer={definer} view w as select * from v; insert into a values (1);"
        f"create definer={definer} trigger tr after insert on a for each row"
        " insert into log values (new.n)",
    )
    output = dump(shop, "--routines", "--triggers", name="programs")
    ask(shop, f"drop user {definer}; drop database programs")
    return output


def test_a_definer_that_is_not_here_is_made_so_that_what_it_defines_works(
    shop: Path, tmp_path: Path
) -> None:
    """Nobody logs in as it, it is told, and its mark leads the teardown to it."""
    path = tmp_path / NAME
    path.write_bytes(programs(shop, "app@'10.%'"))
    result = load(shop, path)
    assert result.returncode == 0, result
    assert result.stderr.startswith("made for what it defines: the account app@10.%, which was not")
    assert result.stderr.count("\n") == 1
    assert tables(shop) == ["a", "log", "v", "w"]
    ask(shop, "insert into copy.a values (3)")
    assert ask(shop, "select * from copy.w; select * from copy.log").split() == [
        "1", "7", "3", "7", "3"]  # fmt: skip
    grants = ask(shop, "show grants for app@'10.%'")
    assert "GRANT ALL PRIVILEGES ON `copy`.* TO `app`@`10.%`" in grants
    assert "ACCOUNT LOCK" in ask(shop, "show create user app@'10.%'")
    assert "pradrill_load" not in ask(shop, "select user from mysql.global_priv")
    remove(shop)


def remove(shop: Path) -> None:
    """Remove what a load has made, as the teardowns do, twice, and find nothing of it."""
    for _ in range(2):
        result = call("remove-mariadb", "copy", HOME=str(shop.parent))
        assert (result.returncode, result.stderr) == (0, ""), result
        accounts = ask(shop, "select user, host from mysql.global_priv").split()
        assert not {"app", "copy_pradrill"} & {*accounts}
        assert not any(each.startswith("pradrill_load") for each in accounts)
        left = "select user from mysql.roles_mapping; select user from mysql.db; show databases"
        assert not re.search("app|copy", ask(shop, left))


def folders(shop: Path) -> list[Path]:
    """Return what loads into this server have now beside it."""
    place = ask(shop, "select @@datadir").encode()
    sums = subprocess.run(["cksum"], input=place, capture_output=True, check=True).stdout
    pattern = f"pradrill_load_*-{sums.decode().split()[0]}"
    return [each for run in ("/run", "/tmp") for each in Path(run).glob(pattern)]


KILLED = """#!/bin/sh
[ $# = 3 ] || exec {real} "$@"
words=$(cat)
case $words in
  *"{last}"*) printf '%s' "$words" | sed '/{last}/q' | {real} "$@"; kill -KILL $(cat {pid}) $PPID ;;
  *) printf '%s' "$words" | {real} "$@" ;;
esac
"""


@pytest.mark.parametrize("last", ["INSERT IGNORE", "FLUSH"])
def test_accounts_of_a_load_that_was_killed_between_are_removed(
    shop: Path, tmp_path: Path, last: str
) -> None:
    """Each is made with its mark: wherever the kill came, the teardown finds it and its folder."""
    path, stub, pid = tmp_path / NAME, tmp_path / "tools/mariadb", tmp_path / "pid"
    path.write_bytes(programs(shop, "app@'10.%'"))
    ask(shop, "create or replace database copy")
    stub.parent.mkdir()
    real = shutil.which("mariadb")
    stub.write_text(KILLED.format(real=real, last=last, pid=pid))
    stub.chmod(0o755)
    script = f"echo $$ > {pid}\n{sent('load-mariadb')}"
    result = subprocess.run(
        ["bash", "-s", "--", path, "copy"],
        input=script.encode(),
        env={**os.environ, "HOME": str(shop.parent), "PATH": f"{stub.parent}:{os.environ['PATH']}"},
        capture_output=True,
        check=False,
    )
    assert result.returncode == -signal.SIGKILL, result
    accounts = ask(shop, "select user from mysql.global_priv").split()
    assert "app" in accounts
    (account,) = (each for each in accounts if each.startswith("pradrill_load"))
    (folder,) = folders(shop)
    assert (folder.name.startswith(account), folder.stat().st_mode & 0o777) == (True, 0o700)
    assert (folder / ".my.cnf").read_text("utf-8").count("password") == 1  # the load's own
    remove(shop)
    assert not folders(shop)


ENDLESS = "CREATE TABLE `t` (`n` int);\nINSERT INTO `t` VALUES (benchmark(4000000000,md5(1)));\n"


@contextmanager
def sudden_end(
    script: str, words: list[str], at: Callable[[], object], **its: str
) -> Iterator[None]:
    """Run a loader until something is so, and kill it as no process is asked."""
    process = subprocess.Popen(
        ["bash", "-s", "--", *words], stdin=subprocess.PIPE, env={**os.environ, **its},
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    assert process.stdin
    with suppress(BrokenPipeError):
        process.stdin.write(sent(script).encode())
        process.stdin.close()
    try:
        for _ in range(300):
            if at():
                break
            time.sleep(0.1)
        assert at()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    yield


@pytest.mark.nightly
def test_what_the_server_still_does_for_a_killed_load_keeps_no_teardown(
    shop: Path, tmp_path: Path
) -> None:
    """A statement without an end would keep its table; another client's in the database goes on."""
    (tmp_path / NAME).write_text(ENDLESS)
    ask(shop, "create or replace database copy")
    running = "select count(*) from information_schema.processlist where info like 'INSERT%bench%'"
    words, home = [str(tmp_path / NAME), "copy"], str(shop.parent)
    client = ["mariadb", f"--socket={shop}", "-uroot", "-NBe", "select sleep(5)", "copy"]
    with sudden_end("load-mariadb", words, lambda: ask(shop, running) == "1\n", HOME=home):
        other = subprocess.Popen(client, stdout=subprocess.PIPE, text=True)
        time.sleep(0.5)
        start = time.monotonic()
        remove(shop)
        assert time.monotonic() - start < 60
        assert ask(shop, running) == "0\n"
        assert (other.communicate()[0], other.returncode) == ("0\n", 0)


@pytest.mark.nightly
def test_of_roots_connections_a_teardown_ends_those_of_the_load_alone(
    shop: Path, tmp_path: Path
) -> None:
    """Its client's and its myloader's hold a lock that tells them; another client's goes on."""
    ask(shop, "set global log_output='TABLE'; set global general_log=1")
    ask(shop, "create or replace database copy")
    loads, has_myloader = [tmp_path / NAME], shutil.which("myloader") is not None
    loads[0].write_text("CREATE TABLE `t` (`n` int);\nCREATE VIEW `v` AS SELECT 1 `n`;\n")
    if has_myloader:
        loads.append(tmp_path / "folder")
        loads[1].mkdir()
        (loads[1] / "metadata").write_text("Finished dump at: 2026-03-10 01:00:09\n")
        (loads[1] / "shop.t-schema.sql").write_text("CREATE TABLE `t` (`n` int);\n")
    for each, at_least in zip(loads, (1, 2), strict=False):
        ask(shop, "truncate mysql.general_log")
        result = call("load-mariadb", each, "copy", HOME=str(shop.parent))
        assert result.returncode == 0, result
        marked = "select argument from mysql.general_log where argument like 'DO GET_LOCK%'"
        marks = ask(shop, f"{marked} and user_host like 'root%'").splitlines()
        assert len(marks) >= at_least, each
    ask(shop, "set global general_log=0")

    client = ["mariadb", f"--socket={shop}", "-uroot", "-NBe", "select sleep(4)", "copy"]
    with (
        subprocess.Popen(client, stdout=subprocess.PIPE) as other,
        subprocess.Popen([*client, f"--init-command={marks[0]}"], stderr=subprocess.PIPE) as its,
    ):
        time.sleep(0.5)
        remove(shop)
        assert (other.wait(), its.wait()) == (0, 1)


def test_a_killed_load_of_postgresqls_leaves_nothing_behind_its_teardown(
    database: Server, tmp_path: Path
) -> None:
    """What its tools said may hold rows: it lies where the teardown and the next load remove it."""
    os.mkfifo(tmp_path / "endless.sql")
    cluster, its = f"15/{database.folder}:54991", {"PGUSER": LOGIN}
    key = subprocess.run(
        ["cksum"], input=f"{cluster} copy_pradrill\n".encode(), capture_output=True, check=True
    ).stdout.split()[0]
    parent = next(each for each in ("/run/postgresql", "/tmp") if os.access(each, os.W_OK))
    folder = Path(parent) / f"pradrill_load_{key.decode()}"
    words = [str(tmp_path / "endless.sql"), "copy", cluster]
    with sudden_end("load-postgresql", words, folder.exists, **its):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert parent == "/tmp" or not Path(parent).stat().st_mode & 0o002
        teardown = (SCRIPTS.parent / "teardown_postgresql.yml").read_text("utf-8")
        (script,) = re.findall(r"(?s)\n( *load=.*?)rm -rf", teardown)
        (place,) = re.findall(r"/run/postgresql/pradrill_load_.*", teardown)
        for name, value in (
            ("version", "15"), ("postgresql_cluster", cluster[3:]), ("database[:50]", "copy"),
        ):  # fmt: skip
            script = script.replace(f"{{{{ {name} }}}}", value)
        script = re.sub("(?m)^ +", "", script)
        subprocess.run(["sh", "-euc", f"{script}rm -rf {place}"], check=True)
        assert not folder.exists()


@pytest.mark.nightly
def test_a_dump_that_names_its_database_says_why_it_was_not_loaded(
    shop: Path, tmp_path: Path
) -> None:
    """It is begun beside what stands there, and then anew: the reason is the second one's."""
    (tmp_path / NAME).write_text(
        "USE `copy`;\nCREATE TABLE `t` (`n` int);\nINSERT INTO `u` VALUES (1);\n"
    )
    result = load(shop, tmp_path / NAME)
    assert "ERROR 1146" in result.stderr
    assert "what the database held is gone" in result.stderr


@pytest.mark.parametrize("shipped", ["mariadb", "wordpress"])
def test_the_teardowns_remove_what_a_load_has_made(shipped: str) -> None:
    """By the one script; Moodle's database is torn down by MariaDB's."""
    teardown = (SCRIPTS.parent / f"teardown_{shipped}.yml").read_text("utf-8")
    assert "lookup('file', 'remove-mariadb')" in teardown


def test_two_databases_are_loaded_side_by_side(shop: Path, tmp_path: Path) -> None:
    """Each as an account of its own; what both define with is made once, with rights on both."""
    text, paths = programs(shop, "app@'10.%'"), {}
    for name in ("copy", "copy2"):
        ask(shop, f"create or replace database {name}")
        paths[name] = tmp_path / name
        paths[name].write_bytes(text)
    with ThreadPoolExecutor(2) as loads:
        results = loads.map(
            lambda each: call("load-mariadb", paths[each], each, HOME=str(shop.parent)), paths
        )
        assert [each.returncode for each in results] == [0, 0]
    assert ask(shop, "select * from copy.w; select * from copy2.w").split() == ["1", "7", "1", "7"]
    assert call("remove-mariadb", "copy2", HOME=str(shop.parent)).returncode == 0
    assert ask(shop, "select * from copy.w").split() == ["1", "7"]
    assert "copy2" not in ask(shop, "show grants for app@'10.%'")
    remove(shop)


NOT_MADE = "which the dump defines with, is not here and was not made: "
OWN: dict[str, tuple[str, str, str]] = {
    "one in other letters": ("user victim@localhost", "`victim`@`LOCALHOST`", ""),
    "root in other letters": ("user victim@localhost", "`root`@`LOCALHOST`", ""),
    "the standby's own": ("user victim@localhost", "`victim`@`localhost`", ""),
    "one with a blank": ("user victim@localhost", "`victim `@`localhost`", f"{NOT_MADE}its name"),
    "a host with a blank": ("user victim@localhost", "`victim`@`localhost `", f"{NOT_MADE}its"),
    "a name that is cut": ("user victim@localhost", f"`{'v' * 81}`@`x`", f"{NOT_MADE}its name"),
    "one from everywhere": ("user victim@'%'", "`victim`@`localhost`", f"{NOT_MADE}who logs in"),
    "one from the loopback": ("user victim@localhost", "`victim`@`127.0.0.1`", f"{NOT_MADE}who"),
    "a role": ("role victim", "`victim`@`%`", f"{NOT_MADE}a role has its name"),
    "one from here": ("user victim@localhost identified by 'x'", "`victim`@`%`", "made for what"),
    "other letters": ("user victim@localhost", "`zo\u00eb`@`%`", "made for what"),
    "the server's own from elsewhere": ("user victim@localhost", "`mysql`@`10.%`", "made for what"),
}
"""What the standby has, with whom a dump defines, and what is told."""


OWN_BY_DAY = (
    "one in other letters", "a host with a blank", "one from the loopback", "a role",
    "the server's own from elsewhere",
)  # fmt: skip


@pytest.mark.parametrize("title", mostly_nightly(OWN, *OWN_BY_DAY))
def test_accounts_of_the_standbys_own_are_as_before(shop: Path, tmp_path: Path, title: str) -> None:
    """Whatever a dump defines with: after its load, in letters of no language, and its teardown."""
    account, definer, notice = OWN[title]
    rows = "select user, host, priv from mysql.global_priv where priv not like '%pradrill_load%'"
    ask(shop, f"create or replace {account}")
    before = ask(shop, rows)
    path = tmp_path / NAME
    path.write_text(
        "SET NAMES utf8mb4;\nCREATE TABLE t (n int);\nINSERT INTO `t` VALUES (1);\n"
        f"CREATE DEFINER={definer} VIEW v AS SELECT n FROM t;\n"
    )
    ask(shop, "create or replace database copy; create table copy.standing (n int)")
    its = {"HOME": str(shop.parent), "LC_ALL": "C"}
    result = call("load-mariadb", path, "copy", **its)
    assert result.returncode == 0, result
    assert (notice in result.stderr, result.stderr.count("\n")) == (True, bool(notice)), result
    assert ask(shop, rows) == before
    if notice.startswith("made"):
        assert ask(shop, "select * from copy.v") == "1\n"
        locked = "select priv from mysql.global_priv where priv like '%pradrill_load%'"
        assert '"account_locked": true' in ask(shop, locked)
    for _ in range(2):
        assert call("remove-mariadb", "copy", **its).returncode == 0
        assert ask(shop, rows.partition(" where")[0]) == before
    ask(shop, f"drop {account.partition(' identified')[0]}")


NEEDS = {
    "nothing": ("", "USAGE"),
    "a server that is read-only": ("set global read_only = 1", "READ_ONLY ADMIN"),
    "an init_connect": ("set global init_connect = 'select 1'", "CONNECTION ADMIN"),
}


@pytest.mark.parametrize("title", NEEDS)
def test_the_account_that_loads_has_no_right_but_those_that_it_needs(
    shop: Path, tmp_path: Path, title: str
) -> None:
    """On the whole server none, unless it asks for one; on the database none to make code."""
    before, right = NEEDS[title]
    path = tmp_path / NAME
    path.write_text(
        "CREATE TABLE r (x text);\nINSERT INTO r SELECT concat_ws(' ', table_schema,"
        " privilege_type) FROM information_schema.schema_privileges;\nINSERT INTO r SELECT"
        " privilege_type FROM information_schema.user_privileges;\n"
    )
    try:
        if before:
            ask(shop, before)
        result = load(shop, path, standing=False)
    finally:
        ask(shop, "set global read_only = 0; set global init_connect = ''")
    assert result.returncode == 0, result
    rights = {each.replace("copy ", "") for each in ask(shop, "select x from copy.r").splitlines()}
    assert rights == {
        right, "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER", "INDEX",
        "REFERENCES", "LOCK TABLES", "CREATE TEMPORARY TABLES"}  # fmt: skip


_FROM_OUTSIDE = (
    "INSERT INTO t SELECT user FROM mysql.global_priv;",
    "CREATE TABLE u AS SELECT user FROM mysql.global_priv;",
)
_BODIES = (
    "CREATE PROCEDURE p() BEGIN END; CREATE USER evil",
    "CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET @a = 1; CREATE USER evil",
)


def test_no_code_of_a_dump_runs_before_its_rows_are_in(shop: Path, tmp_path: Path) -> None:
    """Whoever its DEFINER is: a trigger that comes before rows is made once they are in."""
    path = tmp_path / NAME
    path.write_text(
        "CREATE TABLE t (n int);\nCREATE DEFINER=root@localhost TRIGGER tr BEFORE INSERT ON t FOR"
        " EACH ROW INSERT INTO mysql.db (user) VALUES ('evil');\n"
        "INSERT INTO t VALUES (1);\nINSERT INTO t VALUES (length(load_file('/etc/hostname')));\n"
    )
    result = load(shop, path)
    rows = ask(shop, "select count(*) from mysql.db where user = 'evil'")
    ask(shop, "delete from mysql.db where user = 'evil'")
    assert (result.returncode, rows) == (0, "0\n"), result
    assert ask(shop, "select * from copy.t").split() == ["1", "NULL"]
    assert "tr" in ask(shop, "show triggers in copy")


@pytest.mark.parametrize("statement", _FROM_OUTSIDE)
def test_a_dump_reads_nothing_of_another_database(
    shop: Path, tmp_path: Path, statement: str
) -> None:
    """Rows are loaded as an account that has rights on the one database."""
    path = tmp_path / NAME
    path.write_text(f"CREATE TABLE t (x text);\n{statement}\n")
    result = load(shop, path)
    assert "ERROR 1142" in result.stderr, result
    assert tables(shop) == ["above", "standing"]


@pytest.mark.parametrize("body", _BODIES)
def test_no_second_statement_comes_along_with_a_routine(
    shop: Path, tmp_path: Path, body: str
) -> None:
    """Between other delimiters the server would take several at once, the second as its root."""
    path = tmp_path / NAME
    path.write_text(f"CREATE TABLE t (n int);\nDELIMITER ;;\n{body} ;;\nDELIMITER ;\n")
    result = load(shop, path)
    accounts = ask(shop, "select count(*) from mysql.global_priv where user = 'evil'")
    ask(shop, "drop user if exists evil")
    assert (result.returncode != 0, accounts) == (True, "0\n"), result


def of_programs(shop: Path, name: str) -> str:
    """Return all that a database is made of, and how what runs in it is read."""
    output = dump(shop, "--routines", "--events", "--triggers", "--skip-dump-date", name=name)
    read = "sql_mode, definer, character_set_client, collation_connection, database_collation"
    query = "".join(
        f"select {what}_name, {read} from information_schema.{what}s"
        f" where {what}_schema = '{name}' order by 1;"
        for what in ("trigger", "routine", "event")
    )
    text = output.decode() + ask(shop, query)
    lines = text.replace(f"`{name}`.", "").splitlines()
    return "\n".join(line for line in lines if not line.startswith("-- "))


def test_what_runs_in_a_database_is_the_same_after_its_restore(shop: Path, tmp_path: Path) -> None:
    """Views, triggers, routines and events, whatever their quotes, letters and modes."""
    sql = r"""create or replace database programs character set latin1; use programs;
set names utf8mb4;
create table a (n int primary key, x varchar(60) character set utf8mb4);
create view w as select * from a;
create sql security invoker view v as select w.n, 'it''s \\ "q" ; é😀' q from w;
set collation_connection = latin1_swedish_ci;
delimiter ;;
create trigger tr after insert on a for each row begin if new.n > 0 then
set @a = 'é 😀 \\ '' ; '; end if; /* c */ -- d
set @b = "a;b"; end;;
create procedure p(in q int) comment 'it''s' begin insert into a values (q, '\n\\'); end;;
create event e on schedule every 1 day starts '2026-01-01' do begin delete from a; end;;
create function f() returns varchar(9) deterministic return concat('a\\', 'é');;
delimiter ;
insert into a values (1, 'DELIMITER ;;');
"""
    # A database's own letters are in no dump of it alone: one that is made has the server's.
    ask(shop, "set global character_set_server = latin1")
    words = ["mariadb", f"--socket={shop}", "-uroot"]
    subprocess.run(words, input=sql.encode(), check=True)
    path = tmp_path / NAME
    path.write_bytes(dump(shop, "--routines", "--events", "--triggers", name="programs"))
    result = load(shop, path)
    assert (result.returncode, result.stderr) == (0, ""), result
    assert of_programs(shop, "copy") == of_programs(shop, "programs")
    ask(shop, "drop database programs")


SETTINGS = {
    "of the log": ("", "SET @@SESSION.SQL_LOG_BIN= 0; SET SESSION binlog_format = 'ROW';"),
    "of a server that is read-only": ("set global read_only = 1", ""),
    "of an init_connect": ("set global init_connect = 'select user from mysql.user'", ""),
    "of a key to another database": (
        "",
        "CREATE TABLE k (n int, FOREIGN KEY (n) REFERENCES shop.t (n)) ENGINE=InnoDB;",
    ),
}


@pytest.mark.parametrize("title", SETTINGS)
def test_what_the_root_of_a_server_could_load_the_account_that_loads_can(
    shop: Path, tmp_path: Path, title: str
) -> None:
    """Where the server or the dump asks for more than rights on the database."""
    setting, statement = SETTINGS[title]
    path = tmp_path / NAME
    path.write_text(f"-- a dump\n{statement}\nCREATE TABLE t (n int);\nINSERT INTO t VALUES (1);\n")
    try:
        if setting:
            ask(shop, setting)
        result = load(shop, path)
    finally:
        ask(shop, "set global read_only = 0; set global init_connect = ''")
    assert (result.returncode, result.stderr) == (0, ""), result
    assert ask(shop, "select * from copy.t; drop table if exists copy.k") == "1\n"


@pytest.mark.parametrize(
    "number", ["nextval(seq)", "NEXTVAL(`copy`.`seq`)", "(next value for seq)"]
)
def test_a_table_that_takes_its_numbers_from_a_sequence_still_does(
    shop: Path, tmp_path: Path, number: str
) -> None:
    """Tables that were renamed would ask the trial's sequence, which is gone; answers stay here."""
    path = tmp_path / NAME
    path.write_text(
        f"CREATE SEQUENCE seq;\nCREATE TABLE t (id int DEFAULT {number}, n int);\n"
        "INSERT INTO t (n) VALUES (7421);\nSELECT SETVAL(seq, 1, 1);\n"
    )
    result = load(shop, path)
    assert (result.returncode, result.stdout) == (0, ""), result
    assert tables(shop) == ["seq", "t"]
    assert ask(shop, "insert into copy.t (n) values (2); select max(id) from copy.t") == "2\n"


@pytest.mark.nightly
def test_tables_that_lie_apart_from_their_rows_are_no_dump(shop: Path, tmp_path: Path) -> None:
    """mariadb-dump --tab writes a table's rows beside it: the tables alone are half a restore."""
    folder = tmp_path / "2026-03-10"
    folder.mkdir()
    folder.chmod(0o777)
    dump(shop, f"--tab={folder}")
    assert checked(source(tmp_path, "", names="%Y-%m-%d")).soundness == "unproven"
    for each in ("under.sql", "under.txt"):
        (folder / each).unlink()
    assert {each.name for each in folder.iterdir()} == {"t.sql", "t.txt"}
    result = load(shop, folder)
    assert result.returncode != 0, result
    assert "--tab" in result.stderr
    assert tables(shop) == ["above", "standing"]


@pytest.mark.nightly
def test_a_folder_of_mysql_shells_is_known_on_both_sides(shop: Path, tmp_path: Path) -> None:
    """Its last file tells that it is whole; nothing here loads it."""
    folder = tmp_path / "2026-03-10"
    folder.mkdir()
    for name in ("@.json", "@.sql", "shop.sql", "shop@t.sql", "shop@t@@0.tsv.zst"):
        (folder / name).write_text("-- MySQLShell dump 2.0.1\n")
    dumps = source(tmp_path, "", names="%Y-%m-%d")
    assert only(dumps).problem == "MySQL Shell did not come to its end: no @.done.json is there"
    (folder / "@.done.json").write_text("{}")
    assert (only(dumps).problem, checked(dumps).soundness) == ("", Soundness.UNPROVEN)
    assert "which MySQL Shell alone loads" in load(shop, folder).stderr
    assert tables(shop) == ["above", "standing"]


# ---------------------------------------------------------------- PostgreSQL


def pg(server: Server, content: bytes, folder: Path) -> tuple[str, Saying]:
    """Return what both sides say of a plain dump, over a table that stands there."""
    path = folder / NAME
    path.write_bytes(content)
    its = checked(source(folder, ""))
    server.new_database("copy")
    server.psql("create table standing (n int)", "copy")
    assert BIN is not None
    version = BIN.parent.name
    result = call("load-postgresql", path, "copy", f"{version}/{server.folder}:54991", PGUSER=LOGIN)
    left = server.psql("select string_agg(relname, ' ') from pg_class where relkind = 'r'"
                       " and relnamespace = 'public'::regnamespace", "copy")  # fmt: skip
    assert "pradrill" not in server.psql("select string_agg(datname, ' ') from pg_database")
    assert left == ("rows" if result.returncode == 0 else "standing"), (its, result)
    return its.soundness, result


PG: dict[str, tuple[Form, str, int]] = {
    "plain": (bytes, "sound", 0),
    "CRLF": (lambda text: text.replace(b"\n", b"\r\n"), "sound", 0),
    "cut": (lambda text: text[: len(text) // 2], "damaged", 1),
    "its last line cut": (lambda text: text.replace(b"dump complete", b""), "damaged", 1),
    "zeros behind its end": (lambda text: text + bytes(9000), "damaged", 1),
    "garbage behind its end": (lambda text: text + b"garbage;\n" * 999, "unproven", 1),
    "comments alone": (
        lambda _: b"-- PostgreSQL database dump\n\n-- PostgreSQL database dump complete\n--\n",
        "sound", 1),
    "nothing": (lambda _: b"", "damaged", 1),
}  # fmt: skip


@pytest.mark.parametrize(
    "title",
    mostly_nightly(PG, "garbage behind its end", "comments alone"),
)
def test_what_pg_dump_writes_is_judged_alike_on_both_sides(
    database: Server,
    tmp_path: Path,
    title: str,
) -> None:
    """What is refused leaves what stood there."""
    form, soundness, code = PG[title]
    words = ("pg_dump", *database.where, "-U", LOGIN, "-t", "rows", "postgres")
    plain = database.run(*words).encode()
    saying, result = pg(database, gzip.compress(form(plain)), tmp_path)
    assert (saying, result.returncode) == (soundness, code), result
    assert bool(result.stderr) is (code != 0)


CLEAN = (
    ("--clean",), ("--clean", "--quote-all-identifiers"), ("--schema=public",), ("--clean", "-Fc"),
    ("--clean", "--schema=public"), ("-Fc", "--schema=public"), ("-Ft", "--schema=public"),
)  # fmt: skip


def test_what_a_dump_removes_first_need_not_be_there(database: Server) -> None:
    """Without --if-exists, too; the schema public is there and is not made."""
    database.psql(
        "create table more (id serial primary key, n int default 3 references more);"
        "create function f(int, text[]) returns int language sql as 'select 1';"
        "create trigger tr before insert on more"
        " execute function suppress_redundant_updates_trigger(); select lo_create(77)"
    )
    try:
        for options in CLEAN:
            words = (
                "pg_dump",
                *database.where,
                "-U",
                LOGIN,
                *options,
                "-f",
                f"{database.folder}/x",
            )
            database.run(*words, "postgres")
            path = database.folder / "x"
            database.new_database("copy")
            assert BIN is not None
            cluster = f"{BIN.parent.name}/{database.folder}:54991"
            result = call("load-postgresql", path, "copy", cluster, PGUSER=LOGIN)
            assert (result.returncode, result.stderr) == (0, ""), options
            assert database.psql(
                "select count(*) from rows, pg_tables where tablename = 'more'", "copy"
            )
            path.unlink()
    finally:
        database.psql("drop table more; drop function f; select lo_unlink(77)")


def test_a_dump_of_a_newer_server_is_told_as_that(database: Server, tmp_path: Path) -> None:
    """What the server does not know is named, and of which version the dump is."""
    text = "-- Dumped from database version 99.1\nSET transaction_timeout_of_99 = 0;\n"
    saying, result = pg(database, f"{text}CREATE TABLE rows (n int);\n".encode(), tmp_path)
    assert saying == "unproven"
    assert (
        'parameter "transaction_timeout_of_99"\nthe dump is of PostgreSQL 99 and' in result.stderr
    )


def test_an_archive_that_this_pg_restore_does_not_read_is_no_damage(
    database: Server,
    tmp_path: Path,
) -> None:
    """One of a newer pg_dump, or packed in a way that this one was built without: unproven."""
    folder = tmp_path / "moodle-20260310-010000"
    words = (
        "pg_dump",
        *database.where,
        "-U",
        LOGIN,
        "-Fd",
        "-f",
        f"{database.folder}/newer",
        "postgres",
    )
    database.run(*words)
    shutil.copytree(database.folder / "newer", folder)
    shutil.rmtree(database.folder / "newer")
    toc = bytearray((folder / "toc.dat").read_bytes())
    toc[6] += 40  # the archive's minor version
    (folder / "toc.dat").write_bytes(toc)
    with pytest.raises(NotReadyError, match=r"does not read: .*unsupported version"):
        checked(source(tmp_path, ""))
