"""Folders of dumps as jobs leave them: unfinished, copied, without marks, a folder for each day."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.sources.conftest import Server, mostly_nightly, run
from tests.sources.databases import database, mariadb, pg_dump
from tests.sources.test_bad_restores import call, load_mariadb, load_postgresql, rows
from tests.sources.test_dumps import BOUNDS, checked, only, source, sum_up, sum_up_all, zstd

from pradrill.domain.declared.backup_source import Promised, Select
from pradrill.domain.run.backup_catalogue import CatalogueReading, RecoveryPoint, read
from pradrill.domain.run.backup_integrity import IntegrityPart, Soundness
from pradrill.errors import NotReadyError

__all__ = ["database", "mariadb"]
DAY = timedelta(days=1)
WHOLE = IntegrityPart(1, 1)
DUMP = b"-- MariaDB dump 10.19  Distrib\nCREATE TABLE t (n int);\n-- Dump completed\n"


def night(folder: Path, ago: float, *, at: float | None = None) -> Path:
    """Write the dump of so many days ago; its file is of that time, or of `at`."""
    at_seconds = time.time() - ago * 86_400
    path = folder / f"moodle-{datetime.fromtimestamp(at_seconds, UTC):%Y%m%d-%H%M%S}.sql.gz"
    path.write_bytes(gzip.compress(DUMP))
    os.utime(path, (at or at_seconds, at or at_seconds))
    return path


def reading(folder: Path, **changes: Any) -> CatalogueReading:
    """Return what a drill learns from a folder of nights."""
    catalogue = source(folder, ".sql.gz", **{"quiet": "5m", **changes}).catalogue(BOUNDS)
    return read(catalogue, Select(), 90 * DAY, Promised(every=DAY))


# ---------------------------------------------------------------- unfinished

UNFINISHED: dict[str, tuple[str, bool]] = {
    "being written": ("", False),
    "with its checksum": (".sha256", True),
    "with its manifest": (".manifest.json", True),
}


@pytest.mark.parametrize("state", UNFINISHED)
def test_the_newest_dump_counts_once_it_is_known_to_be_complete(tmp_path: Path, state: str) -> None:
    """One that was just written to is named and passed over, unless what follows it is there."""
    mark, counts = UNFINISHED[state]
    before, newest = night(tmp_path, 1), night(tmp_path, 0.01, at=time.time())
    if mark == ".sha256":
        sum_up(newest)
    elif mark:
        newest.with_name(newest.name + mark).write_text("{}")
    result = reading(tmp_path)
    assert result.selected.id == (newest if counts else before).name
    assert bool(result.unusable) is not counts
    assert timedelta(seconds=result.worst_case.seconds) >= 0.98 * DAY
    assert reading(tmp_path, quiet="0s").selected.id == newest.name
    os.utime(newest, (time.time() - 600,) * 2)
    assert reading(tmp_path).selected.id == newest.name


def age(path: Path, seconds: float) -> None:
    """Date a file, and nothing else."""
    os.utime(path, (time.time() - seconds,) * 2)


def test_a_mark_that_is_older_than_a_dump_does_not_complete_it(tmp_path: Path) -> None:
    """A manifest that is written first, and a sum of what stood there before, are no end."""
    before, newest = night(tmp_path, 1), night(tmp_path, 0.01, at=time.time())
    marks = ("SHA256SUMS", f"{newest.name}.sha256", f"{newest.name}.manifest.json")
    for name in marks:
        mark = tmp_path / name
        digest = hashlib.sha256(newest.read_bytes()).hexdigest()
        mark.write_text(f"{digest}  {newest.name}\n")
        assert reading(tmp_path).selected.id == newest.name, name
        age(mark, 30)
        assert reading(tmp_path).selected.id == before.name, name
        age(newest, 60)
        assert reading(tmp_path).selected.id == newest.name, name
        age(newest, 0)
        mark.unlink()


def test_a_lock_beside_a_dump_says_that_it_is_being_written(tmp_path: Path) -> None:
    """However long it was silent; a checksum that follows says more, and a part is no dump."""
    before, newest = night(tmp_path, 1), night(tmp_path, 0.1)
    for name in (f"{newest.name}.part", f".{newest.name}.x7Q2ab", f"{newest.name}.manifest.json"):
        (tmp_path / name).write_text("{}")
        age(tmp_path / name, 99_999)
    staging = tmp_path.with_name("staging")
    staging.mkdir()
    words = ("fetch-backup", tmp_path, "", staging, "no")
    assert call(*words).stdout.split()[0] == reading(tmp_path).selected.id == newest.name
    for name in (f"{newest.name}.lock", f".{newest.name}.lck"):
        (tmp_path / name).touch()
        result = reading(tmp_path)
        assert call(*words).stdout.split()[0] == result.selected.id == before.name
        assert result.unusable == (f"{newest.name}: {name} says that it is being written",)
        (tmp_path / name).unlink()
    (tmp_path / f"{newest.name}.lock").touch()
    sum_up(newest)
    assert reading(tmp_path).selected.id == newest.name


FILLING = {
    "a part of its archive": (".files.tar.gz.x7Q2ab", ".files.tar.gz.x7Q2ab says that it is being"),
    "a part": ("files.tar.gz.part", "files.tar.gz.part says that it is being written"),
    "a lock": ("lock", "lock says that it is being written"),
    "an archive that its list lacks": ("files.tar.gz", "written to less than 5m ago"),
}


@pytest.mark.parametrize("state", FILLING)
def test_a_folder_that_a_job_still_fills_is_passed_over(tmp_path: Path, state: str) -> None:
    """A list of its first file does not complete it; written again at the end it does."""
    name, reason = FILLING[state]
    before, day = tmp_path / "2026-03-09", tmp_path / "2026-03-10"
    for each in (before, day):
        each.mkdir()
        (each / "moodle.sql.gz").write_bytes(gzip.compress(DUMP))
        age(each / "moodle.sql.gz", 900)
        sum_up_all(each)
        age(each / "SHA256SUMS", 800)
    (day / name).write_bytes(b"half")
    its = {"names": "%Y-%m-%d"}
    result = reading(tmp_path, **its)
    assert result.selected.id == before.name, result
    assert reason in str(result.unusable)
    age(day / "SHA256SUMS", 0)
    age(day / name, 0)
    assert reading(tmp_path, **its).selected.id == day.name


TREE = {
    "composer.lock": b"{}" * 500,
    "Gemfile.lock": b"GEM" * 200,
    "www/.git/index.lock": b"",
    "www/cache/page.tmp": b"half",
    "www/.htaccess.backup": b"deny",
    ".env.sample": b"A=1",
    "log/.cron.202611": b"",
    "lock/mutex.py": b"class Mutex" * 50,
    ".tmp/page": b"half",
}
"""Files of any web site's, whose names are like those of what is being written."""

