"""Folders of dumps: what real dump tools write, whole and damaged, here and over SFTP."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.sources.conftest import ENDED, SQL, Server, mydumped, run
from tests.sources.databases import NAME, database, mariadb, pg_dump

from pradrill.adapters.backups.dumps.local_folder import LocalFolder
from pradrill.adapters.backups.dumps.source import Dumps
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.ssh.sftp import SftpFolder
from pradrill.domain.declared.backup_source import DumpsSource, Ssh
from pradrill.domain.run.backup_catalogue import RecoveryPoint
from pradrill.domain.run.backup_integrity import Checked, IntegrityPart, Soundness
from pradrill.domain.values.ssh_place import SshPlace
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds, Folder

BOUNDS = Bounds(60.0)
__all__ = ["database", "mariadb"]
AT = datetime(2026, 3, 10, 1, 0, tzinfo=UTC)


def source(folder: Path | str, suffix: str, reader: Folder | None = None, **changes: Any) -> Dumps:
    """Return a source of dumps with that suffix."""
    fields = {
        "folder": str(folder),
        "names": f"moodle-%Y%m%d-%H%M%S{suffix}",
        "timezone": "UTC",
        "quiet": "0s",
        **changes,
    }
    declared = DumpsSource.model_validate(fields)
    return Dumps(declared, reader or LocalFolder(), SteadyClock())


def only(dumps: Dumps) -> RecoveryPoint:
    """Return the one point."""
    (point,) = dumps.catalogue(BOUNDS).points
    return point


def checked(dumps: Dumps) -> Checked:
    """Check the one point."""
    return dumps.check(only(dumps), IntegrityPart(1, 1), BOUNDS)


def sum_up(path: Path) -> None:
    """Write a file's SHA-256 beside it."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(f"{path.name}.sha256").write_text(f"{digest}  {path.name}\n")


