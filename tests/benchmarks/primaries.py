"""Primaries to be lost: real databases and a real heartbeat, their real backup, and their restore.

Everything runs unprivileged in temporary folders. Beside the heartbeat a witness writes numbers
every few milliseconds and notes when each write was acknowledged: the first number that a restore
does not bring back tells the true recovery point, independently of pradrill.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pradrill.adapters.clock import SteadyClock
from pradrill.domain.declared.drill import NewestData

KIT = Path(__file__).parents[2] / "playbooks"
OWNER = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
"""Who the servers run as: PostgreSQL refuses root."""

Words = Sequence[str | Path]

_AS: dict[str, Any] = (
    {"user": OWNER, "group": pwd.getpwnam(OWNER).pw_gid, "extra_groups": []}
    if os.geteuid() == 0
    else {}
)
_WRITE = "UPDATE witness SET n = %d; SELECT %d;\n"
_PAUSE = 0.005  # seconds between two writes of the witness


def run(command: Words, *, fine: tuple[int, ...] = (0,), **options: Any) -> str:
    """Run a command as the owner, and return what it printed."""
    options.setdefault("cwd", "/")
    result: subprocess.CompletedProcess[str] = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, **_AS, **options
    )
    assert result.returncode in fine, f"{command}: {result.stderr[-2000:]}"
    return result.stdout


def folder(path: Path) -> Path:
    """Make a folder that belongs to the owner."""
    path.mkdir(parents=True)
    if _AS:
        shutil.chown(path, OWNER)
    return path


def kit_sql(name: str, variable: str, database: str) -> str:
    """Return the kit's SQL for a database, for an account of the owner's name."""
    text = (KIT / f"templates/heartbeat-{name}.sql.j2").read_text(encoding="utf-8")
    text = text.replace(f"{{{{ {variable} }}}}", database)
    account = "pradrill_heartbeat"
    for before, after in (
        (f"{account}@localhost", f"{OWNER}@localhost"),
        (f"TO {account};", f"TO {OWNER};"),
        (f"ROLE {account}", f"ROLE {OWNER}"),
        (f"rolname = '{account}'", f"rolname = '{OWNER}'"),
    ):
        text = text.replace(before, after)
    return text.partition("#}")[2]


class Heartbeat:
    """The kit's own program, as its unit would run it."""

    def __init__(self, where: str, target: str, **environment: str) -> None:
        self._process = subprocess.Popen(
            [KIT / "files/pradrill-heartbeat", where, "1", target],
            env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environment},
            start_new_session=True,
            cwd="/",
            stderr=subprocess.DEVNULL,
            **_AS,
        )

    def kill(self) -> None:
        """End it as a power cut does."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Witness:
    """Writes 1, 2, 3 … and knows when each was acknowledged."""

    def __init__(self, clock: SteadyClock, write: Any) -> None:
        self.acknowledged: dict[int, datetime] = {}
        self._clock = clock
        self._write = write
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True)
        self._thread.start()

    def _go(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            try:
                self._write(number)
            except (OSError, EOFError):
                return  # the primary is gone
            self.acknowledged[number] = self._clock.now()
            time.sleep(_PAUSE)

    def stop(self) -> None:
        """Write no more."""
        self._over.set()
        self._thread.join(10)

    def first_lost(self, restored: int) -> datetime | None:
        """Return when the first write was acknowledged that did not come back, if one did not."""
        return self.acknowledged.get(restored + 1)


class _Client:
    """A database client that answers one statement after another."""

    def __init__(self, command: Words) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            bufsize=1,
            cwd="/",
            **_AS,
        )

    def write(self, number: int) -> None:
        """Write a number and wait for its acknowledgement."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(_WRITE % (number, number))
        self._process.stdin.flush()
        if self._process.stdout.readline().strip() != str(number):
            raise EOFError

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait()


class Primary(Protocol):
    """What a round of the benchmark loses."""

    newest: NewestData
    witness: Witness
    values: dict[str, str]
    """What a restore playbook would hand back of the restore, but for the backup's times."""

    def start(self) -> None:
        """Run the primary with its heartbeat and its witness."""

    def back_up(self) -> None:
        """Take a backup while both write on."""

    def kill(self) -> None:
        """End the primary at once, as a power cut does."""

    def restore(self) -> int:
        """Restore the backup elsewhere; return the newest number that came back."""

    def close(self) -> None:
        """Leave nothing."""