OF_A_JOB = {
    "backup.lock/": "backup.lock says that it is being written",
    "mysql/shop.tmp": "mysql/shop.tmp says that it is being written",
    "mysql/.lock": "mysql/.lock says that it is being written",
    "mysql/backup.lock": "mysql/backup.lock says that it is being written",
    "mysql.tmp/": "mysql.tmp says that it is being written",
    ".backup.lock": ".backup.lock says that it is being written",
    "db/moodle.sql.gz.tmp": "db/moodle.sql.gz.tmp says that it is being written",
    "db/.moodle.sql.gz.x7Q2ab": "db/.moodle.sql.gz.x7Q2ab says that it is being written",
    "db/shop.sql.gz.crdownload": "db/shop.sql.gz.crdownload says that it is being written",
    "db/shop.sql.gz.aria2": "db/shop.sql.gz.aria2 says that it is being written",
    "shop.sql.gz.lftp-pget-status": "shop.sql.gz.lftp-pget-status says that it is being written",
    "www/.in.photo.jpg": "www/.in.photo.jpg says that it is being written",
    "www/photo.jpg.3fa2b1c0.partial": "www/photo.jpg.3fa2b1c0.partial says that it is being",
}


def test_a_folder_of_hollands_that_failed_is_no_backup(tmp_path: Path) -> None:
    """Its own file tells; a service's backup.conf in a copied tree is none of holland's."""
    day = tmp_path / "20260310_010000"
    day.mkdir()
    (day / "shop.sql").write_bytes(DUMP)
    for text, is_whole in (
        ("[holland:backup]\nplugin = mysqldump\non-disk-size = 0.0\nfailed = True\n", False),
        ("[holland:backup]\nplugin = mysqldump\n", False),
        ("[holland:backup]\nplugin = mysqldump\non-disk-size = 1234.0\n", True),
        ("[backup]\npath = /srv\n", True),
    ):
        (day / "backup.conf").write_text(text)
        problem = only(source(tmp_path, "", names="%Y%m%d_%H%M%S")).problem
        assert problem == "" if is_whole else "holland did not come to its end" in problem, text


@pytest.mark.parametrize("names", ["db-%d-%b-%Y.sql", "%d-%b-%Y/db.sql"])
def test_a_dump_of_a_month_that_is_two_is_named(tmp_path: Path, names: str) -> None:
    """It is not passed over in silence, as if the night were missing."""
    for month in ("mai", "jui"):
        dump = tmp_path / names.replace("%d-%b-%Y", f"10-{month}-2026")
        dump.parent.mkdir(exist_ok=True)
        dump.write_bytes(DUMP)
    points = source(tmp_path, "", names=names).catalogue(BOUNDS).points
    (problem,) = (each.problem for each in points if each.problem)
    assert problem.startswith("jui is June on one system and July on another")


DATED_TWICE = {
    "10-mai-2026/db-10-mai-2026.sql": "%d-%b-%Y/db-%d-%b-%Y.sql",
    "5-févr.-2026/db-5-févr.-2026-03.sql": "%-d-%b-%Y/db-%-d-%b-%Y-%H.sql",
    "5-11-2026/db-05-11-2026.sql": "%-d-%m-%Y/db-%d-%m-%Y.sql",
    "05-11-2026/db-5-11-2026.sql": "%d-%m-%Y/db-%-d-%m-%Y.sql",
    "2026-11-10/50%-2026-11-10_0315.sql": "%F/50%%-%F_%H%M.sql",
}