def sum_up_all(folder: Path) -> None:
    """Write the SHA-256 of every file of a folder into it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = (
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}  ./{p.relative_to(folder)}" for p in files
    )
    (folder / "SHA256SUMS").write_text("\n".join(lines) + "\n")


def zstd(content: bytes) -> bytes:
    """Pack with the real zstd, which writes checksums."""
    return subprocess.run(
        ["zstd", "-q", "-c"], input=content, capture_output=True, check=True
    ).stdout


PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".sql.gz": gzip.compress,
    ".sql.zst": zstd,
    ".sql.bz2": bz2.compress,
    ".sql.xz": lzma.compress,
}


TOOLS = {".sql.gz": "gzip", ".sql.zst": "zstd", ".sql.bz2": "bzip2", ".sql.xz": "xz"}


@pytest.mark.parametrize("suffix", PACKED)
def test_a_packed_dump_is_sound_by_its_packings_checksum(tmp_path: Path, suffix: str) -> None:
    """gzip, zstd, bzip2 and xz tell a changed byte by themselves; no SHA-256 is needed."""
    (tmp_path / f"{NAME}{suffix}").write_bytes(PACKED[suffix](ENDED.encode()))
    assert checked(source(tmp_path, suffix)).soundness is Soundness.SOUND


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.97])
def test_a_packed_dump_that_is_cut_is_damaged(tmp_path: Path, suffix: str, keep: float) -> None:
    """Wherever it ends, and even if nothing of it is left."""
    content = PACKED[suffix](ENDED.encode())
    (tmp_path / f"{NAME}{suffix}").write_bytes(content[: int(len(content) * keep)])
    assert checked(source(tmp_path, suffix)).soundness is Soundness.DAMAGED


@pytest.mark.parametrize("suffix", PACKED)
def test_no_changed_byte_of_a_packed_dump_is_passed_over(tmp_path: Path, suffix: str) -> None:
    """Each byte in turn is another one: what is called sound then still unpacks to the same."""
    content = b"-- small\nCREATE TABLE t (n int);\n-- Dump completed on today\n"
    packed, tool = PACKED[suffix](content), TOOLS[suffix]
    dumps, path = source(tmp_path, suffix), tmp_path / f"{NAME}{suffix}"
    kinds = set()
    for place in range(len(packed)):
        path.write_bytes(packed[:place] + bytes([packed[place] ^ 0x10]) + packed[place + 1 :])
        kinds.add(soundness := checked(dumps).soundness)
        if soundness is Soundness.SOUND:
            result = subprocess.run([tool, "-dc", path], capture_output=True, check=True)
            assert result.stdout == content, place
    assert Soundness.DAMAGED in kinds


@pytest.mark.parametrize("suffix", PACKED)
@pytest.mark.parametrize("count", [1, 4, 512, 16_384])
def test_zeros_behind_a_packing_are_judged_as_its_tool_takes_them(
    tmp_path: Path, suffix: str, count: int
) -> None:
    """What it does not unpack with all that follows is not sound; tapes pad, and xz has a rule."""
    path, packed = tmp_path / f"{NAME}{suffix}", PACKED[suffix](ENDED.encode())
    for content, times in ((packed + bytes(count), 1), (packed + bytes(count) + packed, 2)):
        path.write_bytes(content)
        words = [TOOLS[suffix], "-dcq", str(path)]
        result = subprocess.run(words, capture_output=True, check=False)
        is_read = result.returncode == 0 and result.stdout == ENDED.encode() * times
        checked_dump = checked(source(tmp_path, suffix))
        assert checked_dump.soundness is (Soundness.SOUND if is_read else Soundness.DAMAGED)


def test_a_dump_that_was_cut_before_it_was_packed_is_damaged(tmp_path: Path) -> None:
    """A full disk under mariadb-dump leaves a perfect gzip of half a dump."""
    content = f"-- MariaDB dump 10.19  Distrib 10.11.14-MariaDB\n{SQL}".encode()
    (tmp_path / f"{NAME}.sql.gz").write_bytes(gzip.compress(content))
    checked_dump = checked(source(tmp_path, ".sql.gz"))
    assert checked_dump.soundness is Soundness.DAMAGED
    assert "cut off" in checked_dump.detail


def test_a_plain_dump_needs_a_checksum_to_be_sound(tmp_path: Path) -> None:
    """A changed letter in plain SQL looks like any other: complete is not sound."""
    path = tmp_path / f"{NAME}.sql"
    path.write_text(ENDED)
    checked_dump = checked(source(tmp_path, ".sql"))
    assert checked_dump.soundness is Soundness.UNPROVEN
    assert "SHA-256" in checked_dump.detail
    sum_up(path)
    assert checked(source(tmp_path, ".sql")).soundness is Soundness.SOUND
    path.write_text(ENDED.replace("VALUES (1)", "VALUES (7)", 1))
    assert checked(source(tmp_path, ".sql")).soundness is Soundness.DAMAGED
    path.write_text(f"-- PostgreSQL database dump\n{SQL}")
    (tmp_path / f"{path.name}.sha256").unlink()
    assert checked(source(tmp_path, ".sql")).soundness is Soundness.DAMAGED


def test_the_names_give_the_time_and_the_neighbours_are_left_out(tmp_path: Path) -> None:
    """The date in the name, in its zone, is the data's time; the file's own is when it was done."""
    path = tmp_path / f"{NAME}.sql.gz"
    path.write_bytes(b"x")
    os.utime(path, (1_773_200_000, 1_773_200_000))
    for other in ("wiki-20260310-010000.sql.gz", f"{NAME}.sql.gz.part", "latest.sql.gz"):
        (tmp_path / other).write_bytes(b"x")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "moodle-20260311-010000.sql.gz")
    point = only(source(tmp_path, ".sql.gz"))
    assert (point.id, point.data_time, point.size) == (path.name, AT, 1)
    assert point.available == datetime.fromtimestamp(1_773_200_000, UTC)
    paris = only(source(tmp_path, ".sql.gz", timezone="Europe/Paris"))
    assert paris.data_time == AT.replace(hour=0)


def test_weekly_names_date_each_dump_in_its_week(tmp_path: Path) -> None:
    """Dumps that are named by their week are in order, a week apart, alone and in its folder."""
    declared = {"timezone": "UTC", "folder": str(tmp_path)}
    for names, paths in (
        ("app-%G-W%V.sql", ["app-2026-W52.sql", "app-2026-W53.sql", "app-2027-W01.sql"]),
        ("%Y-W%W/app-%W.sql", ["2026-W51/app-51.sql", "2026-W52/app-52.sql"]),
    ):
        for path in paths:
            (tmp_path / path).parent.mkdir(exist_ok=True)
            (tmp_path / path).write_text(ENDED)
        spec = DumpsSource.model_validate({**declared, "names": names})
        points = Dumps(spec, LocalFolder(), SteadyClock()).catalogue(BOUNDS).points
        dates = {point.id: point.data_time for point in points}
        days = [dates[path].isoformat()[:10] for path in paths]
        assert days == ["2026-12-21", "2026-12-28", "2027-01-04"][: len(paths)]


def test_an_empty_dump_is_never_chosen(tmp_path: Path) -> None:
    """The most common broken backup of all is a file of no bytes."""
    (tmp_path / f"{NAME}.sql.gz").touch()
    assert only(source(tmp_path, ".sql.gz")).problem == "it is empty"


@pytest.mark.parametrize("command", ["gzip", "xz", "zstd -q -c", "bzip2", "tar -czf - -T -"])
def test_a_packing_of_nothing_is_never_chosen(tmp_path: Path, command: str) -> None:
    """What a dump that failed leaves at the other end of its pipe has bytes, and holds none."""
    path = tmp_path / f"{NAME}.sql.gz"
    with path.open("wb") as file:
        subprocess.run(shlex.split(command), stdin=subprocess.DEVNULL, stdout=file, check=True)
    assert path.stat().st_size > 0
    assert only(source(tmp_path, ".sql.gz")).problem == "it is empty"


def test_a_dump_is_no_newer_than_it_was_written(tmp_path: Path) -> None:
    """A dated link, a name of another zone and a copy under a new name are as old as their file."""
    day = int(AT.timestamp())
    real = tmp_path / f"{NAME}.sql.gz"
    real.write_bytes(gzip.compress(ENDED.encode()))
    os.utime(real, (day + 60, day + 60))
    (tmp_path / "moodle-20260311-010000.sql.gz").symlink_to(real.name)
    os.link(real, tmp_path / "moodle-20260312-010000.sql.gz")
    shutil.copy2(real, tmp_path / "moodle-20260310-030000.sql.gz")
    undated = tmp_path / "moodle-20260313-010000.sql.gz"
    shutil.copy(real, undated)
    os.utime(undated, (0, 0))  # no time was kept

    points = source(tmp_path, ".sql.gz").catalogue(BOUNDS).points
    ages = [int(point.data_time.timestamp()) - day for point in points]
    assert ages == [0, 60, 60, 60, 3 * 86_400]


def test_a_folder_that_holds_an_older_dump_is_no_newer(tmp_path: Path) -> None:
    """Nightly copies of a folder into which nothing is dumped any more are all of one age."""
    day = int(AT.timestamp())
    for night in ("2026-03-11", "2026-03-12"):
        folder = tmp_path / night
        folder.mkdir()
        (folder / "moodle.sql.gz").write_bytes(gzip.compress(ENDED.encode()))
        (tmp_path / f"tree-{night}").mkdir()
        (tmp_path / f"tree-{night}" / "page.html").write_text("unchanged")
        sum_up_all(folder)
        for path in tmp_path.rglob("*"):
            os.utime(path, (day, day))

    for names, age in (("%Y-%m-%d/moodle.sql.gz", 0), ("%Y-%m-%d", 0), ("tree-%Y-%m-%d", 82_800)):
        points = source(tmp_path, "", names=names).catalogue(BOUNDS).points
        ages = [int(point.data_time.timestamp()) - day for point in points]
        assert ages == [age, age + 86_400 if age else 0], names


def test_a_name_that_is_no_instant_is_told_by_its_date(tmp_path: Path) -> None:
    """One in the hour that summer time skips, and one of a year before any dump."""
    for name in ("moodle-20260329-023000.sql", "moodle-19690101-010000.sql"):
        (tmp_path / name).write_text(ENDED)
    points = source(tmp_path, ".sql", timezone="Europe/Paris").catalogue(BOUNDS).points
    early, skipped = [point.problem for point in points]
    assert early == '"1969-01-01 01:00:00" is not between the years 2000 and 2099'
    assert skipped.startswith('"2026-03-29 02:30:00" does not exist in Europe/Paris')


@pytest.mark.parametrize("form", ["gz", "zst"])
def test_a_tar_archive_is_read_to_its_end(tmp_path: Path, form: str) -> None:
    """An archive of files is sound when its packing and its own end are there."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/file").write_bytes(os.urandom(50_000))
    plain = tmp_path / "plain.tar"
    run(["tar", "-C", str(tmp_path), "-cf", str(plain), "data"], env={})
    pack = gzip.compress if form == "gz" else zstd
    path = tmp_path / f"{NAME}.tar.{form}"
    path.write_bytes(pack(plain.read_bytes()))
    dumps = source(tmp_path, f".tar.{form}")
    assert checked(dumps).soundness is Soundness.SOUND
    path.write_bytes(pack(plain.read_bytes()[:30_000]))
    assert checked(dumps).soundness is Soundness.DAMAGED
    path.write_bytes(pack(plain.read_bytes()[: 512 + 512 + 50_176]))  # all files, and no end
    assert checked(dumps).soundness is Soundness.DAMAGED


