"""Every source whose recovery point is held against the truth; here those that copy files.

The copies of a database's files, and mydumper's folder, of the primaries beside it. PostgreSQL's
log is kept every second and replayed to just before the disaster, as the shipped playbooks do it.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.primaries import (
    KIT,
    OWNER,
    Files,
    MariaDb,
    PostgreSql,
    Primary,
    answers,
    folder,
    run,
)

from pradrill.adapters.clock import SteadyClock

_REPLAYED = (
    "select to_char(pg_last_xact_replay_timestamp() at time zone 'UTC', "
    """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
)


class MyDumper(MariaDb):
    """A MariaDB, mydumper's folder of it, and a second MariaDB that myloader fills."""

    def back_up(self) -> None:
        """Dump it."""
        shutil.rmtree(self._home / "dump", ignore_errors=True)
        to = ("--database", "shop", "--outputdir", self._home / "dump", "--threads", "2")
        run(("mydumper", "--socket", self._socket("primary"), "--user", "root", *to))

    def restore(self) -> int:
        """Load the folder into the other server."""
        self._put_away()
        self._sql("standby", "CREATE OR REPLACE DATABASE shop;")
        what = ("--directory", self._home / "dump", "--database", "shop", "--overwrite-tables")
        run(("myloader", "--socket", self._socket("standby"), "--user", "root", *what))
        return int(self._sql("standby", "SELECT n FROM witness;", "shop"))


class MariaBackup(MariaDb):
    """A MariaDB, mariabackup's copy of its files, and a second MariaDB that starts on them."""

    def back_up(self) -> None:
        """Copy it."""
        shutil.rmtree(self._home / "backup", ignore_errors=True)
        reach = ("--socket", self._socket("primary"), "--user", "root")
        which = (f"--datadir={self._home}/primary/data", f"--target-dir={self._home}/backup")
        run(("mariabackup", "--no-defaults", "--backup", *reach, *which))

    def restore(self) -> int:
        """Prepare the copy with the shipped script, and start the other server on it."""
        self._put_away()
        self._servers["standby"].kill()
        self._servers["standby"].wait()
        data, fresh = self._home / "standby/data", self._home / "standby/data.new"
        shutil.rmtree(data)
        run(("bash", KIT / "files/prepare-mariabackup", self._home / "backup", fresh))
        where = (f"--target-dir={fresh}", f"--datadir={data}")
        run(("mariabackup", "--no-defaults", "--move-back", *where))
        shutil.rmtree(fresh)
        self._serve("standby")
        return int(self._sql("standby", "SELECT n FROM witness;", "shop"))