@pytest.mark.parametrize("name", DATED_TWICE)
def test_a_folder_and_its_dump_bear_one_date_as_the_job_writes_it(
    tmp_path: Path, name: str
) -> None:
    """In its locale's words and without padding, where both have them; no night is missing."""
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_bytes(DUMP)
    assert only(source(tmp_path, "", names=DATED_TWICE[name])).id == name


def test_a_day_whose_midnight_the_clocks_skip_begins_behind_it(tmp_path: Path) -> None:
    """Egypt puts them forward at midnight; a name that tells that hour is of another zone."""
    for name, form, is_dated in (
        ("db-2026-04-24.sql", "db-%Y-%m-%d.sql", True),
        ("db-2026-04-24_00.sql", "db-%Y-%m-%d_%H.sql", False),
    ):
        (tmp_path / name).write_bytes(DUMP)
        point = only(source(tmp_path, "", names=form, timezone="Africa/Cairo"))
        assert (point.problem == "") is is_dated
        assert not is_dated or point.data_time == datetime(2026, 4, 23, 22, tzinfo=UTC)


def test_a_download_that_is_not_whole_is_told_by_what_lies_beside_it(tmp_path: Path) -> None:
    """Those of aria2 and lftp have its name; what else bears that and an end is no backup."""
    before, newest = night(tmp_path, 1), night(tmp_path, 0.1)
    staging = tmp_path.with_name(f"{tmp_path.name}-staging")
    staging.mkdir()
    words = ("fetch-backup", tmp_path, "", staging, "no")
    signs = dict.fromkeys((".aria2", ".lftp-pget-status"), before)
    signs |= dict.fromkeys((".opdownload", ".log", ".checksum", ".sha512-256", ".rmd160"), newest)
    for end, whole in signs.items():
        sign = tmp_path / f"{newest.name}{end}"
        sign.write_text("half")
        age(sign, 9_999)
        assert call(*words).stdout.split()[0] == reading(tmp_path).selected.id == whole.name, end
        sign.unlink()


def test_a_copied_tree_is_no_job_that_writes(tmp_path: Path) -> None:
    """A dependency's lock, a cache's file, a name with a word behind its dot are a site's own."""
    day = tmp_path / "2026-03-10"
    for name, content in TREE.items():
        (day / name).parent.mkdir(parents=True, exist_ok=True)
        (day / name).write_bytes(content)
    (day / "mysql").mkdir()
    (day / "mysql/mail.sql").write_bytes(DUMP)
    (day / ".lock").symlink_to("lock")
    assert only(source(tmp_path, "", names="%Y-%m-%d")).problem == ""
    for name, problem in OF_A_JOB.items():
        sign = day / name
        if name.endswith("/"):
            sign.mkdir()
        else:
            sign.parent.mkdir(exist_ok=True)
            sign.write_bytes(b"1")
        assert problem in only(source(tmp_path, "", names="%Y-%m-%d")).problem, name
        shutil.rmtree(sign) if name.endswith("/") else sign.unlink()


def test_an_empty_file_of_a_tree_is_no_damage(tmp_path: Path) -> None:
    """Its checksum proves it like any other; an empty dump is none, whatever proves it."""
    day = tmp_path / "2026-03-10"
    (day / "www").mkdir(parents=True)
    (day / "a.sql").write_bytes(DUMP)
    (day / "www/.gitkeep").touch()
    dumps = source(tmp_path, "", names="%Y-%m-%d")
    assert checked(dumps).soundness is Soundness.UNPROVEN
    sum_up_all(day)
    assert checked(dumps).soundness is Soundness.SOUND
    (day / "www/b.sql").touch()
    sum_up_all(day)
    assert checked(dumps).detail == "www/b.sql: it is empty"
    (day / "www/b.sql").unlink()
    (day / "db").mkdir()
    (day / "db/mail.sql").write_bytes(DUMP)
    (day / "db/.gitkeep").touch()
    for name in ("shop.dmp", "shop.bson", "shop", "db/shop.dump.enc", "db/shop", "mail/shop.rdb"):
        (day / name).parent.mkdir(exist_ok=True)
        (day / name).touch()
        sum_up_all(day)
        assert checked(dumps).detail == f"{name}: it is empty"
        (day / name).unlink()


def test_what_a_job_notes_beside_its_dump_may_be_empty(tmp_path: Path) -> None:
    """Errors that did not come, and a flag, are no damage; a dump that did not come is."""
    day = tmp_path / "2026-03-10"
    day.mkdir()
    (day / "shop.sql").write_bytes(DUMP)
    for name in ("shop.err", "backup.log", "DONE", "_SUCCESS", ".complete", "shop.sql.ok"):
        (day / name).touch()
    dumps = source(tmp_path, "", names="%Y-%m-%d")
    assert checked(dumps).soundness is Soundness.UNPROVEN
    sum_up_all(day)
    assert checked(dumps).soundness is Soundness.SOUND
    (day / "wiki").touch()
    sum_up_all(day)
    assert checked(dumps).detail == "wiki: it is empty"


