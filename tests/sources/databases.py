"""Private databases that real tools dump: a PostgreSQL and a MariaDB."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sources.conftest import Server, run, short_folder

NAME = "moodle-20260310-010000"
_TABLE = (
    "create database moodle; use moodle; create table t (n int, x char(32)); "
    "insert into t select seq, md5(seq) from seq_1_to_5000"
)


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    """Return a PostgreSQL with a table worth dumping."""
    with short_folder() as folder:
        server = Server(folder)
        try:
            server.create()
            server.start()
            server.psql(
                "create table rows as select n, md5(n::text) t from generate_series(1, 20000) n"
            )
            yield server
        finally:
            server.stop()


def pg_dump(database: Server, form: str, to: Path) -> Path:
    """Dump the database with the real pg_dump in one of its formats."""
    dump = database.folder / f"dump-{form}"
    run_as = database.run
    run_as("pg_dump", *database.where, "-U", "postgres" if
           os.geteuid() == 0 else "", f"-F{form}", "-f", str(dump), "postgres")  # fmt: skip
    path = to / f"{NAME}.dump"
    if dump.is_dir():
        shutil.copytree(dump, path)
        shutil.rmtree(dump)
    else:
        shutil.copy(dump, path)
        dump.unlink()
    return path


@pytest.fixture(scope="module")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the socket of a private MariaDB with one table."""
    folder = tmp_path_factory.mktemp("mariadb")
    server = shutil.which("mariadbd", path="/usr/sbin:/usr/bin")
    assert server, "apt-get install mariadb-server-core"
    run(["mariadb-install-db", f"--datadir={folder}/d", "--auth-root-authentication-method=normal",
         "--skip-test-db", f"--user={os.environ.get('USER', 'root')}"], env={})  # fmt: skip
    socket = folder / "s"
    (folder / "tmp").mkdir()
    process = subprocess.Popen(
        [server, "--no-defaults", f"--datadir={folder}/d", f"--socket={socket}",
         "--skip-networking", "--user=root", f"--pid-file={folder}/pid",
         f"--log-error={folder}/log", f"--tmpdir={folder}/tmp"],  # others sweep the common one
    )  # fmt: skip
    try:
        for _ in range(200):
            if socket.exists():
                break
            subprocess.run(["sleep", "0.1"], check=True)
        run(["mariadb", f"--socket={socket}", "-uroot", "-e",
             _TABLE], env={})  # fmt: skip
        yield socket
    finally:
        process.terminate()
        process.wait(30)
