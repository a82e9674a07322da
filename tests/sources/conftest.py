"""Shelves: the same small stock of backups, made by each real tool, and by the shipped fake."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.integration.conftest import another_sshd, control_folder, site, sshd
from tests.sources import tried
from tests.sources.restic_crypto import new_repository

from pradrill.adapters.backups.barman import Barman
from pradrill.adapters.backups.borg import Borg
from pradrill.adapters.backups.dumps.local_folder import LocalFolder
from pradrill.adapters.backups.dumps.source import Dumps
from pradrill.adapters.backups.pgbackrest import PgBackRest
from pradrill.adapters.backups.restic import Restic
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.domain.declared.backup_source import (
    BarmanSource,
    BorgSource,
    DumpsSource,
    PgBackRestSource,
    ResticSource,
)
from pradrill.domain.run.backup_catalogue import RecoveryPoint
from pradrill.domain.run.backup_integrity import Checked, Soundness
from pradrill.errors import NotReadyError
from pradrill.ports import RecoveryPointSource
from pradrill.testing import FakeSource, a_point

__all__ = ["another_sshd", "control_folder", "site", "sshd"]

PASSWORD, WRONG = "correct horse", "battery staple"
SQL = "CREATE TABLE t (n int);\n" + "INSERT INTO t VALUES (1);\n" * 4000
ENDED = SQL + "-- Dump completed on 2026-03-10  1:00:00\n"


def mostly_nightly(cases: Iterable[Any], *by_day: Any) -> list[Any]:
    """Return the cases of a table, of which all but a few are left to the night."""
    night = pytest.mark.nightly
    return [
        each
        if each in by_day
        else pytest.param(*(each if isinstance(each, tuple) else (each,)), marks=night)
        for each in cases
    ]


class Shelf:
    """Backups of one kind. `ids` are those on it, oldest first."""

    name = ""
    encrypted = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ids: list[str] = []

    def source(self, *, password: str = PASSWORD, where: Path | None = None) -> RecoveryPointSource:
        """Return what reads the shelf, or another place."""
        raise NotImplementedError

    def stock(self) -> None:
        """Put two backups on it."""
        raise NotImplementedError

    def largest(self) -> Path:
        """Return the file of data whose damage a check must see."""
        raise NotImplementedError

    def flip(self) -> None:
        """Change one byte of the data."""
        _flip(self.largest())

    def cut(self) -> None:
        """Cut the data off in the middle."""
        path = self.largest()
        path.chmod(0o600)
        os.truncate(path, path.stat().st_size // 2)


_tools: set[str] = set()
"""Those that the test that runs now has started."""
_tried: set[str] = set()
_failed: list[str] = []


def _hear(event: str, args: tuple[Any, ...]) -> None:
    if event == "subprocess.Popen":
        _tools.add(tried.tool_of(args[1]))


if "PRADRILL_TRIED" in os.environ:
    sys.addaudithook(_hear)


@pytest.fixture(autouse=True)
def _witness(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that stands for a tool which it has not started: the README claims it was."""
    tool = tried.tool_witnessed_by(request.node.nodeid)
    started: set[str] = set()
    real = subprocess.Popen.__init__

    def begin(self: Any, args: Any, *others: Any, **options: Any) -> None:
        started.add(tried.tool_of(args))
        real(self, args, *others, **options)

    if tool:
        monkeypatch.setattr(subprocess.Popen, "__init__", begin)
    yield
    assert not tool or tool in started, f"{tool} was not run here: see tests/sources/tried.py"


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Hand on which tools a test has started: to another process, when it runs in one."""
    item.user_properties += [("tool", tool) for tool in sorted(_tools - {""})]
    _tools.clear()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note what a test that passed has run."""
    if report.when == "teardown" and report.passed:
        _tried.update(str(tool) for name, tool in report.user_properties if name == "tool")
    if report.failed:
        _failed.append(report.nodeid)