@pytest.mark.parametrize("words", [["-b", "40"], ["-b", "40", "-d", "-a", "3"]])
def test_a_part_of_a_file_that_was_split_is_not_cut_off(tmp_path: Path, words: list[str]) -> None:
    """Its sum proves it; alone nothing does, and what has no other part beside it is cut."""
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(os.urandom(90) + DUMP))
    day = tmp_path / "2026-03-10"
    day.mkdir()
    run(["split", *words, str(packed), f"{day}/shop.sql.gz."], env={})
    dumps = source(tmp_path, "", names="%Y-%m-%d")
    assert checked(dumps).soundness is Soundness.UNPROVEN
    sum_up_all(day)
    assert checked(dumps).soundness is Soundness.SOUND
    first, *others = sorted(day.glob("shop*"))
    for each in others:
        each.unlink()
    sum_up_all(day)
    assert "cut off" in checked(dumps).detail
    shutil.copy(first, tmp_path / "db-2026-03-09")
    shutil.copy(first, tmp_path / "db-2026-03-10")
    for point in source(tmp_path, "", names="db-%Y-%m-%d").catalogue(BOUNDS).points:
        night_of = source(tmp_path, "", names="db-%Y-%m-%d")
        assert night_of.check(point, WHOLE, BOUNDS).soundness is Soundness.DAMAGED


def test_a_copy_of_a_servers_folder_is_no_backup_of_mariabackups(tmp_path: Path) -> None:
    """It has the same tables, and no mark of an end that anybody misses."""
    day = tmp_path / "2026-03-10"
    day.mkdir()
    (day / "ibdata1").write_bytes(b"tables")
    dumps = source(tmp_path, "", names="%Y-%m-%d")
    assert "mariabackup did not come to its end" in only(dumps).problem
    (day / "mysql_upgrade_info").write_bytes(b"10.11.6-MariaDB")
    assert only(dumps).problem == ""


def test_a_server_whose_clock_is_ahead_completes_no_dump(tmp_path: Path) -> None:
    """What is dated a little later than now, by its file or its name, is as recent as can be."""
    before = night(tmp_path, 1)
    for newest in (night(tmp_path, 0.01, at=time.time() + 60), night(tmp_path, -0.002)):
        assert reading(tmp_path).selected.id == before.name
        assert "it may be unfinished" in str(reading(tmp_path).unusable)
        newest.unlink()


def test_a_name_in_other_bytes_is_told_and_the_catalogue_not_empty(tmp_path: Path) -> None:
    """A letter that is taken apart, or of Latin-1, is the declared one's, and no drill's choice."""
    for each in (b"20260310-e\xcc\x81", b"20260311-\xe9", "20260312-é".encode(), b"20260313-\xff"):
        Path(os.fsdecode(bytes(tmp_path) + b"/" + each)).write_bytes(DUMP)
    for names in ("%Y%m%d-é", "%Y%m%d-e\u0301"):
        points = source(tmp_path, "", names=names).catalogue(BOUNDS).points
        assert sorted(point.data_time.day for point in points) == [10, 11, 12]
        with pytest.raises(NotReadyError, match=r"3 of them unusable .*its name holds characters"):
            reading(tmp_path, names=names, quiet="0s")


@pytest.mark.parametrize("order", ["by name", "backwards", "at one moment"])
def test_a_copy_without_times_has_the_gaps_of_the_original(tmp_path: Path, order: str) -> None:
    """The nights that are missing are missing, and no objective is met by twelve minutes."""
    for place in ("true", "copy"):
        (tmp_path / place).mkdir()
    ages = (9, 8, 7, 6, 3, 2, 1)
    for number, age in enumerate(ages):
        night(tmp_path / "true", age)
        late = {"by name": number, "backwards": -number, "at one moment": 0}[order]
        night(tmp_path / "copy", age, at=time.time() - 900 + 100 * late)
    true, copy = (reading(tmp_path / place).worst_case for place in ("true", "copy"))
    assert abs(copy.seconds - true.seconds) < 2
    assert copy.seconds > 2.9 * 86_400
    assert (copy.missing_count, copy.is_short) == (true.missing_count, True) == (2, True)


# ---------------------------------------------------------------- marks


def _sqlite(folder: Path) -> bytes:
    script = "create table t (n int); insert into t values (1);"
    run(["sqlite3", f"{folder}/db", script], env={})
    return run(["sqlite3", f"{folder}/db", ".dump"], env={}).encode()


PHPMYADMIN = b"-- phpMyAdmin SQL Dump\n-- version 5.2.1\nCREATE TABLE `t` (`n` int);\nCOMMIT;\n"