class MariaDb:
    """A MariaDB, its mariadb-dump, and a second MariaDB to restore into."""

    values: dict[str, str] = {}

    def __init__(self, home: Path, clock: SteadyClock) -> None:
        self._home, self._clock = folder(home), clock
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("primary", "standby"):
            folder(home / name)
            auth = "--auth-root-authentication-method=normal"
            run(["mariadb-install-db", "--no-defaults", f"--datadir={home / name}/data", auth])
            self._serve(name)
        self._sql("primary", "CREATE DATABASE shop; USE shop; CREATE TABLE witness (n INT);")
        self._sql("primary", "USE shop; INSERT INTO witness VALUES (0);")
        self._sql("primary", kit_sql("mariadb", "heartbeat_mariadb", "shop"), "shop")
        query = '"select max(at) from pradrill_heartbeat"'
        self.newest = NewestData.model_validate(
            {
                "role": "heartbeat",
                "command": f"mariadb -S {self._socket('standby')} -u root -NB shop -e {query}",
                "format": "%Y-%m-%d %H:%M:%S.%f",
                "timezone": "UTC",
                "interval": "1s",
            }
        )

    def start(self) -> None:
        """Run the primary with its heartbeat and its witness."""
        if self._servers["primary"].poll() is not None:
            self._serve("primary")
        socket = self._socket("primary")
        (self._home / ".my.cnf").write_text(f"[client]\nsocket={socket}\n", encoding="utf-8")
        self._beat = Heartbeat("mariadb", "shop", HOME=str(self._home))
        to = ("--unbuffered", "-NB", "-S", socket, "-u", "root", "shop")
        self._client = _Client(("mariadb", "--no-defaults", *to))
        self.witness = Witness(self._clock, self._client.write)

    def back_up(self) -> None:
        """Dump it."""
        socket = self._socket("primary")
        what = ("--single-transaction", "-S", socket, "-u", "root", "shop")
        dump = run(("mariadb-dump", "--no-defaults", *what))
        (self._home / "dump.sql").write_text(dump, encoding="utf-8")

    def kill(self) -> None:
        """End the server at once, then what wrote into it."""
        self._servers["primary"].kill()

    def restore(self) -> int:
        """Load the dump into the other server."""
        self._put_away()
        self._sql("standby", "CREATE OR REPLACE DATABASE shop;")
        self._sql("standby", (self._home / "dump.sql").read_text(encoding="utf-8"), "shop")
        return int(self._sql("standby", "SELECT n FROM witness;", "shop"))

    def close(self) -> None:
        """End both servers."""
        for server in self._servers.values():
            server.kill()
            server.wait()

    def _put_away(self) -> None:
        self._servers["primary"].wait()
        self._beat.kill()
        self.witness.stop()
        self._client.close()

    def _socket(self, name: str) -> Path:
        return self._home / name / "s"

    def _serve(self, name: str) -> None:
        data, socket = self._home / name / "data", self._socket(name)
        small = ["--innodb-buffer-pool-size=16M", "--skip-networking", "--skip-log-error"]
        with (self._home / f"{name}.log").open("ab") as log:
            self._servers[name] = subprocess.Popen(
                ["mariadbd", "--no-defaults", f"--datadir={data}", f"--socket={socket}", *small],
                stderr=log,
                stdout=log,
                cwd="/",
                **_AS,
            )
        command = ["mariadb-admin", "--no-defaults", "-S", str(socket), "-u", "root", "ping"]
        until_it_answers(command)

    def _sql(self, name: str, sql: str, database: str = "") -> str:
        to = ("-NB", "-S", self._socket(name), "-u", "root")
        into = (database,) if database else ()
        return run(("mariadb", "--no-defaults", *to, *into), input=sql)