@pytest.mark.parametrize("form", ["p", "c", "t", "d"])
def test_every_format_of_pg_dump_is_known(database: Server, form: str, tmp_path: Path) -> None:
    """With checksums it is sound; a cut or a changed byte is damage; without, it is unproven."""
    path = pg_dump(database, form, tmp_path)
    dumps = source(tmp_path, ".dump")
    assert only(dumps).problem == ""
    assert checked(dumps).soundness is Soundness.UNPROVEN
    data = max(path.glob("*.gz"), key=lambda p: p.stat().st_size) if form == "d" else path
    whole = data.read_bytes()
    data.write_bytes(whole[: len(whole) // 2])
    assert checked(dumps).soundness is Soundness.DAMAGED
    data.write_bytes(whole)
    sum_up_all(path) if form == "d" else sum_up(path)
    assert checked(dumps).soundness is Soundness.SOUND
    middle = len(whole) // 2
    data.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    assert checked(dumps).soundness is Soundness.DAMAGED


def test_an_unfinished_folder_of_pg_dump_is_never_chosen(database: Server, tmp_path: Path) -> None:
    """pg_dump writes toc.dat last: without it the dump was interrupted."""
    path = pg_dump(database, "d", tmp_path)
    (path / "toc.dat").unlink()
    assert "did not come to its end" in only(source(tmp_path, ".dump")).problem


def test_a_file_that_is_missing_from_a_folder_is_damage(database: Server, tmp_path: Path) -> None:
    """What the checksums name and the folder lacks was there once."""
    path = pg_dump(database, "d", tmp_path)
    sum_up_all(path)
    max(path.glob("*.gz"), key=lambda p: p.stat().st_size).unlink()
    checked_dump = checked(source(tmp_path, ".dump"))
    assert (checked_dump.soundness, "missing" in checked_dump.detail) == (Soundness.DAMAGED, True)


@pytest.mark.skipif(shutil.which("mydumper") is None, reason="Debian 13 has no mydumper")
def test_mydumper_is_known(mariadb: Path, tmp_path: Path) -> None:
    """Its folder is whole with its metadata; without checksums for all of it, it is unproven."""
    path = tmp_path / f"{NAME}.mydumper"
    mydumped(mariadb, path, "-B", "moodle", "-c")
    dumps = source(tmp_path, ".mydumper")
    assert only(dumps).problem == ""
    assert checked(dumps).soundness is Soundness.UNPROVEN
    sum_up_all(path)
    assert checked(dumps).soundness is Soundness.SOUND
    data = max(path.glob("*.gz"), key=lambda p: p.stat().st_size)
    whole = data.read_bytes()
    data.write_bytes(whole[:-20])
    assert checked(dumps).soundness is Soundness.DAMAGED
    (path / "SHA256SUMS").unlink()
    assert checked(dumps).soundness is Soundness.DAMAGED  # gzip's own checksum tells it too
    (path / "metadata").rename(path / "metadata.partial")
    assert "did not come to its end" in only(dumps).problem


def test_mariabackup_is_known(mariadb: Path, tmp_path: Path) -> None:
    """Its folder is whole with its last file; its checksums make it sound."""
    path = tmp_path / f"{NAME}.full"
    run(["mariabackup", "--no-defaults", "--backup", f"--target-dir={path}", f"--socket={mariadb}",
         "--user=root", f"--datadir={mariadb.parent}/d"], env={})  # fmt: skip
    dumps = source(tmp_path, ".full")
    assert only(dumps).problem == ""
    assert checked(dumps).soundness is Soundness.UNPROVEN
    sum_up_all(path)
    assert checked(dumps).soundness is Soundness.SOUND
    with (path / "ibdata1").open("r+b") as file:
        file.seek(100_000)
        byte = file.read(1)
        file.seek(100_000)
        file.write(bytes([byte[0] ^ 1]))
    assert checked(dumps).soundness is Soundness.DAMAGED
    for name in ("xtrabackup_info", "mariadb_backup_info"):  # MariaDB 10's and 11's
        (path / name).unlink(missing_ok=True)
    assert "did not come to its end" in only(dumps).problem


def test_mariadb_dump_is_known(mariadb: Path, tmp_path: Path) -> None:
    """What the real mariadb-dump writes last is what completeness is told by."""
    dump = run(["mariadb-dump", f"--socket={mariadb}", "-uroot", "moodle"], env={})
    (tmp_path / f"{NAME}.sql.gz").write_bytes(gzip.compress(dump.encode()))
    assert checked(source(tmp_path, ".sql.gz")).soundness is Soundness.SOUND
    (tmp_path / f"{NAME}.sql.gz").write_bytes(gzip.compress(dump.encode()[:-400]))
    assert checked(source(tmp_path, ".sql.gz")).soundness is Soundness.DAMAGED


# Over SFTP, on a real sshd


def over(sshd: Any, known_hosts: Path | None = None, port: int | None = None) -> SftpFolder:
    """Return the sshd's files."""
    place = SshPlace(sshd.address, port or sshd.port, None, "/")
    return SftpFolder(place, Ssh(known_hosts=known_hosts or sshd.known_hosts, private_key=sshd.key))


def test_a_folder_behind_sftp_is_read_like_one_here(sshd: Any, tmp_path: Path) -> None:
    """The same catalogue, and the same check, byte by byte, of a file of several megabytes."""
    path = tmp_path / f"{NAME}.sql"
    path.write_text("-- a dump\n" + "x" * 5_000_000 + "\n-- Dump completed\n")
    sum_up(path)
    there = source(f"sftp://me@backup{tmp_path}", ".sql", over(sshd))
    here = source(tmp_path, ".sql")
    assert only(there) == only(here)
    assert checked(there).soundness is Soundness.SOUND
    path.write_text(path.read_text().replace("xx", "xy", 1))
    assert checked(there).soundness is Soundness.DAMAGED


def test_a_dump_folder_behind_sftp_is_read(sshd: Any, tmp_path: Path) -> None:
    """Folders in folders and links are followed as they are here."""
    path = tmp_path / "real"
    path.mkdir()
    (path / "metadata").write_text("# Finished dump at: 2026-03-10 01:00:09\n")
    (path / "moodle.t.sql.gz").write_bytes(gzip.compress(b"INSERT"))
    sum_up_all(path)
    (tmp_path / f"{NAME}.d").symlink_to("real")
    there = source(f"sftp://me@backup{tmp_path}", ".d", over(sshd))
    assert only(there) == only(source(tmp_path, ".d"))
    assert checked(there).soundness is Soundness.SOUND


def test_sftp_refuses_what_is_not_pinned_not_there_or_closed(sshd: Any, tmp_path: Path) -> None:
    """Another host key, a folder that is not there, a closed port: each is told."""
    other = tmp_path / "known_hosts"
    key = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    other.write_text(
        f"[127.0.0.1]:{sshd.port} ssh-ed25519 {key}\n[127.0.0.1]:1 ssh-ed25519 {key}\n"
    )
    place = f"sftp://me@backup{tmp_path}"
    with pytest.raises(NotReadyError, match="not the pinned one"):
        source(place, ".sql", over(sshd, other)).catalogue(BOUNDS)
    with pytest.raises(NotReadyError, match="does not exist"):
        source(f"{place}/nowhere", ".sql", over(sshd)).catalogue(BOUNDS)
    with pytest.raises(NotReadyError, match="does not answer"):
        source(place, ".sql", over(sshd, other, 1)).catalogue(BOUNDS)


def test_a_server_that_dies_in_the_middle_is_told(another_sshd: Any, tmp_path: Path) -> None:
    """A dump that could not be read to its end is neither sound nor damaged."""
    server = another_sshd(name="backup")
    path = tmp_path / f"{NAME}.sql"
    path.write_bytes(b"-- a dump\n" + os.urandom(3_000_000))
    folder = over(server)
    with folder.read(str(path)) as pieces:
        next(pieces)
        server.stop()
        with pytest.raises(NotReadyError, match="cannot be read"):
            list(pieces)


def test_a_password_login_is_refused_without_one_that_fits(sshd: Any, tmp_path: Path) -> None:
    """This server takes keys only: a password is tried, refused, and not in the error."""
    place = SshPlace(sshd.address, sshd.port, None, "/")
    folder = SftpFolder(place, Ssh(known_hosts=sshd.known_hosts), lambda: "battery staple")
    with pytest.raises(NotReadyError, match="refuses the login") as refusal:
        source(f"sftp://me@backup{tmp_path}", ".sql", folder).catalogue(BOUNDS)
    assert "staple" not in str(refusal.value)