@pytest.mark.parametrize(
    ("maker", "cut", "soundness"),
    [
        ("--skip-comments", False, Soundness.UNPROVEN),
        ("--compact", False, Soundness.UNPROVEN),
        ("phpMyAdmin", False, Soundness.UNPROVEN),
        ("sqlite", False, Soundness.SOUND),
        ("sqlite", True, Soundness.DAMAGED),
        ("mariadb-dump", False, Soundness.SOUND),
        ("mariadb-dump", True, Soundness.DAMAGED),
        ("a text", False, Soundness.UNPROVEN),
    ],
)
def test_the_absence_of_a_mark_is_no_damage_and_no_soundness(
    mariadb: Path, tmp_path: Path, maker: str, soundness: Soundness, *, cut: bool
) -> None:
    """Only a maker that writes a first line is known to write a last one."""
    dump = ["mariadb-dump", f"--socket={mariadb}", "-uroot", "moodle"]
    if maker == "sqlite":
        content = _sqlite(tmp_path)
    elif maker in {"phpMyAdmin", "a text"}:
        content = PHPMYADMIN if maker == "phpMyAdmin" else b"hello\n"
    else:
        options = [maker] if maker.startswith("--") else []
        content = run([*dump, *options], env={}).encode()
    content = content[: len(content) // 2] if cut else content
    (tmp_path / "moodle-20260310-010000.sql.gz").write_bytes(gzip.compress(content))
    assert checked(source(tmp_path, ".sql.gz")).soundness is soundness


def test_sql_in_an_archive_of_another_form_is_no_sql(tmp_path: Path) -> None:
    """An archive of tar's of 1979 has zeros behind a name, and no mark: they are no damage."""
    for name in ("shop-of-a-long-name.sql", "mail-of-a-long-name.txt"):
        (tmp_path / name).write_bytes(b"--\n-- PostgreSQL database dump\n--\n" + DUMP)
    archive = tmp_path / "moodle-20260310-010000.tar"
    names = ["shop-of-a-long-name.sql", "mail-of-a-long-name.txt"]
    run(["tar", "--format=v7", "-C", str(tmp_path), "-cf", str(archive), *names], env={})
    assert checked(source(tmp_path, ".tar")).soundness is Soundness.UNPROVEN
    (tmp_path / "moodle-20260310-010000.sql").write_bytes(b"\0" * 64 + DUMP)
    assert "zeros stand in it" in checked(source(tmp_path, ".sql")).detail


SHOWN_THROUGH = {
    "lz4 -l": (b"\x02\x21\x4c\x18\x00\x01\0\0" + DUMP + b"\0" * 9, "packed with lz4"),
    "Snappy": (b"\xff\x06\0\0sNaPpY\x01\0\0" + DUMP + b"\0", "packed with Snappy"),
    "openssl enc -a": (b"U2FsdGVkX1/abcd\n", "encrypted with openssl"),
    "an unknown packing": (b"\x01\x02PACK\n" + DUMP[:-20] + b"\0\0", "marks its end"),
}


def test_what_shows_through_a_packing_is_judged_by_nobody(tmp_path: Path) -> None:
    """Letters of SQL between the bytes of another form are no SQL with zeros in it."""
    for title, (content, why) in SHOWN_THROUGH.items():
        (tmp_path / "moodle-20260310-010000.sql").write_bytes(content)
        result = checked(source(tmp_path, ".sql"))
        assert (result.soundness, why in result.detail) == (Soundness.UNPROVEN, True), title


def test_a_small_packing_that_is_broken_is_not_called_empty(tmp_path: Path) -> None:
    """Its packing says why; a file of zeros is a crash's, and no dump, however large it is."""
    path = tmp_path / "moodle-20260310-010000.sql.gz"
    packed = bytearray(gzip.compress(DUMP))
    packed[-8] ^= 1
    for content, why in ((packed, "gzip: "), (packed[:10], "gzip: it is cut off")):
        path.write_bytes(content)
        assert only(source(tmp_path, ".sql.gz")).problem.startswith(why)
    path.write_bytes(gzip.compress(b""))
    assert only(source(tmp_path, ".sql.gz")).problem == "it is empty"
    path.write_bytes(bytes(20_000))
    result = checked(source(tmp_path, ".sql.gz"))
    assert result.detail == "nothing but zeros is in it"
    assert result.soundness is Soundness.DAMAGED


# ---------------------------------------------------------------- packings, on both sides

PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    ".sql.xz": lzma.compress,
    ".sql.bz2": bz2.compress,
    ".gz": gzip.compress,
    ".dump.gz": gzip.compress,
    ".backup": zstd,
    ".gz.sql": bytes,
}


@pytest.mark.parametrize("suffix", mostly_nightly(PACKINGS, ".sql.xz", ".dump.gz"))
def test_what_the_catalogue_reads_the_restore_of_mariadb_reads(
    mariadb: Path, tmp_path: Path, suffix: str
) -> None:
    """How a dump is packed is told by its content on both sides, whatever its name says."""
    output = run(["mariadb-dump", f"--socket={mariadb}", "-uroot", "moodle"], env={})
    dump = tmp_path / f"moodle-20260310-010000{suffix}"
    dump.write_bytes(PACKINGS[suffix](output.encode()))
    plain = suffix == ".gz.sql"
    its = checked(source(tmp_path, suffix)).soundness
    assert its is (Soundness.UNPROVEN if plain else Soundness.SOUND)
    result = load_mariadb(dump, mariadb)
    assert (result.returncode, rows(mariadb)) == (0, "5000"), result.stderr