def pytest_sessionfinish() -> None:
    """Write the notes, unless something failed."""
    if "PRADRILL_TRIED" in os.environ and "PYTEST_XDIST_WORKER" not in os.environ and not _failed:
        tried.note(sorted(_tried))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to the night what waits: older restics read a file that was cut again for 45 s.

    That damage is found and told is held by the byte that was flipped.
    """
    for item in items:
        if item.name.endswith(("[cut-restic]", "[restic-cut]")):
            item.add_marker(pytest.mark.nightly)


class ResticShelf(Shelf):
    """A restic repository."""

    name = "restic"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        new_repository(self.folder / "repo", PASSWORD)

    def tool(self, *words: str, password: str = PASSWORD, check: bool = True) -> str:
        """Run restic on it."""
        return run(
            ["restic", "--no-cache", "-r", str(self.folder / "repo"), *words],
            env={"RESTIC_PASSWORD": password},
            check=check,
        )

    def source(self, *, password: str = PASSWORD, where: Path | None = None) -> RecoveryPointSource:
        """Return what reads the shelf, or another place."""
        declared = ResticSource(
            repository=str(where or self.folder / "repo"),
            password=secret(self.folder, password),
        )
        return Restic(declared, resolve, SteadyClock())

    def stock(self) -> None:
        """Put two backups on it."""
        for number in range(2):
            data = self.folder / "data"
            data.mkdir(exist_ok=True)
            (data / "file").write_bytes(os.urandom(300_000))
            self.tool("backup", "-q", "--tag", f"n{number}", "--host", "moodle1", str(data))
        self.ids = [each["id"] for each in json.loads(self.tool("snapshots", "--json"))]

    def largest(self) -> Path:
        """Return the file of data whose damage a check must see."""
        return largest(self.folder / "repo/data")


class BorgShelf(Shelf):
    """A borg repository."""

    name = "borg"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tool("init", "-e", "repokey", str(folder / "repo"))

    def tool(self, *words: str) -> str:
        """Run borg."""
        base = {"BORG_PASSPHRASE": PASSWORD, "BORG_BASE_DIR": str(self.folder / "base")}
        return run(["borg", *words], env=base)

    def source(self, *, password: str = PASSWORD, where: Path | None = None) -> RecoveryPointSource:
        """Return what reads the shelf, or another place."""
        declared = BorgSource(
            repository=str(where or self.folder / "repo"),
            password=secret(self.folder, password),
        )
        return Borg(declared, resolve, SteadyClock())

    def stock(self) -> None:
        """Put two backups on it."""
        for number in range(2):
            data = self.folder / "data"
            data.mkdir(exist_ok=True)
            (data / "file").write_bytes(os.urandom(300_000))
            name = f"moodle-{number}"
            self.tool(
                "create", "--comment", f"n{number}", f"{self.folder / 'repo'}::{name}", str(data)
            )
            self.ids.append(name)

    def largest(self) -> Path:
        """Return the file of data whose damage a check must see."""
        return largest(self.folder / "repo/data")


class DumpsShelf(Shelf):
    """A folder of gzipped SQL dumps with their checksums beside them."""

    name = "dumps"
    encrypted = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        (folder / "repo").mkdir()

    def source(self, *, password: str = PASSWORD, where: Path | None = None) -> RecoveryPointSource:
        """Return what reads the shelf, or another place."""
        del password
        declared = DumpsSource(
            folder=str(where or self.folder / "repo"),
            names="moodle-%Y%m%d-%H%M%S.sql.gz",
            timezone="UTC",
        )
        return Dumps(declared, LocalFolder(), SteadyClock())

    def stock(self) -> None:
        """Put two backups on it."""
        for number in range(2):
            now = datetime.fromtimestamp(time.time() - 60 + number, UTC)
            path = self.folder / f"repo/moodle-{now:%Y%m%d-%H%M%S}.sql.gz"
            path.write_bytes(gzip.compress(ENDED.encode()))
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n")
            self.ids.append(path.name)

    def largest(self) -> Path:
        """Return the file of data whose damage a check must see."""
        return self.folder / "repo" / self.ids[-1]


class PgBackRestShelf(Shelf):
    """A copy of a stanza's encrypted repository."""

    name = "pgbackrest"

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        super().__init__(folder)
        self._cluster = cluster
        shutil.copytree(cluster.folder / "repo-empty", folder / "repo")

    def source(self, *, password: str = PASSWORD, where: Path | None = None) -> RecoveryPointSource:
        """Return what reads the shelf, or another place."""
        declared = PgBackRestSource(
            stanza="moodle",
            repository=where or self.folder / "repo",
            password=secret(self.folder, password),
        )
        return PgBackRest(declared, resolve, SteadyClock())

    def stock(self) -> None:
        """Put two backups on it."""
        shutil.rmtree(self.folder / "repo")
        shutil.copytree(self._cluster.folder / "repo", self.folder / "repo", symlinks=True)
        self.ids = self._cluster.labels

    def largest(self) -> Path:
        """Return the file of data whose damage a check must see."""
        return largest(self.folder / "repo/backup/moodle" / self.ids[-1] / "pg_data/base")


