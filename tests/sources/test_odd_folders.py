"""Folders of dumps as they are found: one answer to whatever lies in one, here and behind SFTP."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.integration.hosts.sshd import Sshd
from tests.sources.conftest import mostly_nightly
from tests.sources.test_dumps_behind_sftp import BOUNDS, source

from pradrill.adapters.backups.dumps.local_folder import LocalFolder
from pradrill.adapters.backups.dumps.source import Dumps
from pradrill.adapters.clock import SteadyClock
from pradrill.app.backups import source_of
from pradrill.domain.declared.backup_source import DumpsSource, RecoveryPointSpec
from pradrill.domain.run.backup_catalogue import Catalogue, RecoveryPoint
from pradrill.domain.run.backup_integrity import IntegrityPart, Soundness
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds, FolderEntry, RecoveryPointSource

OLD, NEW = "moodle-20260310-010000.sql", "moodle-20260311-010000.sql"
SQL = "-- MariaDB dump 10.19\nCREATE TABLE t (n int);\n-- Dump completed on 2026-03-10\n"
PART = IntegrityPart(1, 1)
SFTP_SERVER = "/usr/lib/openssh/sftp-server"


def local(folder: Path | str, names: str = "moodle-%Y%m%d-%H%M%S.sql") -> RecoveryPointSource:
    """Return a folder of dumps of this machine, as a drill declares it."""
    dumps = {"folder": str(folder), "names": names, "timezone": "UTC", "quiet": "0s"}
    spec = RecoveryPointSpec.model_validate({"dumps": dumps})
    return source_of(spec, SteadyClock(), lambda name: name)


def behind(folder: Path, sshd: Sshd, names: str, login: str = "root") -> RecoveryPointSource:
    """Return a folder of dumps behind an sshd, as a drill declares it."""
    dumps = {
        "folder": f"sftp://{login}@{sshd.address}:{sshd.port}{folder}",
        "names": names,
        "timezone": "UTC",
        "quiet": "0s",
        "ssh": {"known_hosts": str(sshd.known_hosts), "private_key": str(sshd.key)},
    }
    spec = RecoveryPointSpec.model_validate({"dumps": dumps}, context={"folder": folder})
    return source_of(spec, SteadyClock(), lambda name: name)


def usable(catalogue: Catalogue) -> list[str]:
    """Return the ids of what a drill may restore."""
    return [point.id for point in catalogue.usable()]


def _fifo(folder: Path) -> None:
    os.mkfifo(folder / NEW)
    (folder / "moodle-20260312-010000.sql").mkdir()
    os.mkfifo(folder / "moodle-20260312-010000.sql/data")


def _socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)  # its name may be long
        try:
            server.bind(NEW)
        finally:
            os.chdir(here)


def _device(folder: Path) -> None:
    os.mknod(folder / NEW, 0o020600, os.makedev(1, 5))


def _links(folder: Path) -> None:
    (folder / NEW).symlink_to("nowhere")
    (folder / "moodle-20260312-010000.sql").symlink_to("moodle-20260312-010000.sql")
    (folder / "moodle-20260313-010000.sql").symlink_to("/proc/self/fd/" + "9" * 200)


def _circles(folder: Path) -> None:
    (folder / NEW / "a").mkdir(parents=True)
    (folder / NEW / "a/data.sql").write_text(SQL)
    for number, target in enumerate((".", "..", "../..", "../a", "../b", str(folder))):
        (folder / NEW / f"a/loop{number}").symlink_to(target)
    (folder / NEW / "b").symlink_to("a")


def _empty(folder: Path) -> None:
    (folder / NEW).mkdir()
    (folder / "moodle-20260312-010000.sql").touch()


def _future(folder: Path) -> None:
    (folder / NEW).write_text(SQL)
    os.utime(folder / NEW, (time.time() + 4e6,) * 2)
    (folder / "moodle-20960312-010000.sql").write_text(SQL)


def _names(folder: Path) -> None:
    top = os.fsencode(folder)
    for name in (
        b"-moodle", b"caf\xe9.sql", b"a\nb", b"\x1b[2J", b"x" * 255, b"'; rm -rf /", b" ", b"*",
        b"moodle-20260311-010000.sql\n", b"moodle-20260311-010000.sql ",
    ):  # fmt: skip
        Path(os.fsdecode(top + b"/" + name)).write_text(SQL)


SITUATIONS: dict[str, tuple[Callable[[Path], None], list[str], list[str]]] = {
    "a FIFO": (_fifo, [OLD], ["moodle-20260312-010000.sql: it is empty"]),
    "a socket": (_socket, [OLD], []),
    "a device": (_device, [OLD], []),
    "links to nowhere and in a circle": (_links, [OLD], []),
    "links in a circle below": (_circles, [OLD, NEW], []),
    "nothing in it": (
        _empty, [OLD], [f"{NEW}: it is empty", "moodle-20260312-010000.sql: it is empty"],
    ),
    "the future": (
        _future, [OLD], [f"{NEW}: it is dated", "moodle-20960312-010000.sql: it is dated"],
    ),
    "names of any bytes": (_names, [OLD], []),
}  # fmt: skip


@pytest.mark.parametrize("name", mostly_nightly(SITUATIONS, "a FIFO", "links in a circle below"))
def test_what_lies_beside_dumps_is_left_out_or_named_here_and_behind_sftp(
    sshd: Sshd, tmp_path: Path, name: str
) -> None:
    """No file of another kind is opened, no circle is followed, and both sides say the same."""
    make, good, bad = SITUATIONS[name]
    (tmp_path / OLD).write_text(SQL)
    make(tmp_path)
    for dumps in (local(tmp_path), source(tmp_path, sshd, sshd.known_hosts)):
        catalogue = dumps.catalogue(BOUNDS)
        assert usable(catalogue) == good
        refusals = sorted(catalogue.unusable())
        assert len(refusals) == len(bad), refusals
        for refusal, words in zip(refusals, bad, strict=True):
            assert refusal.startswith(words)
        for point in catalogue.usable():
            assert dumps.check(point, PART, BOUNDS).soundness is Soundness.UNPROVEN


def test_a_name_that_cannot_be_written_is_found_again_and_never_damaged(
    sshd: Sshd, tmp_path: Path
) -> None:
    """One in Latin-1 is read, of two that look the same none; no drill takes any of them."""
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe9t\xe9-20260310.sql")).write_text(SQL)
    for here in (local(tmp_path, "été-%Y%m%d.sql"), behind(tmp_path, sshd, "été-%Y%m%d.sql")):
        (point,) = here.catalogue(BOUNDS).points
        assert not usable(here.catalogue(BOUNDS))
        checked = here.check(point, PART, BOUNDS)
        assert checked.soundness is Soundness.UNPROVEN
        assert "it is complete" in checked.detail, checked
    twin = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xe8t\xe8-20260310.sql"))
    twin.write_text(SQL)
    checked = local(tmp_path).check(_point("?t?-20260310.sql"), PART, BOUNDS)
    assert checked.soundness is Soundness.UNPROVEN
    assert "several of its names" in checked.detail
    for dumps in (local(tmp_path), source(tmp_path, sshd, sshd.known_hosts)):
        checked = dumps.check(_point(NEW), PART, BOUNDS)
        assert (checked.soundness, checked.detail) == (
            Soundness.UNPROVEN, f"{NEW} is not there any more",
        )  # fmt: skip


def _point(name: str) -> RecoveryPoint:
    return RecoveryPoint(id=name, data_time=datetime(2026, 3, 10, tzinfo=UTC))


class Rotated(LocalFolder):
    """A folder of this machine from which a rotation takes a dump after it was listed."""

    def __init__(self, victim: Path) -> None:
        self._victim = victim

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what it held a moment ago."""
        entries = super().entries(path)
        shutil.rmtree(self._victim, ignore_errors=True)
        return entries


