"""SQLite: what .backup and .dump write, as the catalogue reads it and as the restore does."""

from __future__ import annotations

import gzip
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sources.conftest import run
from tests.sources.test_bad_restores import call
from tests.sources.test_dumps import checked, source, zstd

from pradrill.domain.run.backup_integrity import Soundness

NAME = "moodle-20260310-010000.x"
_TABLES = (
    "create table t (id integer primary key, a); create index i on t (a); "
    "create virtual table words using fts5 (w); insert into words values ('x'); "
    "with recursive c (x) as (select 1 union all select x + 1 from c where x < 3000) "
    "insert into t (a) select hex(randomblob(20)) from c"
)


def sqlite(database: Path, *words: str) -> str:
    """Run the real client."""
    return run(["sqlite3", "-batch", "-bail", str(database), *words], env={})


@pytest.fixture(scope="module")
def backups(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return one database by both ways in which it is backed up."""
    folder = tmp_path_factory.mktemp("sqlite")
    sqlite(folder / "app.db", _TABLES)
    sqlite(folder / "app.db", f".backup {folder}/file")
    dump = sqlite(folder / "app.db", ".dump").encode()
    return {".backup": (folder / "file").read_bytes(), ".dump": dump}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Return the database that stands on the standby, with one row."""
    path = tmp_path / "lib/app.db"
    path.parent.mkdir()
    sqlite(path, "create table t (n int); insert into t values (7)")
    path.chmod(0o604)
    return path


def count(database: Path) -> str:
    """Return how many rows the database has."""
    return sqlite(database, "select count(*) from t").strip()


WHOLE: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gzip": gzip.compress, "zstd": zstd}


@pytest.mark.parametrize("way", [".backup", ".dump"])
def test_both_ways_are_read_and_restored(
    backups: dict[str, bytes], database: Path, tmp_path: Path, way: str
) -> None:
    """Packed or not; the database keeps its mode, and nothing stays beside it."""
    for title, pack in WHOLE.items():
        (tmp_path / NAME).write_bytes(pack(backups[way]))
        expected = Soundness.UNPROVEN if title == "plain" else Soundness.SOUND
        assert checked(source(tmp_path, ".x")).soundness is expected, title
        sqlite(database, "drop table if exists words; delete from t")
        result = call("load-sqlite", tmp_path / NAME, database)
        assert (result.returncode, count(database)) == (0, "3000"), (title, result.stderr)
        assert sqlite(database, "select w from words").strip() == "x"
        assert database.stat().st_mode & 0o777 == 0o604
        assert [each.name for each in database.parent.iterdir()] == [database.name]


RECORDED = Path(__file__).parents[1] / "fixtures/sqlite"
HARD = 'a\'b\nINSERT INTO "words" VALUES(\'x\');\n"c";\n'
"""A text with lines that look like statements of a dump's."""


def test_what_python_writes_of_a_searched_table_is_loaded(database: Path, tmp_path: Path) -> None:
    """Its iterdump has the rows of virtual tables twice; lines of a text are no statements."""
    (tmp_path / NAME).write_bytes((RECORDED / "iterdump-3.11.7.sql").read_bytes())
    result = call("load-sqlite", tmp_path / NAME, database)
    assert result.returncode == 0, result.stderr
    with sqlite3.connect(database) as app:
        for name in ("t", "words", "z"):
            assert [*app.execute(f"select * from {name}")] == [(HARD,), ("x",)], name  # noqa: S608 ours
        assert [*app.execute('select * from "a""b c"')] == [(1, 2.0, 3.0)]
    assert sqlite(database, "select count(*) from words where words match 'values'") == "1\n"


def test_of_what_an_older_python_writes_the_cause_is_told(database: Path, tmp_path: Path) -> None:
    """Nothing loads that: the tables in which a searched one lies are made by two statements."""
    (tmp_path / NAME).write_bytes((RECORDED / "iterdump-3.11.2.sql").read_bytes())
    result = call("load-sqlite", tmp_path / NAME, database)
    assert result.returncode == 1
    assert "makes a table twice: Python before 3.11.6 writes so what is" in result.stderr
    assert count(database) == "1"


BAD: dict[str, tuple[Callable[[dict[str, bytes]], bytes], str]] = {
    "a file that is cut": (lambda its: its[".backup"][:-4096], "integrity_check does not say ok"),
    "a text that is cut": (lambda its: its[".dump"][:9000], "cut short"),
    "a text that is cut behind a row of the word": (
        lambda its: its[".dump"].partition(b"INSERT")[0] + b"INSERT INTO t VALUES(1,'COMMIT;');\n",
        "cut short"),
    "a packing that is cut": (lambda its: gzip.compress(its[".dump"])[:-99], "cannot be unpacked"),
    "a text that failed": (
        lambda its: its[".dump"].replace(b"COMMIT;", b"ROLLBACK; -- due to errors"),
        "not finished"),
    "a page of something else": (
        lambda its: its[".backup"][:20480] + bytes(4096) + its[".backup"][24576:],
        "integrity_check does not say ok"),
    "a program": (
        lambda its: its[".dump"].replace(b"COMMIT;", b".shell touch pwned\nCOMMIT;"),
        "a syntax error"),
    "a file of anybody's": (
        lambda its: its[".dump"].replace(b"COMMIT;", b".trace pwned\nSELECT 'x';\nCOMMIT;"),
        "a syntax error"),
    "an end in the middle": (
        lambda its: its[".dump"].replace(b"INSERT", b".quit\nINSERT", 1), "a syntax error"),
    "what root alone may read": (
        lambda its: its[".dump"].replace(
            b"COMMIT;", b"INSERT INTO t (a) SELECT data FROM fsdir('/etc/shadow');\nCOMMIT;"),
        "no such table: fsdir"),
    "another file": (
        lambda its: its[".dump"] + b"VACUUM INTO 'pwned';\nBEGIN;\nCOMMIT;\n",
        "too many attached databases"),
    "an address of code": (
        lambda its: its[".dump"].replace(
            b"COMMIT;", b"SELECT fts3_tokenizer('a', X'4141414141414141');\nCOMMIT;"),
        "fts3tokenize disabled"),
    "an end that is a remark": (
        lambda its: its[".dump"].replace(b"COMMIT;", b"/*\nCOMMIT;"), "does not commit"),
    "a zero byte": (
        lambda its: its[".dump"].replace(b"COMMIT;", b"SELECT 1;\0\nCOMMIT;"), "a zero byte"),
    "another database's": (lambda _: b"-- MySQL dump 10\n", "neither a database of SQLite's"),
    "a row that is refused": (
        lambda its: its[".dump"].replace(b"COMMIT;", b"INSERT INTO u VALUES('card');\nCOMMIT;"),
        "no such table: u"),
}  # fmt: skip


def test_what_stands_there_stays_when_the_backup_is_bad(
    backups: dict[str, bytes], database: Path, tmp_path: Path
) -> None:
    """It is read to its end, checked and only then put in its place; no program of its runs."""
    for title, (make, reason) in BAD.items():
        backup = tmp_path / "backup"
        backup.write_bytes(make(backups))
        result = call("load-sqlite", backup, database)
        assert result.returncode != 0, title
        assert reason in result.stderr, (title, result.stderr)
        assert "card" not in result.stderr, title
        assert count(database) == "1", title
        assert [each.name for each in database.parent.iterdir()] == [database.name], title
    assert not Path("pwned").exists()


def test_rows_are_what_they_were_whatever_bytes_and_lines_they_have(
    database: Path, tmp_path: Path
) -> None:
    """Latin-1 in a text, a line that begins with a dot, a trigger of statements, a long row."""
    much = b"x" * 200_000
    (tmp_path / NAME).write_bytes(
        b"BEGIN TRANSACTION;\r\nCREATE TABLE t (a);\r\n"
        b"INSERT INTO t VALUES('caf\xe9');\nINSERT INTO t VALUES('\n.quit\n;\n" + much + b"');\n"
        b"CREATE TRIGGER g AFTER INSERT ON t BEGIN\n  SELECT 1;\n  SELECT 2;\nEND;\nCOMMIT;\n"
    )
    result = call("load-sqlite", tmp_path / NAME, database)
    assert result.returncode == 0, result.stderr
    assert sqlite(database, "select hex(a) from t limit 1").strip() == "636166E9"
    assert sqlite(database, "select length(a) from t").split() == ["4", "200009"]
    assert sqlite(database, "select count(*) from sqlite_schema").strip() == "2"


def test_a_database_has_its_journals_until_the_other_is_in_its_place(
    backups: dict[str, bytes], database: Path, tmp_path: Path
) -> None:
    """Whatever ends it before that; afterwards none stays beside the one that came."""
    (tmp_path / NAME).write_bytes(backups[".backup"])
    beside = [database.with_name(f"{database.name}-{each}") for each in ("journal", "wal")]
    for each in beside:
        each.write_bytes(b"its")
    names = sorted(each.name for each in database.parent.iterdir())
    (tmp_path / "mv").write_text(
        f'#!/bin/sh\n[ "$3" != {database} ] || exit 1\nexec /bin/mv "$@"\n'
    )
    (tmp_path / "mv").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert call("load-sqlite", tmp_path / NAME, database, PATH=path).returncode != 0
    assert sorted(each.name for each in database.parent.iterdir()) == names
    assert [each.read_bytes() for each in beside] == [b"its"] * 2
    assert call("load-sqlite", tmp_path / NAME, database).returncode == 0
    assert [each.name for each in database.parent.iterdir()] == [database.name]


def test_a_header_alone_proves_nothing(backups: dict[str, bytes], tmp_path: Path) -> None:
    """A file that ends in it is cut off; where it tells of no pages, no size can be missed."""
    whole = backups[".backup"]
    for content, soundness in (
        (whole[:16], Soundness.DAMAGED),
        (whole[:99], Soundness.DAMAGED),
        (whole[:28] + bytes(4) + whole[32:4096], Soundness.UNPROVEN),
    ):
        (tmp_path / NAME).write_bytes(gzip.compress(content))
        assert checked(source(tmp_path, ".x")).soundness is soundness, len(content)


@pytest.mark.parametrize("way", [".backup", ".dump"])
def test_a_client_that_is_old_and_an_expression_of_the_clients_own_are_no_hindrance(
    database: Path, tmp_path: Path, way: str
) -> None:
    """-safe came with 3.37; REGEXP, which Django writes into a CHECK, the library has not."""
    sqlite(tmp_path / "app", "create table t (a check (a regexp 'x+')); insert into t values ('x')")
    content = sqlite(tmp_path / "app", way) if way == ".dump" else ""
    (tmp_path / NAME).write_bytes(content.encode() or (tmp_path / "app").read_bytes())
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sqlite3").write_text("#!/bin/sh\necho 'unknown option: -safe' >&2; exit 1\n")
    (tmp_path / "bin/sqlite3").chmod(0o755)
    path = f"{tmp_path}/bin:{os.environ['PATH']}"
    result = call("load-sqlite", tmp_path / NAME, database, PATH=path)
    assert (result.returncode, count(database)) == (0, "1"), result.stderr