class BarmanShelf(Shelf):
    """A copy of a Barman server's folder."""

    name = "barman"
    encrypted = False

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        super().__init__(folder)
        self._cluster = cluster
        self._copy("barman-empty")

    def source(self, *, password: str = PASSWORD, where: Path | None = None) -> RecoveryPointSource:
        """Return what reads the shelf, or another place."""
        del password
        config = self.folder / "barman.conf" if where is None else where
        return Barman(BarmanSource(server="moodle", config=config), SteadyClock())

    def stock(self) -> None:
        """Put two backups on it."""
        shutil.rmtree(self.folder / "home")
        self._copy("barman")
        self.ids = self._cluster.barman_ids

    def largest(self) -> Path:
        """Return the file of data whose damage a check must see."""
        return largest(self.folder / "home/moodle/base" / self.ids[-1] / "data/base")

    def info(self) -> Path:
        """Return what Barman knows of the newest backup: in its folder, or in meta/ since 3.13."""
        home, id_ = self.folder / "home/moodle", self.ids[-1]
        since = home / f"meta/{id_}-backup.info"
        return since if since.exists() else home / f"base/{id_}/backup.info"

    def _copy(self, which: str) -> None:
        shutil.copytree(self._cluster.folder / which, self.folder / "home", symlinks=True)
        (self.folder / "none").mkdir(exist_ok=True)
        (self.folder / "barman.conf").write_text(
            self._cluster.barman_conf(self.folder / "home", self.folder)
        )
        for path in (self.folder, *self.folder.rglob("*")):
            if not path.is_symlink():
                shutil.chown(path, LOGIN)


class FakeShelf(Shelf):
    """The shipped fake."""

    name = "fake"
    encrypted = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.checks = [Checked(Soundness.SOUND, "reading it")]
        self.points: list[RecoveryPoint] = []

    def source(self, *, password: str = PASSWORD, where: Path | None = None) -> RecoveryPointSource:
        """Return what reads the shelf, or another place."""
        del password
        if where is not None:
            return FakeSource(fails=NotReadyError(f"the fake {where} is not there"))
        return FakeSource(self.points, clock=SteadyClock(), checks=self.checks)

    def stock(self) -> None:
        """Put two backups on it."""
        self.ids = ["one", "two"]
        now = datetime.fromtimestamp(time.time(), UTC)
        self.points = [a_point(id=each, data_time=now, end_time=now) for each in self.ids]

    def flip(self) -> None:
        """Change one byte of the data."""
        self.checks = [Checked(Soundness.DAMAGED, "reading it", "a byte is another one")]

    def cut(self) -> None:
        """Cut the data off in the middle."""
        self.flip()


LOGIN = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