@pytest.mark.parametrize(
    ("form", "suffix"),
    mostly_nightly(
        [("c", ".dump.gz"), ("c", ".sql"), ("t", ".tar.xz"), ("p", ".bz2")], ("c", ".dump.gz")
    ),
)
def test_what_the_catalogue_reads_the_restore_of_postgresql_reads(
    database: Server, tmp_path: Path, form: str, suffix: str
) -> None:
    """A custom, tar or plain dump is one under any name, packed or not."""
    packs: dict[str, Callable[[bytes], bytes]] = {
        ".gz": gzip.compress,
        ".xz": lzma.compress,
        ".bz2": bz2.compress,
    }
    content = pg_dump(database, form, tmp_path).read_bytes()
    dump = tmp_path / f"moodle-20260310-010000{suffix}"
    dump.write_bytes(packs.get(dump.suffix, bytes)(content))
    assert checked(source(tmp_path, suffix)).soundness is not Soundness.DAMAGED
    result = load_postgresql(database, dump)
    assert result.returncode == 0, result.stderr
    assert database.psql("select count(*) from rows", "copy") == "20000"


def test_a_dump_without_marks_is_loaded_and_a_wrong_collation_is_the_reason(
    mariadb: Path, tmp_path: Path
) -> None:
    """The end that is not marked proves nothing; what a server does not know is named."""
    words = ["mariadb-dump", "--skip-comments", f"--socket={mariadb}", "-uroot", "moodle"]
    dump = tmp_path / "night.sql"
    dump.write_text(run(words, env={}))
    result = load_mariadb(dump, mariadb)
    assert (result.returncode, rows(mariadb)) == (0, "5000"), result.stderr
    table = "CREATE TABLE `error_log` (fatal text) COLLATE=utf8mb4_0900_zz_ci;\n"
    dump.write_text(f"{table}-- Dump completed\n")
    result = load_mariadb(dump, mariadb)
    assert result.stderr.startswith("ERROR 1273 (HY000) at line 1: Unknown collation: ")
    assert "'utf8mb4_0900_zz_ci'" in result.stderr
    assert "is gone" not in result.stderr, "nothing stood there"
    run(
        ["mariadb", f"--socket={mariadb}", "-uroot", "copy", "-e", "create table t (n int)"], env={}
    )
    over = call("load-mariadb", dump, "copy", HOME=str(mariadb.parent))
    assert over.stderr.startswith("ERROR 1273")
    assert rows(mariadb) == "0", "what stood there stays"


# ---------------------------------------------------------------- a folder for each day


def test_a_folder_with_dump_archive_and_checksums_is_one_recovery_point(
    mariadb: Path, tmp_path: Path
) -> None:
    """It is named by its date, whole by its checksums, and each restore takes its own part."""
    day = tmp_path / "2026-03-10"
    files = tmp_path / "srv/files"
    for folder in (day, files):
        folder.mkdir(parents=True)
    (files / "photo").write_text("x")
    dump = run(["mariadb-dump", f"--socket={mariadb}", "-uroot", "moodle"], env={})
    (day / "moodle.sql.gz").write_bytes(gzip.compress(dump.encode()))
    run(["tar", "-C", "/", "-czf", f"{day}/files.tar.gz", str(files)[1:]], env={})
    sum_up_all(day)
    dumps = source(tmp_path, "", names="%Y-%m-%d")
    point: RecoveryPoint = only(dumps)
    assert (point.id, point.problem, point.integrity) == (day.name, "", "a SHA-256 of each file")
    assert checked(dumps).soundness is Soundness.SOUND
    (tmp_path / "staging").mkdir()
    fetch = call("fetch-backup", tmp_path, day.name, tmp_path / "staging", "no")
    assert fetch.stdout.split()[:2] == [day.name, str(day)], fetch.stderr
    result = load_mariadb(day, mariadb)
    assert (result.returncode, rows(mariadb)) == (0, "5000"), result.stderr
    shutil.rmtree(files)
    assert call("unpack-folders", day, files).returncode == 0
    assert (files / "photo").read_text() == "x"
    (day / "files.tar.gz").unlink()
    assert only(dumps).problem == "files.tar.gz is missing"


@pytest.mark.parametrize("names", ["%Y-%m-%d/moodle.sql.gz", "%Y-%m-%d/moodle-%Y-%m-%d.sql.gz"])
def test_names_may_hold_a_folder(tmp_path: Path, names: str) -> None:
    """The folder bears the date, or both do; what else lies there is left out."""
    for day in ("2026-03-09", "2026-03-10"):
        folder = tmp_path / day
        folder.mkdir()
        name = names.rpartition("/")[2].replace("%Y-%m-%d", day)
        (folder / name).write_bytes(gzip.compress(DUMP))
        (folder / "moodle-2026-01-01.sql.gz").write_bytes(b"of another day")
        sum_up(folder / name)
    (tmp_path / "lost+found").mkdir()
    dumps = source(tmp_path, "", names=names, quiet="5m")
    points = dumps.catalogue(BOUNDS).points
    assert [point.data_time.day for point in points] == [9, 10]
    chosen = read(dumps.catalogue(BOUNDS), Select(), 90 * DAY, None).selected
    assert chosen.id == f"2026-03-10/{name}"
    (tmp_path / "staging").mkdir()
    fetch = call("fetch-backup", tmp_path, chosen.id, tmp_path / "staging", "no")
    assert fetch.stdout.split()[:2] == [chosen.id, str(tmp_path / chosen.id)], fetch.stderr
    for bad in ("../x", "2026-03-10/../../etc/passwd", "/etc/passwd", "a/b/c"):
        refusal = call("fetch-backup", tmp_path, bad, tmp_path / "staging", "no")
        assert "holds signs that no name needs" in refusal.stderr