def test_a_dump_that_goes_while_it_is_listed_is_named_and_the_others_stay(tmp_path: Path) -> None:
    """A rotation at that moment refuses no catalogue."""
    (tmp_path / OLD).write_text(SQL)
    (tmp_path / NEW).mkdir()
    (tmp_path / NEW / "data.sql").write_text(SQL)
    fields = {"folder": str(tmp_path), "names": "moodle-%Y%m%d-%H%M%S.sql", "timezone": "UTC"}
    declared = DumpsSource.model_validate({**fields, "quiet": "0s"})
    catalogue = Dumps(declared, Rotated(tmp_path / NEW), SteadyClock()).catalogue(BOUNDS)
    assert usable(catalogue) == [OLD]
    (refusal,) = catalogue.unusable()
    assert "No such file or directory" in refusal


class Closed(NamedTuple):
    """Folders of which another login than root may read a part, and who reads them."""

    folder: Path
    server: Sshd

    def sources(self, folder: Path, names: str) -> Iterator[RecoveryPointSource]:
        """Yield what reads it here and behind SFTP, as a login that is not root."""
        yield local(folder, names)
        yield behind(folder, self.server, names, "daemon")


@contextmanager
def as_somebody() -> Iterator[None]:
    """Let this process read as daemon does, who is not root; ssh is started as root."""
    os.seteuid(1)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def closed() -> Iterator[Closed]:
    """Return a folder that any login may enter, and a server of which one sees that alone."""
    # Where sshd takes a root from: no folder above it is open to all, as /run may be.
    with tempfile.TemporaryDirectory(prefix="pd-closed-", dir="/var/lib") as name:
        top = Path(name)
        (top / "sshd").mkdir()
        (top / "dumps").mkdir()
        chroot = f"Match User sys\nChrootDirectory {top}/dumps\nForceCommand internal-sftp"
        for each in (top, top / "sshd", top / "dumps"):
            each.chmod(0o755)
        server = Sshd(top / "sshd", chroot, name="backup")
        server.start()
        yield Closed(top / "dumps", server)
        server.stop()


