"""The index holds what the files hold, in SQLite and in a real PostgreSQL, however often made."""

from __future__ import annotations

import os
import pwd
import shutil
import sqlite3
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from pradrill.domain.register.entry import EntryKind
from pradrill.domain.run.record import Refusal
from pradrill.errors import PradrillError, RecordError, UsageError
from pradrill.register.index import ENTRIES, RUNS, SERVICES, Row, content_of, write_index
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import START, a_sealed_run

LOGIN = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
TABLES = (ENTRIES, RUNS, SERVICES)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """Run a PostgreSQL of our own as an unprivileged user; return its URL."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    folder = Path(tempfile.mkdtemp(prefix="pradrill-pg-"))  # pytest's own are closed to others
    shutil.chown(folder, LOGIN)
    who = ["runuser", "-u", LOGIN, "--"] if os.geteuid() == 0 else []
    control = [*who, str(programs / "pg_ctl"), "-D", str(folder / "data"), "-w"]
    make = [
        *who,
        str(programs / "initdb"),
        "-A",
        "trust",
        "-U",
        "pradrill",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    try:
        subprocess.run(
            [*make, "-D", str(folder / "data")], check=True, capture_output=True, cwd=folder
        )
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        subprocess.run(
            [*control, "-l", str(folder / "log"), "-o", options, "start"],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
        )
        yield f"postgresql://pradrill@/postgres?host={folder}"
        subprocess.run(
            [*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd=folder
        )
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def store(tmp_path: Path) -> FileRunStore:
    """Return a store with runs, and an annotation that hurts databases."""
    store = FileRunStore(tmp_path / "state")
    a_sealed_run(store, 0)
    a_sealed_run(store, 1, refusal=Refusal.BUSY, exit_code=5)
    hostile = "'; DROP TABLE pradrill_runs; -- \x00 \ud800 \u202e é"
    store.register.append(EntryKind.ANNOTATION, {"text": hostile}, START)
    return store


def index_of(store: FileRunStore, url: str | None = None) -> str:
    """Write the index."""
    return write_index(content_of(store.register, store.readable()[0]), url, store.state)


def in_sqlite(path: Path) -> dict[str, list[Row]]:
    """Return every row of an SQLite index."""
    with sqlite3.connect(path) as connection:
        return {
            table.name: connection.execute(f"SELECT * FROM {table.name}").fetchall()  # noqa: S608 ours
            for table in TABLES
        }


def in_postgresql(url: str) -> dict[str, list[Row]]:
    """Return every row of a PostgreSQL index."""
    with psycopg.connect(url) as connection:
        return {
            table.name: connection.execute(f"SELECT * FROM {table.name}".encode()).fetchall()  # noqa: S608
            for table in TABLES
        }


def test_the_index_says_what_the_files_say(store: FileRunStore) -> None:
    """Every entry is a row with its hash; every run has its figures, in seconds."""
    rows = in_sqlite(Path(index_of(store)))
    head = store.register.head()
    assert head is not None
    entries = rows["pradrill_entries"]
    assert len(entries) == len(store.register.lines())
    assert (entries[-1][0], entries[-1][4]) == (head.number, head.sha256)
    first, second = rows["pradrill_runs"]
    assert first[3:7] == ("FINISHED", None, "PASSED", 0)
    assert first[-5:] == (2530.0, 14_400.0, 11_100.0, 86_400.0, 0)
    assert second[4:7] == ("busy", "PASSED", 5)
    assert rows["pradrill_services"] == [(first[0], "moodle"), (second[0], "moodle")]


def test_sqlite_and_postgresql_hold_the_same(store: FileRunStore, database: str) -> None:
    """Both are made from one content, and read back as one content, hostile text included."""
    index_of(store, database)
    assert in_postgresql(database) == in_sqlite(Path(index_of(store)))


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_an_index_is_made_anew_with_the_same_content(
    store: FileRunStore, database: str, where: str
) -> None:
    """Lost, spoilt or stale: made again, it holds what it held, and what came since."""
    url = database if where == "postgresql" else None
    path = store.state / "index.sqlite"

    def read() -> dict[str, list[Row]]:
        return in_postgresql(database) if url else in_sqlite(path)

    index_of(store, url)
    before = read()
    if url:
        with psycopg.connect(url) as spoilt:
            spoilt.execute(b"DELETE FROM pradrill_runs")
            spoilt.execute(b"DROP TABLE pradrill_services")
    else:
        path.write_bytes(b"spoilt")
    index_of(store, url)
    assert read() == before
    a_sealed_run(store, 2)
    index_of(store, url)
    assert len(read()["pradrill_runs"]) == 3


def test_nobody_else_reads_the_index(store: FileRunStore) -> None:
    """The file is 0600, as the files that it is made from."""
    before = os.umask(0o022)
    try:
        path = Path(index_of(store))
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_password_is_not_taken_on_the_command_line(store: FileRunStore) -> None:
    """Other users see command lines: such a URL is refused, with the way that is safe."""
    with pytest.raises(UsageError, match="password") as refusal:
        index_of(store, "postgresql://pradrill:hunter2@db.exemple.fr/pradrill")
    assert "hunter2" not in str(refusal.value)
    assert ".pgpass" in str(refusal.value.hint)


def test_other_databases_are_refused(store: FileRunStore) -> None:
    """Only what is tried is offered."""
    with pytest.raises(UsageError, match="mysql"):
        index_of(store, "mysql://db/pradrill")


def test_a_database_that_is_away_is_told(store: FileRunStore, tmp_path: Path) -> None:
    """No server, or no writable file: one sentence, no traceback."""
    with pytest.raises(PradrillError, match="cannot write the index"):
        index_of(store, f"postgresql://pradrill@/postgres?host={tmp_path}")
    with pytest.raises(RecordError, match="cannot write the index"):
        index_of(store, "sqlite:///proc/none/index")


@pytest.mark.parametrize("kind", ["text", "device"])
def test_an_index_takes_the_place_of_nothing_else(
    store: FileRunStore, tmp_path: Path, kind: str
) -> None:
    """A file that is no SQLite database, or a device, is refused and stays as it is."""
    place = tmp_path / "notes.txt"
    if kind == "text":
        place.write_text("not yours")
    else:
        os.mknod(place, stat.S_IFCHR | 0o600, os.makedev(1, 3))
    with pytest.raises(UsageError, match="is no SQLite database"):
        index_of(store, f"sqlite:///{place}")
    assert place.is_char_device() if kind == "device" else place.read_text() == "not yours"