class PostgreSql:
    """A PostgreSQL, its pg_dump, and a second PostgreSQL to restore into."""

    values: dict[str, str] = {}

    def __init__(self, home: Path, clock: SteadyClock) -> None:
        self._home, self._clock = folder(home), clock
        self._servers: dict[str, subprocess.Popen[bytes]] = {}
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
        self._bin = programs[-1]
        for name in ("primary", "standby"):
            folder(home / name)
            run([self._bin / "initdb", "-A", "trust", "-U", "postgres", "-D", home / name / "data"])
        self._set_up()
        for name in ("primary", "standby"):
            self._serve(name)
        self._sql("primary", "CREATE DATABASE shop;", "postgres")
        self._sql("primary", "CREATE TABLE witness (n int); INSERT INTO witness VALUES (0);")
        self._sql("primary", kit_sql("postgresql", "heartbeat_postgresql", "shop"))
        query = '"select max(at) from pradrill_heartbeat"'
        self.newest = NewestData.model_validate(
            {
                "role": "heartbeat",
                "command": f"psql -h {home / 'standby'} -U postgres -XAt shop -c {query}",
                "interval": "1s",
            }
        )

    def start(self) -> None:
        """Run the primary with its heartbeat and its witness."""
        if self._servers["primary"].poll() is not None:
            self._serve("primary")
        where = str(self._home / "primary")
        self._beat = Heartbeat("postgresql", "shop", PGHOST=where)
        self._client = _Client(["psql", "-h", where, "-U", "postgres", "-qXAt", "shop"])
        self.witness = Witness(self._clock, self._client.write)

    def back_up(self) -> None:
        """Dump it."""
        where, dump = self._home / "primary", self._home / "dump"
        dump.unlink(missing_ok=True)
        run([self._bin / "pg_dump", "-h", where, "-U", "postgres", "-Fc", "-f", dump, "shop"])

    def kill(self) -> None:
        """End every process of the server at once."""
        os.killpg(self._servers["primary"].pid, signal.SIGKILL)

    def restore(self) -> int:
        """Load the dump into the other server."""
        self._put_away()
        self._sql("standby", "DROP DATABASE IF EXISTS shop;", "postgres")
        self._sql("standby", "CREATE DATABASE shop;", "postgres")
        to = ("-h", self._home / "standby", "-U", "postgres", "-d", "shop")
        run((self._bin / "pg_restore", "--no-privileges", *to, self._home / "dump"))
        return int(self._sql("standby", "SELECT n FROM witness;"))

    def close(self) -> None:
        """End both servers."""
        for server in self._servers.values():
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()

    def _set_up(self) -> None:
        """Prepare what the backup needs before the servers run: nothing."""

    def _put_away(self) -> None:
        self._servers["primary"].wait()
        self._beat.kill()
        self.witness.stop()
        self._client.close()

    def _serve(self, name: str) -> None:
        self._spawn(name)
        until_it_answers(self._ping(name))

    def _spawn(self, name: str, *options: str) -> None:
        data, socket = self._home / name / "data", self._home / name
        (data / "postmaster.pid").unlink(missing_ok=True)
        with (self._home / f"{name}.log").open("wb") as log:
            self._servers[name] = subprocess.Popen(
                [*(self._bin / "postgres", "-D", data, "-k", socket), "-c", "listen_addresses=",
                 *options],
                stderr=log,
                stdout=log,
                cwd="/",
                start_new_session=True,
                **_AS,
            )  # fmt: skip

    def _ping(self, name: str) -> Words:
        to = ("-h", self._home / name, "-U", "postgres")
        return (self._bin / "psql", *to, "-c", "", "postgres")

    def _sql(self, name: str, sql: str, database: str = "shop") -> str:
        to = ("-h", self._home / name, "-U", "postgres", "-qXAt", "-v", "ON_ERROR_STOP=1")
        return run((self._bin / "psql", *to, database), input=sql)


class Files:
    """A heartbeat's file, backed up by restic or borg."""

    values: dict[str, str] = {}

    def __init__(self, home: Path, clock: SteadyClock, tool: str) -> None:
        self._home, self._clock, self._tool = folder(home), clock, tool
        self._live = folder(home / "live")
        self._repository = home / "repository"
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "RESTIC_PASSWORD": "of this benchmark",
            "BORG_PASSPHRASE": "of this benchmark",
        }
        self._count = 0
        if tool == "restic":
            self._do("restic", "-r", self._repository, "init")
        else:
            self._do("borg", "init", "-e", "repokey", self._repository)
        self.newest = NewestData.model_validate(
            {"role": "heartbeat", "command": f"cat {self._back('heartbeat')}", "interval": "1s"}
        )

    def start(self) -> None:
        """Run the heartbeat and the witness."""
        self._beat = Heartbeat("file", str(self._live / "heartbeat"))
        self.witness = Witness(self._clock, self._write)

    def back_up(self) -> None:
        """Back both files up, the heartbeat first."""
        files = [self._live / "heartbeat", self._live / "witness"]
        if self._tool == "restic":
            self._do("restic", "-r", self._repository, "backup", *files)
            return

        content = ""
        while "witness" not in content:  # borg leaves out a file that is replaced meanwhile
            self._count += 1
            archive = f"{self._repository}::{self._count}"
            self._do("borg", "create", archive, *files)
            content = self._do("borg", "list", "--short", archive)

    def kill(self) -> None:
        """End what writes."""
        self._beat.kill()

    def restore(self) -> int:
        """Restore both files into another folder."""
        self.witness.stop()
        shutil.rmtree(self._home / "back", ignore_errors=True)
        back = folder(self._home / "back")
        if self._tool == "restic":
            self._do("restic", "-r", self._repository, "restore", "latest", "--target", back)
        else:
            self._do("borg", "extract", f"{self._repository}::{self._count}", cwd=back)
        return int(self._back("witness").read_text(encoding="utf-8"))

    def close(self) -> None:
        """Leave nothing: there is no server."""

    def _do(self, *command: str | Path, cwd: str | Path = "/") -> str:
        changed = (0, 1) if "create" in command else (0,)  # borg warns of files that change
        return run(command, fine=changed, env=self._environment, cwd=cwd)

    def _back(self, name: str) -> Path:
        return self._home / "back" / (self._live / name).relative_to("/")

    def _write(self, number: int) -> None:
        fresh = self._live / "witness.new"
        fresh.write_text(str(number), encoding="utf-8")
        fresh.replace(self._live / "witness")


def until_it_answers(command: Words) -> None:
    """Wait until a server answers."""
    for _ in range(300):
        if answers(command):
            return
        time.sleep(0.1)
    raise AssertionError(f"{command[0]} never answered")


def answers(command: Words) -> bool:
    """Tell whether a server answers."""
    return subprocess.run(command, capture_output=True, check=False, **_AS).returncode == 0