# ---------------------------------------------------------------- looked at, then emptied


@pytest.mark.parametrize("tool", mostly_nightly(["tar", "restic", "borg"], "tar", "restic"))
def test_nothing_is_removed_before_an_archive_is_seen_to_hold_it(tmp_path: Path, tool: str) -> None:
    """What stands in a folder stays when the backup has nothing for it."""
    files, second = tmp_path / "files", tmp_path / "second"
    for folder in (files, second, tmp_path / "staging/login"):
        folder.mkdir(parents=True)
    (files / "one").write_text("1")
    (second / "precious").write_text("2")
    its = {"RESTIC_PASSWORD": "p", "BORG_PASSPHRASE": "p", "BORG_BASE_DIR": f"{tmp_path}/base"}
    repository = tmp_path / "repository"
    if tool == "tar":
        run(["tar", "-C", "/", "-cf", f"{tmp_path}/a.tar", str(files)[1:]], env={})
        result = call("unpack-folders", tmp_path / "a.tar", files, second)
    else:
        first, create = {
            "restic": (["restic", "-q", "--repo", repository, "init"],
                       ["restic", "-q", "--repo", repository, "backup", files]),
            "borg": (["borg", "init", "-e", "repokey", repository],
                     ["borg", "create", f"{repository}::n1", files]),
        }[tool]  # fmt: skip
        for words in (first, create):
            subprocess.run(
                [str(word) for word in words], env={**os.environ, **its}, check=True,
                capture_output=True,
            )  # fmt: skip
        variable = {"restic": "RESTIC_REPOSITORY", "borg": "BORG_REPO"}[tool]
        (tmp_path / f"staging/login/{tool}").write_text(f"export {variable}='{repository}'\n")
        result = call(f"restore-{tool}", "", "", tmp_path / "staging", files, second, **its)
    assert result.returncode != 0
    assert f"has nothing in {second}: nothing was removed" in result.stderr
    assert (second / "precious").read_text() == "2"
    assert (files / "one").read_text() == "1"


# ---------------------------------------------------------------- more of the field

_HEAD = (
    b"-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n--\n-- Host: localhost    Database: moodle\n"
    b"-- --------------------------------------------------\n-- Server version\t10.11.6-MariaDB\n"
)
_WHOLE = _HEAD + b"INSERT 1;\n" * 3000 + b"-- Dump completed on 2026-03-10  1:00:00\n"
_CUT = _WHOLE[:20_004]


def packed(*words: str) -> bytes:
    """Pack a dump with a real tool."""
    return subprocess.run(words, input=_WHOLE, capture_output=True, check=True).stdout


READINGS: dict[str, tuple[bytes, Soundness, str]] = {
    "xz, padded between its streams": (
        lzma.compress(_CUT) + bytes(4) + lzma.compress(_WHOLE[20_004:]), Soundness.SOUND, ""),
    "xz without a check": (
        lzma.compress(_WHOLE, check=lzma.CHECK_NONE), Soundness.UNPROVEN, "a changed byte"),
    "zip": (b"PK\x03\x04" + b"\x07" * 99, Soundness.UNPROVEN, "packed with zip"),
    "openssl": (b"Salted__" + b"\x07" * 99, Soundness.UNPROVEN, "encrypted with openssl"),
    "packed twice": (gzip.compress(gzip.compress(_WHOLE)), Soundness.UNPROVEN, "more than once"),
    "PowerShell's >": (
        b"\xff\xfe" + _CUT.decode().encode("utf-16-le"), Soundness.UNPROVEN, "two bytes a letter"),
    "a byte order mark": (b"\xef\xbb\xbf" + _WHOLE, Soundness.UNPROVEN, "a changed byte"),
    "cut behind a byte order mark": (b"\xef\xbb\xbf" + _CUT, Soundness.DAMAGED, "cut off"),
    "Windows": (_CUT.replace(b"\n", b"\r\n"), Soundness.DAMAGED, "cut off"),
    "a warning first": (
        gzip.compress(b"mysqldump: [Warning] Using a password\n" + _WHOLE),
        Soundness.UNPROVEN, "and no SQL"),
    "an error last": (
        gzip.compress(_CUT[90:] + b"mysqldump: Error 2013: Lost connection at row: 5\n"),
        Soundness.DAMAGED, "mysqldump: Error 2013: Lost connection at row: 5"),
    "an error alone": (b"pg_dump: error: connection failed\n", Soundness.DAMAGED, "pg_dump: error"),
    "two, the first cut": (gzip.compress(_CUT + _WHOLE), Soundness.UNPROVEN, "their end: 1"),
    "two": (gzip.compress(_WHOLE + _WHOLE), Soundness.SOUND, ""),
    "phpMyAdmin": (
        PHPMYADMIN + b"-- Host: localhost:3306\n", Soundness.UNPROVEN, "nothing in it marks its"),
}  # fmt: skip