class _Archiving(PostgreSql):
    """A PostgreSQL whose log is kept, and a second one that replays it."""

    _keep = ""
    """What PostgreSQL calls for each segment of its log."""
    _ended: datetime
    _killed: datetime

    def kill(self) -> None:
        """End the server and what it started at once: it archives nothing more."""
        self._killed = self._clock.now()
        pid = self._servers["primary"].pid
        for each in (pid, *_descendants(pid)):
            with suppress(ProcessLookupError):  # it ends by itself when its server does
                os.kill(each, signal.SIGKILL)

    def restore(self) -> int:
        """Restore the copy and replay the log to just before the end, or all that was kept."""
        self._put_away()
        if self._servers["standby"].poll() is None:
            os.killpg(self._servers["standby"].pid, signal.SIGKILL)
            self._servers["standby"].wait()
        data = self._home / "standby/data"
        shutil.rmtree(data)
        self._bring(data, self._killed.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00"))
        if not self._replays():  # as in files/replay-postgresql
            settings = data / "postgresql.auto.conf"
            lines = (li for li in settings.read_text().splitlines() if "recovery_target" not in li)
            settings.write_text("\n".join(lines) + "\n")
            assert self._replays(), (self._home / "standby.log").read_text()[-2000:]
        self.values = {
            "pradrill_catalogue_time": self._ended.isoformat(),
            "pradrill_replay_point": self._sql("standby", _REPLAYED).strip(),
        }
        return int(self._sql("standby", "SELECT n FROM witness;"))

    def _bring(self, data: Path, target: str) -> None:
        """Bring the newest backup's files into a folder."""
        raise NotImplementedError

    def _replays(self) -> bool:
        """Start the restored server; tell whether it came to its end before the log did."""
        self._spawn("standby", "-c", "archive_mode=off", "-c", "hot_standby=off")
        for _ in range(600):
            if answers(self._ping("standby")):
                return True
            if self._servers["standby"].poll() is not None:
                log = (self._home / "standby.log").read_text()
                assert "before configured recovery target was reached" in log, log[-2000:]
                return False
            time.sleep(0.05)
        raise AssertionError("the restored PostgreSQL neither answers nor ends")

    def _set_up(self) -> None:
        with (self._home / "primary/data/postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(
                f"archive_mode = on\narchive_timeout = 1\narchive_command = '{self._keep}'\n"
            )


class PgBackRest(_Archiving):
    """A PostgreSQL and its pgBackRest."""

    def __init__(self, home: Path, clock: SteadyClock) -> None:
        self._tool = ("pgbackrest", f"--config={home}/pgbackrest.conf", "--stanza=main")
        self._keep = " ".join((*self._tool, "archive-push %p"))
        super().__init__(home, clock)
        run((*self._tool, "stanza-create"))

    def back_up(self) -> None:
        """Back it up in full."""
        run((*self._tool, "--type=full", "backup"))
        self._ended = self._clock.now()

    def _bring(self, data: Path, target: str) -> None:
        to = ("--type=time", f"--target={target}", "--target-exclusive", "--target-action=promote")
        run((*self._tool, "restore", *to, "--archive-mode=off", f"--pg1-path={data}"))

    def _set_up(self) -> None:
        super()._set_up()
        home = self._home
        for name in ("repository", "lock", "spool"):
            folder(home / name)
        (home / "pgbackrest.conf").write_text(
            f"[global]\nrepo1-path={home}/repository\nrepo1-retention-full=2\n"
            f"lock-path={home}/lock\nspool-path={home}/spool\nlog-level-file=off\nstart-fast=y\n"
            f"[main]\npg1-path={home}/primary/data\npg1-socket-path={home}/primary\n"
            "pg1-user=postgres\n",
            encoding="utf-8",
        )


class Barman(_Archiving):
    """A PostgreSQL and its Barman."""

    def __init__(self, home: Path, clock: SteadyClock) -> None:
        self._tool = ("barman", "-q", "-c", home / "barman.conf")
        self._keep = f"rsync -a %p {home}/barman/main/incoming/%f"  # whole or not at all
        super().__init__(home, clock)
        run((*self._tool, "switch-wal", "--force", "--archive", "main"))  # it wants one first

    def back_up(self) -> None:
        """Back it up."""
        run((*self._tool, "archive-wal", "main"))
        run((*self._tool, "backup", "main"))
        self._ended = self._clock.now()

    def _bring(self, data: Path, target: str) -> None:
        run((*self._tool, "archive-wal", "main"))  # what its cron does every minute
        to = ("--target-time", target, "--exclusive", "--target-action", "promote")
        run((*self._tool, "recover", *to, "main", "latest", data))

    def _set_up(self) -> None:
        super()._set_up()
        home = self._home
        for name in ("barman", "none", "barman/main", "barman/main/incoming"):
            folder(home / name)
        reach = f"host={home}/primary user=postgres dbname=postgres"
        (home / "barman.conf").write_text(
            f"[barman]\nbarman_user = {OWNER}\nbarman_home = {home}/barman\n"
            f"log_file = {home}/barman.log\nconfiguration_files_directory = {home}/none\n"
            f"[main]\ndescription = main\nconninfo = {reach}\nstreaming_conninfo = {reach}\n"
            "backup_method = postgres\nimmediate_checkpoint = true\narchiver = on\n"
            f"path_prefix = {self._bin}\n",
            encoding="utf-8",
        )


def _descendants(pid: int) -> list[int]:
    """Return the processes that one started, and those that they started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return []
    return [each for child in children for each in (int(child), *_descendants(int(child)))]


SOURCES: dict[str, Callable[[Path, SteadyClock], Primary]] = {
    "mariadb-dump": MariaDb,
    "mydumper": MyDumper,
    "mariabackup": MariaBackup,
    "pg_dump": PostgreSql,
    "pgbackrest": PgBackRest,
    "barman": Barman,
    "restic": lambda home, clock: Files(home, clock, "restic"),
    "borg": lambda home, clock: Files(home, clock, "borg"),
}
"""Source → what makes its primary."""

if shutil.which("mydumper") is None:  # Debian 13 has none
    del SOURCES["mydumper"]