class Server:
    """A private PostgreSQL; not run as root."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.where = ("-h", str(folder), "-p", "54991")
        """What leads a client there."""

    def psql(self, sql: str, name: str = "postgres") -> str:
        """Ask a database of it."""
        return self.run("psql", *self.where, "-XAtqc", sql, name).strip()

    def new_database(self, name: str) -> None:
        """Make a database, in the place of an older one of its name."""
        self.psql(f"drop database if exists {name}")
        self.psql(f"create database {name}")

    def run(self, *argv: str, check: bool = True) -> str:
        """Run a command as the database's user."""
        who = ["runuser", "-u", LOGIN, "--"] if os.geteuid() == 0 else []
        return run([*who, *argv], env={}, cwd=self.folder, check=check)

    def create(self, *settings: str) -> None:
        """Make its data folder."""
        assert BIN is not None, "apt-get install postgresql"
        f = self.folder
        shutil.chown(f, LOGIN)
        self.run(str(BIN / "initdb"), "-k", "-D", f"{f}/d", "-A", "trust")
        with (f / "d/postgresql.conf").open("a") as conf:
            conf.write(
                f"port=54991\nlisten_addresses=''\nunix_socket_directories='{f}'\nfsync=off\n"
            )
            conf.writelines(f"{setting}\n" for setting in settings)

    def start(self) -> None:
        """Start it."""
        f = self.folder
        self.run(str(BIN) + "/pg_ctl", "-D", f"{f}/d", "-l", f"{f}/pg.log", "-w", "start")

    def stop(self) -> None:
        """Stop it, if it runs."""
        folder = f"{self.folder}/d"
        self.run(str(BIN) + "/pg_ctl", "-D", folder, "-m", "immediate", "stop", check=False)


class Cluster(Server):
    """A private PostgreSQL, backed up by pgBackRest and by Barman."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.labels: list[str] = []
        self.barman_ids: list[str] = []
        self.table = ""
        """The file of a table with 5000 rows, below the cluster's folder."""
        self._streaming: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        """Make the cluster and two backups with each tool; stop it."""
        f = self.folder
        push = f"pgbackrest --config={f}/pgbackrest.conf --stanza=moodle archive-push %p"
        self.create(
            "autovacuum=off",  # it logs whole pages, which heal what a test has damaged
            "archive_mode=on",
            f"archive_command='{push}'",
        )
        for name in ("none", "log", "lock", "repo", "barman"):
            (f / name).mkdir()
            shutil.chown(f / name, LOGIN)
        (f / "pgbackrest.conf").write_text(
            f"[global]\nrepo1-path={f}/repo\nrepo1-cipher-type=aes-256-cbc\n"
            f"repo1-cipher-pass={PASSWORD}\nrepo1-retention-full=9\nlog-path={f}/log\n"
            f"lock-path={f}/lock\nlog-level-file=off\nstart-fast=y\n"
            f"[moodle]\npg1-path={f}/d\npg1-socket-path={f}\npg1-port=54991\n"
        )
        (f / "barman.conf").write_text(self.barman_conf(f / "barman", f))
        self.start()
        self._stream()  # which takes its time to begin
        self._pgbackrest()
        self._barman()
        self.stop()

    def _pgbackrest(self) -> None:
        f = self.folder
        tool = ("pgbackrest", f"--config={f}/pgbackrest.conf", "--stanza=moodle")
        self.run(*tool, "stanza-create")
        shutil.copytree(f / "repo", f / "repo-empty")
        self.run(*tool, "--type=full", "--annotation=nightly=yes", "backup")
        self.psql("create table later as select generate_series(1, 5000) n")
        self.table = self.psql("select pg_relation_filepath('later')")
        self.run(*tool, "--type=diff", "backup")
        output = json.loads(self.run(*tool, "--output=json", "info"))
        self.labels = [each["label"] for each in output[0]["backup"]]
        self.run("cp", "-a", f"{f}/repo", f"{f}/repo-apart")
        self.run(*tool, "--type=full", "--archive-copy", "backup")
        (f / "repo").rename(f / "repo-copied")
        (f / "repo-apart").rename(f / "repo")

    def _stream(self) -> None:
        f = self.folder
        tool = ("barman", "-c", f"{f}/barman.conf")
        self.run(*tool, "receive-wal", "--create-slot", "moodle")
        who = ["runuser", "-u", LOGIN, "--"] if os.geteuid() == 0 else []
        with (f / "wal.log").open("ab") as log:
            self._streaming = subprocess.Popen(
                [*who, *tool, "receive-wal", "moodle"], stdout=log, stderr=log, cwd=f
            )

    def _barman(self) -> None:
        f = self.folder
        tool = ("barman", "-c", f"{f}/barman.conf")
        for _ in range(20):
            time.sleep(0.5)
            if (f / "barman/moodle/streaming").is_dir() and any(
                (f / "barman/moodle/streaming").iterdir()
            ):
                break
        switch = ("switch-wal", "--force", "--archive", "--archive-timeout", "20", "moodle")
        self.run(*tool, *switch)
        shutil.copytree(f / "barman", f / "barman-empty", symlinks=True)
        for _ in range(2):
            # Not --wait: from PostgreSQL 17 on a backup ends where a segment begins, and Barman
            # waits for that segment, which a server at rest never closes.
            self.run(*tool, "backup", "moodle")
            time.sleep(1)  # its ids are seconds
        self.run(*tool, *switch)
        output = json.loads(self.run(*tool, "-f", "json", "list-backups", "moodle"))
        self.barman_ids = sorted(each["backup_id"] for each in output["moodle"])
        for each in self.barman_ids:
            self.run(*tool, "check-backup", "moodle", each)

    def stop(self) -> None:
        """Stop what runs."""
        tool = ("barman", "-c", f"{self.folder}/barman.conf")
        self.run(*tool, "receive-wal", "--stop", "moodle", check=False)
        if self._streaming is not None:
            self._streaming.terminate()
            self._streaming.wait(20)
            self._streaming = None
        super().stop()

    def barman_conf(self, home: Path, folder: Path) -> str:
        """Return a configuration for a server whose backups are under `home`."""
        f = self.folder
        reach = f"host={f} port=54991 user={LOGIN} dbname=postgres"
        return (
            f"[barman]\nbarman_user = {LOGIN}\nbarman_home = {home}\n"
            f"log_file = {folder}/barman.log\nconfiguration_files_directory = {folder}/none\n"
            f"[moodle]\ndescription = Moodle\nconninfo = {reach}\nstreaming_conninfo = {reach}\n"
            f"backup_method = postgres\nimmediate_checkpoint = true\n"
            f"streaming_archiver = on\nslot_name = barman\n"
            f"path_prefix = {BIN}\n"
        )