@pytest.mark.parametrize("title", READINGS)
def test_what_a_dump_is_decides_and_never_more_than_it_shows(tmp_path: Path, title: str) -> None:
    """A packing without a check proves nothing, one that is not read is named, an error damages."""
    content, soundness, reason = READINGS[title]
    (tmp_path / "moodle-20260310-010000.x").write_bytes(content)
    its = checked(source(tmp_path, ".x"))
    assert its.soundness is soundness, its
    assert reason in its.detail


ERROR = b"mysqldump: Error: 'Access denied; you need the PROCESS privilege' "
LOG = b"mysqldump: [Warning] Using a password\n" + ERROR + b"when trying to dump tablespaces\n"
PARTS = {
    "a cut one before": (_CUT + _WHOLE, Soundness.UNPROVEN, "part: dumps that begin in it"),
    "a warning first": (LOG + _WHOLE, Soundness.UNPROVEN, "part: its first line is a word"),
    "phpMyAdmin": (
        PHPMYADMIN + b"-- Host: localhost:3306\n-- Server version: 10.4\n", Soundness.SOUND, ""),
    "HeidiSQL": (
        b"-- Host:       127.0.0.1\n-- Server version:    10.4\nCREATE TABLE t (n int);\n",
        Soundness.SOUND, ""),
    "a log of what is harmless": (LOG, Soundness.SOUND, ""),
    "a log": (b"01:00 begun\nmysqldump: Error 2013: Lost\n01:02 once more\n" + ERROR + b"\n",
              Soundness.SOUND, ""),
    "a log of a failure": (
        LOG + b"mysqldump: Error 2013: Lost\n", Soundness.DAMAGED, "mysqldump: Error 2013"),
}  # fmt: skip


@pytest.mark.parametrize("title", PARTS)
def test_a_folder_is_as_good_as_what_lies_in_it(tmp_path: Path, title: str) -> None:
    """A checksum makes no doubt good, in a folder neither; a log beside dumps is none."""
    content, soundness, reason = PARTS[title]
    day = tmp_path / "2026-03-10"
    day.mkdir()
    (day / "a.sql").write_bytes(_WHOLE)
    (day / "part").write_bytes(content)
    sum_up_all(day)
    its = checked(source(tmp_path, "", names="%Y-%m-%d"))
    assert its.soundness is soundness, its
    assert reason in its.detail


@pytest.mark.parametrize(
    ("words", "soundness"),
    [
        (("lz4", "-qc"), Soundness.UNPROVEN),
        (("pzstd", "-qc", "-p2"), Soundness.SOUND),
        (("zstd", "-qc", "--long=31"), Soundness.SOUND),
        (("gpg", "-c", "--batch", "--passphrase", "x", "--pinentry-mode", "loopback"),
         Soundness.UNPROVEN),
    ],
    ids=["lz4", "pzstd", "zstd --long", "gpg"],
)  # fmt: skip
def test_a_real_packing_is_read_or_named(
    tmp_path: Path, words: tuple[str, ...], soundness: Soundness
) -> None:
    """What is not read is neither damaged nor sound."""
    if not shutil.which(words[0]):
        pytest.skip(f"{words[0]} is not here")
    (tmp_path / "moodle-20260310-010000.x").write_bytes(packed(*words))
    its = checked(source(tmp_path, ".x"))
    assert its.soundness is soundness, its
    assert soundness is Soundness.SOUND or "which is not read here" in its.detail


def test_what_is_no_sql_empties_no_database(mariadb: Path, tmp_path: Path) -> None:
    """It is told by its beginning, before the tables that stand there go."""
    words = [f"--socket={mariadb}", "-uroot"]
    run(["mariadb", *words, "-e", "create or replace database copy; create table copy.t (n int)"],
        env={})  # fmt: skip
    (mariadb.parent / ".my.cnf").write_text(f"[client]\nsocket={mariadb}\nuser=root\n")
    dump = tmp_path / "night.sql.gz"
    for content, reason in (
        (b"\xff\xfe" + _WHOLE.decode().encode("utf-16-le"), "not UTF-8"),
        (b"Salted__" + b"\x07" * 99, "it is encrypted"),
        (b"mysqldump: [Warning] Using a password\n" + _WHOLE, "write 2> apart"),
        (_CUT + _WHOLE, "the dump was cut short"),
        (
            _WHOLE.replace(
                b"INSERT",
                b"CREATE TABLE z (a int\n) ENGINE=InnoDB COLLATE=utf8mb4_0900_zz_ci;\nINSERT",
                1,
            ),
            "sorts by utf8mb4_0900_zz_ci, which this server does not know",
        ),
        (  # before a trigger or a view, whatever its tables sort by
            _WHOLE.replace(
                b"INSERT",
                b"/*!50003 SET collation_connection  = utf8mb4_0900_zz_ci */ ;\nINSERT",
                1,
            ),
            "sorts by utf8mb4_0900_zz_ci, which this server does not know",
        ),
    ):
        dump.write_bytes(gzip.compress(content))
        result = call("load-mariadb", dump, "copy", HOME=str(mariadb.parent))
        assert result.returncode != 0
        assert reason in result.stderr
        assert rows(mariadb) == "0"
