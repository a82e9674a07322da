"""The errors of real databases: their reason leaves the standby, rows and statements do not."""

# ruff: noqa: S608 the statements are there to fail

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.sources.conftest import Server
from tests.sources.databases import database, mariadb  # noqa: F401 fixtures
from tests.sources.test_bad_restores import SCRIPTS, load_mariadb, load_postgresql

import pradrill.adapters.ssh.probe

ROW = "alice@exemple.fr"
RIB = "FR76 3000 6000 0112 3456 7890 189"
_TABLE = "CREATE TABLE t (email varchar(90) PRIMARY KEY, rib varchar(90), n int);\n"

MARIADB = {
    "a row twice": (
        f"INSERT INTO t VALUES ('{ROW}','{RIB}',1);\nINSERT INTO t VALUES ('{ROW}','it''s',1);",
        r"ERROR 1062 \(23000\) at line \d+: Duplicate entry \(not shown\) for key 'PRIMARY'",
    ),
    "no number": (
        f"SET sql_mode='STRICT_ALL_TABLES'; INSERT INTO t VALUES ('a','b','{RIB}');",
        r"ERROR 1366 \(22007\).*Incorrect integer value",
    ),
    "a statement that is none": (
        f"INSERT INTO t VALUES ('{ROW}' '{RIB}' and\n'{ROW}';",
        r"ERROR 1064 \(42000\)",
    ),
    "no table": (
        f"INSERT INTO u VALUES ('{ROW}');",
        r"ERROR 1146 \(42S02\) at line \d+: Table 'copy.u' doesn't exist",
    ),
}
POSTGRESQL = {
    "a row twice": (
        f"COPY t (email, rib, n) FROM stdin;\n{ROW}\t{RIB}\t1\n{ROW}\t{RIB}\t2\n\\.\n",
        r'ERROR:  23505: duplicate key value violates unique constraint "t_pkey"',
    ),
    "no number": (
        f"INSERT INTO t VALUES ('a', 'b', '{RIB}');",
        r"ERROR:  22P02: invalid input syntax for type integer: \(not shown\)",
    ),
    "a row that does not fit": (
        f"COPY t (email, rib, n) FROM stdin;\n{ROW}\t{RIB}\tx{RIB}\n\\.\n",
        r"ERROR:  22P02",
    ),
    "a statement that is none": (f"INSERT INTO t VALUES ('{ROW}' '{RIB}' 1);", r"ERROR:  42601"),
    "no table": (f"INSERT INTO u VALUES ('{ROW}');", r'ERROR:  42P01: relation "u" does not exist'),
    "the database's own words": (
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN "
            f"RAISE EXCEPTION 'no {ROW} here, {RIB}'; END $$;\n"
            "ALTER TABLE t ADD CHECK (f() > 0);\nINSERT INTO t VALUES ('a');"
        ),
        "raises",
    ),
}


def nothing_of_a_row(text: str) -> bool:
    """Tell whether no part of the row that failed stands in it."""
    return not re.search(r"alice|exemple|FR76|3456|INSERT|VALUES|it's|COPY", text)


@pytest.mark.parametrize("wrong", MARIADB)
def test_an_error_of_mariadb_brings_no_row_along(
    mariadb: Path,  # noqa: F811 the fixture
    tmp_path: Path,
    wrong: str,
) -> None:
    """Its number, its state and its reason are told; the row and the statement are not."""
    statement, reason = MARIADB[wrong]
    dump = tmp_path / "night.sql"
    dump.write_text(f"{_TABLE}{statement}\n-- Dump completed\n")
    result = load_mariadb(dump, mariadb)
    assert result.returncode != 0
    assert re.search(reason, result.stderr), result.stderr
    assert nothing_of_a_row(result.stdout + result.stderr), result.stderr


@pytest.mark.parametrize("wrong", POSTGRESQL)
def test_an_error_of_postgresql_brings_no_row_along(
    database: Server,  # noqa: F811 the fixture
    tmp_path: Path,
    wrong: str,
) -> None:
    """DETAIL, CONTEXT and LINE are left on the standby."""
    statement, reason = POSTGRESQL[wrong]
    dump = tmp_path / "night.sql"
    dump.write_text(f"{_TABLE}{statement}\n-- PostgreSQL database dump complete\n")
    result = load_postgresql(database, dump)
    assert result.returncode != 0
    assert re.search(reason, result.stderr), result.stderr
    assert nothing_of_a_row(result.stdout + result.stderr), result.stderr


def test_pg_restore_brings_no_row_along(
    database: Server,  # noqa: F811 the fixture
    tmp_path: Path,
) -> None:
    """An archive whose rows a check refuses where they are restored: pg_restore would quote one."""
    database.new_database("twice")
    only_here = "create function f(text) returns bool immutable language sql as "
    only_here += "$$ select current_database() = 'twice' $$;"
    table = "create table t (email text check (f(email)));"
    rows = f"insert into t values ('{ROW}')"
    database.psql(only_here + table + rows, "twice")
    dump_made = database.folder / "twice.dump"
    database.run("pg_dump", *database.where, "-Fc", "-f", str(dump_made), "twice")
    dump = tmp_path / "night.dump"
    dump.write_bytes(dump_made.read_bytes())
    dump_made.unlink()
    result = load_postgresql(database, dump)
    assert result.returncode != 0
    assert re.search(r'relation "t" violates check constraint "t_email_check"', result.stderr)
    assert nothing_of_a_row(result.stdout + result.stderr.replace("COPY failed", "")), result.stderr


def test_what_the_scripts_and_the_probe_take_for_the_reason_is_the_same() -> None:
    """They run alone on the standby, so each holds the function; it is one."""
    script = Path(pradrill.adapters.ssh.probe.__file__).with_name("remote_reason.py")
    probe = script.read_text("utf-8")
    body = probe[probe.index('    """Return number') : probe.index("\n\n\ndef main")]
    assert body in (SCRIPTS / "read-dump").read_text("utf-8")
