"""Write an index for queries, derived from the files: SQLite, or PostgreSQL by URL.

It may be lost, and is made anew with the same content. Nothing in pradrill reads it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pydantic import ValidationError

from pradrill.domain.register.entry import Entry, EntryKind, RunEntry
from pradrill.domain.run.record import RunRecord
from pradrill.errors import PradrillError, RecordError, UsageError
from pradrill.register.chain.register import Register, canonical, line_hash

INDEX = "index.sqlite"
Row = tuple[str | int | float | None, ...]


class Table(NamedTuple):
    """A table."""

    name: str
    key: str
    columns: tuple[str, ...]


ENTRIES = Table(
    "pradrill_entries",
    "number",
    (
        *("number INTEGER", "at TEXT NOT NULL", "kind TEXT NOT NULL", "previous TEXT NOT NULL"),
        *("sha256 TEXT NOT NULL", "body TEXT NOT NULL"),
    ),
)
RUNS = Table(
    "pradrill_runs",
    "run_id",
    (
        *("run_id TEXT", "entry INTEGER NOT NULL", "drill TEXT NOT NULL", "state TEXT NOT NULL"),
        *("refusal TEXT", "verdict TEXT NOT NULL", "exit_code INTEGER NOT NULL"),
        *("started TEXT NOT NULL", "ended TEXT NOT NULL", "record_sha256 TEXT NOT NULL"),
        *("rta DOUBLE PRECISION", "rto DOUBLE PRECISION"),
        *("rpa DOUBLE PRECISION", "rpo DOUBLE PRECISION", "rehearsal INTEGER NOT NULL"),
    ),
)
SERVICES = Table("pradrill_services", "run_id, service", ("run_id TEXT", "service TEXT"))
Content = dict[Table, list[Row]]


def content_of(register: Register, records: Iterable[RunRecord]) -> Content:
    """Return the rows of every table; raises RecordError when the register is damaged."""
    measured = {record.run_id: record for record in records}
    entries: list[Row] = []

    runs: dict[str, Row] = {}
    services: set[tuple[str, str]] = set()
    for entry in register.entries():
        entries.append(_entry_row(entry))
        if entry.kind is not EntryKind.RUN:
            continue

        try:
            run = RunEntry.model_validate(entry.body)
        except ValidationError as error:
            raise RecordError(
                f"entry {entry.number} does not describe a run",
                hint="See what else is wrong: pradrill register verify.",
            ) from error

        runs[run.run_id] = _run_row(entry, run, measured.get(run.run_id))
        services |= {(run.run_id, service) for service in run.services}

    return {
        ENTRIES: [_storable(row) for row in entries],
        RUNS: [_storable(row) for row in runs.values()],
        SERVICES: [_storable(row) for row in sorted(services)],
    }


def write_index(content: Content, url: str | None, state: Path) -> str:
    """Write the index anew, whole or not at all; return where. Raises PradrillError."""
    scheme = urlsplit(url).scheme if url else "sqlite"
    if scheme == "sqlite":
        path = Path(url.removeprefix("sqlite://")) if url else state / INDEX
        if url and not _replaceable(path):
            raise UsageError(
                f"{path} is no SQLite database, and an index would take its place",
                hint="Name another file with --url, or move this one away.",
            )

        _write_sqlite(content, path)
        return str(path)

    if scheme in {"postgresql", "postgres"}:
        assert url is not None  # noqa: S101 it has a scheme
        _write_postgresql(content, url)
        return "PostgreSQL"

    raise UsageError(
        f'"{scheme}" is no database that an index can be in',
        hint="Write sqlite:///FILE or postgresql://HOST/DATABASE.",
    )


def _entry_row(entry: Entry) -> Row:
    sha256 = line_hash(canonical(entry))
    body = json.dumps(entry.body, sort_keys=True, separators=(",", ":"))
    return entry.number, entry.at.isoformat(), entry.kind.value, entry.previous, sha256, body


def _run_row(entry: Entry, run: RunEntry, record: RunRecord | None) -> Row:
    rta = record.recovery.rta if record else None
    rpa = record.recovery.rpa if record else None
    objectives = record.plan.objectives if record else None
    return (
        *(run.run_id, entry.number, run.drill, run.state, run.refusal, run.verdict),
        *(run.exit_code, run.started.isoformat(), run.ended.isoformat(), run.record_sha256),
        *(rta.seconds if rta else None, objectives.rto.total_seconds() if objectives else None),
        *(rpa.seconds if rpa else None, objectives.rpo.total_seconds() if objectives else None),
        int(run.rehearsal),
    )


def _storable(row: Sequence[Any]) -> Row:
    """Return a row without NUL, which no text of PostgreSQL takes."""
    return tuple(v.replace("\0", "\ufffd") if isinstance(v, str) else v for v in row)


def _statements(table: Table, mark: str) -> tuple[str, str, str]:
    """Return what drops, makes and fills a table; every word is ours."""
    marks = ", ".join([mark] * len(table.columns))
    return (
        f"DROP TABLE IF EXISTS {table.name}",
        f"CREATE TABLE {table.name} ({', '.join(table.columns)}, PRIMARY KEY ({table.key}))",
        f"INSERT INTO {table.name} VALUES ({marks})",  # noqa: S608 see above
    )


def _write_sqlite(content: Content, path: Path) -> None:
    draft = path.with_name(f".{path.name}.draft")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600)

        with sqlite3.connect(draft) as database:
            for table, rows in content.items():
                drop, create, insert = _statements(table, "?")
                database.execute(drop)
                database.execute(create)
                database.executemany(insert, rows)

        database.close()
        draft.rename(path)
    except (OSError, sqlite3.Error) as error:
        raise RecordError(
            f"cannot write the index {path}: {error}", hint="Name another with --url."
        ) from error


def _replaceable(path: Path) -> bool:
    """Tell whether an index may take a file's place: nothing is there, or an older index."""
    if not path.is_file():
        return not path.exists()

    try:
        with path.open("rb") as file:
            return file.read(16) in {b"", b"SQLite format 3\0"}
    except OSError:
        return True  # writing it says what is wrong


def _write_postgresql(content: Content, url: str) -> None:
    if urlsplit(url).password is not None:
        raise UsageError(
            "the URL holds a password, which every user of this machine can see",
            hint="Leave it out; put it into ~/.pgpass, or into PGPASSWORD.",
        )

    try:
        import psycopg  # noqa: PLC0415 optional, and only here
    except ImportError as error:
        raise PradrillError(
            "psycopg is not installed", hint="Install it: pip install 'pradrill[postgresql]'."
        ) from error

    try:
        with psycopg.connect(url, connect_timeout=10) as database, database.cursor() as cursor:
            for table, rows in content.items():
                drop, create, insert = _statements(table, "%s")
                cursor.execute(drop.encode())
                cursor.execute(create.encode())
                cursor.executemany(insert.encode(), rows)
    except psycopg.Error as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise RecordError(f"cannot write the index: {lines[0]}") from error