def read_as_somebody(dumps: RecoveryPointSource) -> Catalogue:
    """Return the catalogue that a login without root's rights gets."""
    if isinstance(dumps.source._folder, LocalFolder):  # type: ignore[attr-defined]
        with as_somebody():
            return dumps.catalogue(BOUNDS)
    return dumps.catalogue(BOUNDS)


def test_a_part_that_may_not_be_read_is_named_and_the_rest_is_read(closed: Closed) -> None:
    """A dump's folder and a day's folder of which nothing is known are passed over by name."""
    (closed.folder / OLD).write_text(SQL)
    (closed.folder / NEW).mkdir(0o700)
    (closed.folder / NEW / "data.sql").write_text(SQL)
    for dumps in closed.sources(closed.folder, "moodle-%Y%m%d-%H%M%S.sql"):
        catalogue = read_as_somebody(dumps)
        assert usable(catalogue) == [OLD]
        (refusal,) = catalogue.unusable()
        assert refusal.startswith(f"{NEW}: ")
        assert "Permission denied" in refusal or "may not be read" in refusal

    for day, mode in (("2026-03-10", 0o755), ("2026-03-11", 0o700)):
        (closed.folder / day).mkdir()
        (closed.folder / day / "moodle.sql").write_text(SQL)
        (closed.folder / day).chmod(mode)
    for dumps in closed.sources(closed.folder, "%Y-%m-%d/moodle.sql"):
        catalogue = read_as_somebody(dumps)
        assert usable(catalogue) == ["2026-03-10/moodle.sql"]
        (refusal,) = catalogue.unusable()
        assert refusal.startswith("2026-03-11: ")


def test_a_folder_that_may_be_listed_and_not_entered_is_not_empty(closed: Closed) -> None:
    """Without the right to look at what lies there, nothing is known of it."""
    (closed.folder / "dumps").mkdir()
    (closed.folder / "dumps" / OLD).write_text(SQL)
    (closed.folder / "dumps").chmod(0o744)
    for dumps in closed.sources(closed.folder / "dumps", "moodle-%Y%m%d-%H%M%S.sql"):
        with pytest.raises(NotReadyError, match=r"Permission denied|may not be read"):
            read_as_somebody(dumps)


def test_an_account_for_sftp_alone_in_its_own_root_is_read(closed: Closed) -> None:
    """Paths are those that the account sees."""
    (closed.folder / OLD).write_text(SQL)
    dumps = behind(Path("/"), closed.server, "moodle-%Y%m%d-%H%M%S.sql", "sys")
    assert usable(dumps.catalogue(BOUNDS)) == [OLD]