@contextmanager
def short_folder() -> Iterator[Path]:
    """Give a folder that other users can enter, with a name short enough for sockets."""
    with tempfile.TemporaryDirectory(prefix="pd-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a PostgreSQL with its backups made; it is stopped by then."""
    with short_folder() as folder:
        cluster_made = Cluster(folder)
        try:
            cluster_made.make()
            yield cluster_made
        finally:
            cluster_made.stop()


@pytest.fixture
def shelf(request: pytest.FixtureRequest) -> Iterator[Shelf]:
    """Return an empty shelf of the kind that the test asks for."""
    kinds: dict[str, Any] = {
        "fake": FakeShelf,
        "restic": ResticShelf,
        "borg": BorgShelf,
        "dumps": DumpsShelf,
        "pgbackrest": PgBackRestShelf,
        "barman": BarmanShelf,
    }
    kind = kinds[request.param]
    needs = [request.getfixturevalue("cluster")] if kind in {PgBackRestShelf, BarmanShelf} else []
    with short_folder() as folder:
        yield kind(folder, *needs)


def mydumped(mariadb: Path, folder: Path, *words: str) -> None:
    """Make a backup with mydumper, which hangs now and then: it is started again then."""
    for _ in range(3):
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(subprocess.TimeoutExpired):
            run(["mydumper", "-S", str(mariadb), "-u", "root", "-o", str(folder), *words],
                env={}, timeout=20)  # fmt: skip
            return
    pytest.fail("mydumper hung three times")


def run(
    argv: list[str],
    *,
    env: dict[str, str],
    cwd: Path | None = None,
    check: bool = True,
    timeout: float = 120,
) -> str:
    """Run a tool and return its output; say what it said when it fails."""
    result = subprocess.run(
        argv,
        env={**os.environ, "TZ": "UTC", **env},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    if check and result.returncode != 0:
        pytest.fail(f"{argv}: {result.stdout[-1000:]} {result.stderr[-2000:]}")
    return result.stdout


def secret(folder: Path, value: str) -> str:
    """Put a secret into a file and return its name."""
    path = folder / f"secret-{hashlib.sha256(value.encode()).hexdigest()[:8]}"
    path.write_text(value)
    path.chmod(0o600)
    return f"file:{path}"


def largest(folder: Path) -> Path:
    """Return the largest file under a folder."""
    return max(
        (path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size
    )


def _flip(path: Path) -> None:
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0x40]))
