"""What a shipped fault of a database damages is what is there, and nothing where it is not."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.sources.conftest import LOGIN, Server
from tests.sources.databases import database, mariadb  # noqa: F401 fixtures

from pradrill.config.faults import shipped

_NONE = "create table t (n int);"
_SOME = {
    "mariadb": "create table s (n int auto_increment primary key, w int, key (w));"
    "insert into s (w) values (1);",
    "postgresql": "create table s (n serial, w int); create index on s (w);"
    "insert into s (w) values (1), (2);"
    "create function f() returns trigger language plpgsql as 'begin return new; end';"
    "create trigger one before insert on s for each row execute function f();",
    "sqlite": "create table s (n int, w int); create index i on s (w);"
    "insert into s (w) values (1);"
    "create trigger one after insert on s begin delete from t; end;",
}
_SQL = {
    "mariadb": 'mariadb "$mariadb_database" -e',
    "postgresql": 'runuser -u postgres -- psql -Xq -d "$postgresql_database" -c',
    "sqlite": 'sqlite3 "$sqlite_database"',
}
_CODE = (
    "create trigger one before insert on s for each row set new.w = 1",
    "create function two() returns int return 1",
    "create procedure three() select 1",
    "create event four on schedule every 1 day do delete from t",
)


class Damaged:
    """A database of a kind that faults are done to, reached by programs of its own on PATH."""

    def __init__(self, kind: str, folder: Path, name: str, **programs: str) -> None:
        self.kind = kind
        for program, script in programs.items():
            file = folder / program
            file.write_text(f"#!/bin/sh\n{script}\n")
            file.chmod(0o755)
        path = f"{folder}:{os.environ['PATH']}"
        self._variables = {**os.environ, "PATH": path, f"{kind}_database": name}

    def sh(self, command: str, **values: str) -> str:
        """Return what a command of a fault's prints."""
        words = ["sh", "-euc", command]
        result = subprocess.run(
            words, env={**self._variables, **values}, capture_output=True, text=True, check=True
        )
        return result.stdout.strip()

    def discovered(self) -> dict[str, str]:
        """Return fault → what it would damage, of those that look for it."""
        return {
            fault.fault.partition("-")[2]: self.sh(command)
            for fault in shipped()
            if fault.fault.startswith(f"{self.kind}-") and fault.parameters[1:] == ()
            for command in fault.discover.values()
        }

    def damage(self, name: str) -> None:
        """Do what a fault does to what it discovers."""
        (fault,) = (each for each in shipped() if each.fault == f"{self.kind}-{name}")
        values = {each: self.sh(command) for each, command in fault.discover.items()}
        self.sh(fault.command, **values)


@pytest.fixture(params=["mariadb", "postgresql", "sqlite"])
def damaged(request: pytest.FixtureRequest, tmp_path: Path) -> Damaged:
    """Return a database with an empty table, of each kind that ships faults."""
    kind: str = request.param
    if kind == "mariadb":
        socket = request.getfixturevalue("mariadb")
        client = f'exec /usr/bin/mariadb --no-defaults --socket={socket} -uroot "$@"'
        place = Damaged(kind, tmp_path, "nothing", mariadb=client)
        place.sh("mariadb -e 'create database nothing'")
    elif kind == "postgresql":
        server: Server = request.getfixturevalue("database")
        user = LOGIN if os.geteuid() == 0 else os.environ["USER"]
        psql = f'shift 4; exec psql {" ".join(server.where)} -U {user} "$@"'
        place = Damaged(kind, tmp_path, "nothing", runuser=psql)
        server.new_database("nothing")
    else:
        place = Damaged(kind, tmp_path, str(tmp_path / "db"))
    run(place, _NONE)
    return place


def run(place: Damaged, statements: str) -> None:
    """Carry out statements in the database."""
    place.sh(f'{_SQL[place.kind]} "$statements"', statements=statements)


def test_a_fault_finds_what_it_damages_only_where_that_is(damaged: Damaged) -> None:
    """Without rows, index, trigger, routine or sequence it prints nothing: it is not tried."""
    assert {*damaged.discovered().values()} - {"2"} == {""}
    run(damaged, _SOME[damaged.kind])
    if damaged.kind == "mariadb":
        assert damaged.discovered()["trigger-missing"] == ""
        for code in _CODE:
            run(damaged, code)
            assert damaged.discovered()["trigger-missing"] != "", code
            damaged.damage("trigger-missing")
            assert damaged.discovered()["trigger-missing"] == "", code
        run(damaged, _CODE[0])
    assert "" not in damaged.discovered().values()