RELAY = """\
import os, select, subprocess, sys, time
pause, after = float(sys.argv[1]), int(sys.argv[2])
server = subprocess.Popen([sys.argv[3]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
count = 0
while True:
    ready, _, _ = select.select([0, server.stdout], [], [])
    for each, to in ((0, server.stdin.fileno()), (server.stdout, 1)):
        if each in ready:
            data = os.read(each if each == 0 else each.fileno(), 65536)
            if not data:
                sys.exit()
            if to == 1:
                time.sleep(pause)
                count += 1
                if count > after:
                    time.sleep(600)
            os.write(to, data)
"""


def slow(another_sshd: Any, tmp_path: Path, pause: float, after: int = 9_999) -> Sshd:
    """Start an sshd whose SFTP pauses before each answer, and says nothing after so many."""
    relay = tmp_path / "relay.py"
    relay.write_text(RELAY)
    command = f"{sys.executable} {relay} {pause} {after} {SFTP_SERVER}"
    server: Sshd = another_sshd(name="backup", sftp=command)
    return server


def test_a_slow_server_is_read_and_one_that_hangs_is_left_at_the_deadline(
    another_sshd: Any, tmp_path: Path
) -> None:
    """Half a second an answer is fine; no answer any more ends with the deadline, and says so."""
    (folder := tmp_path / "dumps").mkdir()
    for number in range(150):
        (folder / f"moodle-20260310-{number:06}.sql.log").touch()
    (folder / OLD).write_text(SQL)
    server = slow(another_sshd, tmp_path, 0.3)
    dumps = source(folder, server, server.known_hosts)
    assert usable(dumps.catalogue(BOUNDS)) == [OLD]
    started = time.monotonic()
    with pytest.raises(NotReadyError, match=r"reading sftp://.* did not end within 1 s"):
        dumps.catalogue(Bounds(1.0))
    assert time.monotonic() - started < 8
    with pytest.raises(NotReadyError, match=r"was stopped before its end"):
        dumps.catalogue(Bounds(60.0, lambda: True))
    hanging = slow(another_sshd, tmp_path, 0, after=4)
    dumps = source(folder, hanging, hanging.known_hosts)
    with pytest.raises(NotReadyError, match="did not end within 2 s"):
        dumps.catalogue(Bounds(2.0))


LOGINS = {
    "echo welcome": "the login on 127.0.0.1 prints something before SFTP begins",
    "exit 3": "the login on 127.0.0.1 ends before SFTP begins",
}


@pytest.mark.parametrize("words", mostly_nightly(LOGINS, "echo welcome"))
def test_a_login_whose_shell_spoils_sftp_is_told_as_that(
    another_sshd: Any, tmp_path: Path, words: str
) -> None:
    """OpenSSH's own client cannot read such a login either; it is up, and its key is right."""
    server = another_sshd(name="backup", sftp=SFTP_SERVER)
    (server.folder / ".bashrc").write_text(f"{words}\n")
    with pytest.raises(NotReadyError) as refusal:
        source(tmp_path, server, server.known_hosts).catalogue(BOUNDS)
    assert LOGINS[words] in refusal.value.message
    assert refusal.value.hint


@pytest.mark.nightly
def test_a_hundred_thousand_files_are_read_in_time(sshd: Sshd, tmp_path: Path) -> None:
    """Dumps of each hour of eleven years, here and behind SFTP, within the usual deadline."""
    for number in range(100_000):
        day, hour = divmod(number, 24)
        year, day = divmod(day, 365)
        os.close(os.open(tmp_path / f"m-{2014 + year}-{day + 1:03}-{hour:02}.sql", os.O_CREAT))
    for dumps in (
        local(tmp_path, "m-%Y-%j-%H.sql"),
        behind(tmp_path, sshd, "m-%Y-%j-%H.sql"),
    ):
        started = time.monotonic()
        assert len(dumps.catalogue(Bounds(120.0)).points) == 100_000
        print(f"{time.monotonic() - started:.1f} s")  # noqa: T201 for whoever runs it by hand
