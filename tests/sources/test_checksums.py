"""Files of checksums as jobs leave them: the catalogue and the restores read them the same way."""

from __future__ import annotations

import gzip
import hashlib
import os
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.sources.conftest import mostly_nightly
from tests.sources.test_bad_restores import SCRIPTS, call
from tests.sources.test_dumps import checked, only, source

from pradrill.adapters.backups.dumps import checksums
from pradrill.adapters.backups.dumps.local_folder import LocalFolder
from pradrill.domain.run.backup_integrity import Soundness
from pradrill.ports import FolderEntry

NAME = "moodle-20260310-010000.sql"
CONTENT = b"-- MariaDB dump 10.19  Distrib\nINSERT 1;\n-- Dump completed\n"
DIGEST = {
    each: hashlib.new(each, CONTENT).hexdigest() for each in ("sha256", "sha512", "md5", "sha1")
}


def tool(*words: str) -> Callable[[Path], bytes]:
    """Return what a real tool writes of the dump."""
    return lambda folder: (
        subprocess.run([*words, NAME], cwd=folder, capture_output=True, check=True).stdout
    )


def text(form: str) -> Callable[[Path], bytes]:
    """Return a text with the digests in it."""
    return lambda folder: form.format(**DIGEST, name=NAME, folder=folder).encode()


SOUND = {
    "sha256sum": (f"{NAME}.sha256", tool("sha256sum")),
    "sha256sum, the list": ("SHA256SUMS", tool("sha256sum")),
    "sha256sum --binary": ("sha256sum.txt", tool("sha256sum", "--binary")),
    "sha256sum --tag": ("SHA256SUMS", tool("sha256sum", "--tag")),
    "md5sum": (f"{NAME}.md5", tool("md5sum")),
    "md5sum --tag": ("md5sums", tool("md5sum", "--tag")),
    "sha512sum": ("SHA512SUMS.txt", tool("sha512sum")),
    "sha1sum": (f"{NAME}.sha1", tool("sha1sum")),
    "openssl": (f"{NAME}.sha256", tool("openssl", "dgst", "-sha256")),
    "openssl -r": ("checksums.sha256", tool("openssl", "dgst", "-sha256", "-r")),
    "shasum": ("checksums.txt", tool("shasum", "-a", "256")),
    "a digest alone": (f"{NAME}.sha256", text("{sha256}")),
    "from a pipe": (f"{NAME}.sha256sum", text("{sha256}  -\n")),
    "whole path": (f"{NAME}.sha256", text("{sha256}  /srv/elsewhere/{name}\n")),
    "whole path, in a list": ("SHA256SUMS", text("{sha256}  {folder}/{name}\n")),
    "path from elsewhere, in a list": ("SHA256SUMS", text("{sha256}  /srv/chroot/{name}\n")),
    "./": ("SHA256SUMS", text("{sha256}  ././{name}\n")),
    "Windows": ("SHA256SUMS", text("\ufeff; made by a job\r\n{sha256} *{name}\r\n")),
    "comments and others": (
        "SHA256SUMS",
        text("# ours\n\n" + "0" * 64 + "  other\n{sha256}\t{name}"),
    ),
    "signed in clear": (
        "SHA256SUMS",
        text("-----BEGIN PGP SIGNED MESSAGE-----\n\n{sha256}  {name}\n"),
    ),
    "two kinds, one wrong and weaker": (
        "sums",
        text("{sha256}  {name}\n" + "0" * 32 + "  {name}\n"),
    ),
}
SOUND |= {
    "b2sum": ("B2SUMS", tool("b2sum")),
    "b2sum, in a list of no kind": ("checksums.txt", tool("b2sum")),
    "cksum -a blake2b": ("CHECKSUMS", tool("cksum", "-a", "blake2b")),
    "b2sum -l 256": (f"{NAME}.b2", tool("b2sum", "-l", "256")),
    "b2sum -l 128 --tag": ("B2SUMS", tool("b2sum", "-l", "128", "--tag")),
    "openssl's SHA-3": ("checksums.txt", tool("openssl", "dgst", "-sha3-256", "-r")),
    "from the folder above": ("SHA256SUMS", text("{sha256}  dumps/{name}\n")),
    "Windows' paths": ("SHA256SUMS", text("{sha256} *D:\\saves\\{name}\r\n")),
    "beside it, Windows' path": (f"{NAME}.sha256", text("{sha256} *.\\{name}\r\n")),
    "blanks behind": ("SHA256SUMS", text("{sha256}  {name}   \n")),
    "with sizes": ("SHA256SUMS", text("{sha256}  59 {name}\n")),
    "sha256sum --zero": ("SHA256SUMS", tool("sha256sum", "--zero")),
    "shasum -a 512256": ("sums", tool("shasum", "-a", "512256")),
    "shasum -a 512224 --tag": ("sums", tool("shasum", "-a", "512224", "--tag")),
    "blanks before": ("SHA256SUMS", text("   {sha256}  {name}\n")),
    "a hidden list": (".sha256sums", tool("sha256sum")),
    "a name in capitals": ("SHA256SUMS", text(f"{{sha256}}  {NAME.upper()}\n")),
}
SOUND["upper case"] = (
    f"{NAME}.sha256", lambda folder: text("{sha256}  ")(folder).upper() + NAME.encode() + b"\n"
)  # fmt: skip
TELLS_NOTHING = {"words", "hashdeep"}
UNREADABLE = {
    "nothing": (f"{NAME}.sha256", text("")),
    "half a digest": (f"{NAME}.sha256", text("{sha256:.50}")),
    "a digest that was cut": ("SHA256SUMS", text("{sha256:.60}  {name}\n")),
    "another length than its tag": ("SHA256SUMS", text("SHA256 ({name}) = {md5}\n")),
    "another algorithm of that length": ("SHA256SUMS", text("SM3 ({name}) = {sha256}\n")),
    "an unknown algorithm": ("SHA256SUMS", text("WHIRLPOOL ({name}) = {sha512}\n")),
    "another file's": (f"{NAME}.sha256", text("{md5}0000  other.sql\n")),
    "bytes": (f"{NAME}.sha256", lambda _: bytes(range(256))),
    "two bytes a letter": (f"{NAME}.sha256", lambda _: f"{DIGEST['sha256']}".encode("utf-16")),
    "b3sum": ("B3SUMS", text("1" * 64 + "  {name}\n")),
    "b3sum, beside it": (f"{NAME}.b3", text("1" * 64 + "  {name}\n")),
    "b3sum --tag": ("checksums.txt", text("BLAKE3 ({name}) = " + "1" * 64)),
    "xxhsum -H2": (f"{NAME}.xxh128", text("1" * 32 + "  {name}\n")),
    "xxhsum": ("xxhsums", text("1" * 16 + "  {name}\n")),
    "whirlpool": (f"{NAME}.whirlpool", text("1" * 128 + "  {name}\n")),
    "crc32": (f"{NAME}.sfv", text("; made by a job\n{name} 0A1B2C3D\n")),
    "hashdeep": (
        "hashdeep.txt",
        text("%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n9,{md5},{sha256},{name}\n"),
    ),
    "words": ("SHA256SUMS", text("the job did not come to its end\n")),
}


def fetched(folder: Path, tmp_path: Path) -> bool:
    """Tell whether the restore takes the dump."""
    staging = tmp_path / "staging"
    staging.mkdir(exist_ok=True)
    result = call("fetch-backup", folder, "", staging, "no")
    assert result.returncode == 0 or f"{NAME} is not what was written" in result.stderr, result
    assert result.returncode != 0 or result.stdout.split()[0] == NAME
    return result.returncode == 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a dump."""
    folder = tmp_path / "dumps"
    folder.mkdir()
    (folder / NAME).write_bytes(CONTENT)
    return folder


BY_DAY = {"b3sum", "sha256sum --tag", "md5sum", "Windows", "half a digest", "words"}
each_or_some = pytest.mark.parametrize(
    "restored", [BY_DAY, pytest.param({*SOUND, *UNREADABLE}, marks=pytest.mark.nightly)],
    ids=["some", "each"],
)  # fmt: skip
"""Those that a restore reads, too: by day some, for it takes a process each."""


@each_or_some
def test_a_checksum_is_read_whoever_wrote_it(
    folder: Path, tmp_path: Path, restored: set[str]
) -> None:
    """Each form makes a dump sound, and tells a changed byte, on both sides."""
    for title, (name, content) in SOUND.items():
        (folder / NAME).write_bytes(CONTENT)
        (folder / name).write_bytes(content(folder))
        dumps = source(folder, ".sql")
        assert checked(dumps).soundness is Soundness.SOUND, title
        assert only(dumps).integrity.endswith("beside it"), title
        assert only(dumps).integrity != "none beside it", title
        assert title not in restored or fetched(folder, tmp_path), title
        (folder / NAME).write_bytes(CONTENT.replace(b"1", b"7"))
        assert checked(dumps).soundness is Soundness.DAMAGED, title
        assert title not in restored or not fetched(folder, tmp_path), title
        (folder / name).unlink()


@each_or_some
def test_what_cannot_be_read_is_unproven(folder: Path, tmp_path: Path, restored: set[str]) -> None:
    """Neither damage nor proof: the catalogue says so, and the restore goes on to its checks."""
    for packed in (False, True):
        (folder / NAME).write_bytes(gzip.compress(CONTENT) if packed else CONTENT)
        for title, (name, content) in UNREADABLE.items():
            (folder / name).write_bytes(content(folder))
            expected = Soundness.SOUND if packed and title in TELLS_NOTHING else Soundness.UNPROVEN
            assert checked(source(folder, ".sql")).soundness is expected, title
            assert title not in restored or fetched(folder, tmp_path), title
            (folder / name).unlink()


def test_sums_that_are_not_known_take_no_others_place(folder: Path) -> None:
    """Beside a list that is read they say nothing; what they name must be there all the same."""
    day = folder / "2026-03-10"
    day.mkdir()
    (day / "a.sql").write_bytes(CONTENT)
    listed(day, "a.sql")
    (day / "b3sums").write_text(f"{'1' * 64}  a.sql\n")
    dumps = source(folder, "", names="%Y-%m-%d")
    assert checked(dumps).soundness is Soundness.SOUND
    (day / "SHA256SUMS").unlink()
    assert checked(dumps).soundness is Soundness.UNPROVEN
    (day / "b3sums").write_text(f"{'1' * 64}  b.sql\n")
    assert checked(dumps).detail == "b.sql is missing"


def test_a_name_with_any_sign_is_known_in_a_folder(folder: Path, tmp_path: Path) -> None:
    """sha256sum escapes line feeds and backslashes; other bytes stand as they are."""
    day = folder / "2026-03-10"
    day.mkdir()
    for name in (b"a\nb", b"back\\slash", b"caf\xe9", b" blank ", b"*star", b"(x) = 1"):
        Path(os.fsdecode(os.fsencode(day) + b"/" + name)).write_bytes(b"x" * 9)
    for options in ([], ["--tag"]):
        command = (
            f"find . -type f ! -name SHA256SUMS -print0 | xargs -0 sha256sum {' '.join(options)}"
        )
        (day / "SHA256SUMS").write_bytes(
            subprocess.run(command, shell=True, cwd=day, capture_output=True, check=True).stdout
        )
        dumps = source(folder, "", names="%Y-%m-%d")
        assert (only(dumps).problem, only(dumps).integrity) == ("", "a SHA-256 of each file")
        assert checked(dumps).soundness is Soundness.SOUND
        (tmp_path / "staging").mkdir(exist_ok=True)
        words = ("fetch-backup", folder, day.name, tmp_path / "staging", "no")
        assert call(*words).returncode == 0
        (day / "a\nb").write_bytes(b"y" * 9)
        assert checked(dumps).soundness is Soundness.DAMAGED
        assert "is not what was written" in call(*words).stderr
        (day / "a\nb").write_bytes(b"x" * 9)
    (day / "more").write_bytes(b"x")
    assert only(dumps).integrity == "a checksum of some of its files"
    assert checked(dumps).soundness is Soundness.UNPROVEN


FOLDERS = {
    "a list that lists itself": "sha256sum * > SHA256SUMS; sha256sum * > SHA256SUMS",
    "made in the folder above": "cd .. && sha256sum 2026-03-10/* | tee 2026-03-10/SHA256SUMS",
    "signed": "sha256sum * > SHA256SUMS; echo x > SHA256SUMS.asc",
    "one in each folder": "mkdir a; mv b.sql a; sha256sum *.sql > SUMS; cd a; sha256sum * > SUMS",
    "apart": "mkdir sums; sha256sum *.sql > sums/SHA256SUMS",
}


@pytest.mark.parametrize("title", mostly_nightly(FOLDERS, "apart"))
def test_a_list_of_a_folder_is_read_wherever_its_maker_stood(
    folder: Path, tmp_path: Path, title: str
) -> None:
    """Both sides take the folder."""
    day = folder / "2026-03-10"
    day.mkdir()
    for name in ("a.sql", "b.sql"):
        (day / name).write_bytes(CONTENT)
    subprocess.run(FOLDERS[title], shell=True, cwd=day, check=True)
    dumps = source(folder, "", names="%Y-%m-%d")
    assert (only(dumps).problem, only(dumps).integrity) == ("", "a SHA-256 of each file")
    assert checked(dumps).soundness is Soundness.SOUND
    (tmp_path / "staging").mkdir()
    words = ("fetch-backup", folder, day.name, tmp_path / "staging", "no")
    assert call(*words).returncode == 0
    (day / "a.sql").write_bytes(CONTENT.replace(b"1", b"7"))
    assert checked(dumps).soundness is Soundness.DAMAGED


SPELLINGS = {
    "letters taken apart": "e\u0301te\u0301.sql".encode(),
    "letters in one": "été.sql".encode(),
    "Latin-1": b"\xe9t\xe9.sql",
    "capitals": "ÉTÉ.SQL".encode(),
}


def test_a_name_in_another_spelling_is_the_same_file(folder: Path, tmp_path: Path) -> None:
    """What macOS, Windows or an old system wrote of a file tells of it, here and in the restore."""
    day = folder / "2026-03-10"
    day.mkdir()
    (tmp_path / "staging").mkdir()
    dumps = source(folder, "", names="%Y-%m-%d")
    words = ("fetch-backup", folder, day.name, tmp_path / "staging", "no")
    for title, spelling in SPELLINGS.items():
        (day / "SHA256SUMS").write_bytes(DIGEST["sha256"].encode() + b"  " + spelling + b"\n")
        for name in set(SPELLINGS.values()) - {spelling}:
            dump = Path(os.fsdecode(os.fsencode(day) + b"/" + name))
            dump.write_bytes(CONTENT)
            assert (only(dumps).problem, checked(dumps).soundness) == ("", Soundness.SOUND), title
            dump.write_bytes(CONTENT.replace(b"1", b"7"))
            assert checked(dumps).soundness is Soundness.DAMAGED, title
            dump.unlink()
    dump = day / "été.sql"
    dump.write_bytes(CONTENT)
    assert call(*words).returncode == 0
    dump.write_bytes(CONTENT.replace(b"1", b"7"))
    assert "is not what was written" in call(*words).stderr
    dump.rename(day / "ete.sql")
    assert only(dumps).problem == "ÉTÉ.SQL is missing"


def test_names_that_differ_in_capitals_alone_are_two_files(folder: Path) -> None:
    """Neither takes the place of the other, and what stands for both is nobody's."""
    day = folder / "2026-03-10"
    day.mkdir()
    (day / "a.sql").write_bytes(CONTENT)
    (day / "A.sql").write_bytes(b"other")
    other = hashlib.sha256(b"other").hexdigest()
    (day / "SHA256SUMS").write_text(f"{DIGEST['sha256']}  a.sql\n{other}  A.sql\n")
    dumps = source(folder, "", names="%Y-%m-%d")
    assert checked(dumps).soundness is Soundness.SOUND
    (day / "A.sql").unlink()
    assert only(dumps).problem == "A.sql is missing"
    (day / "A.sql").write_bytes(b"other")
    (day / "SHA256SUMS").write_text(f"{DIGEST['sha256']}  A.SQL\n")
    assert only(dumps).problem == "A.SQL is missing"


def test_two_sums_that_may_be_of_one_file_are_of_none(folder: Path, tmp_path: Path) -> None:
    """The one that does not hold is not lost behind the other, in one list or in two."""
    day = folder / "2026-03-10"
    day.mkdir()
    (tmp_path / "staging").mkdir()
    (day / "shop.sql").write_bytes(CONTENT)
    wrong, right = f"{'0' * 64}  SHOP.SQL\n", f"{DIGEST['sha256']}  Shop.sql\n"
    words = ("fetch-backup", folder, day.name, tmp_path / "staging", "no")
    dumps = source(folder, "", names="%Y-%m-%d")
    for lists in ((wrong + right,), (right + wrong,), (wrong, right), (wrong, right.lower())):
        for number, content in enumerate(lists):
            (day / f"SHA256SUMS{'.txt' * number}").write_text(content)
        assert "is missing" in only(dumps).problem, lists
        assert checked(dumps).soundness is Soundness.DAMAGED
        assert "is not what was written" in call(*words).stderr
    for each in (day / "SHA256SUMS.txt", day / "shop.sql"):
        each.unlink()
    (day / "SHA256SUMS").write_text(f"{DIGEST['sha256']}  strasse.sql\n")
    (day / "straße.sql").write_bytes(CONTENT)
    assert only(dumps).problem == "strasse.sql is missing"


def test_many_lists_of_what_is_gone_are_read_in_a_moment(tmp_path: Path) -> None:
    """A folder's names are spelled once, however many lists tell of a file that was rotated."""
    for number in range(200):
        (tmp_path / f"{number}.sha256sums.txt").write_text(f"{'0' * 64}  gone-{number}.sql\n")
    there = FolderEntry("", is_folder=False, size=1, modified=datetime.fromtimestamp(0, UTC))
    lists = [there._replace(name=each.name, size=99) for each in tmp_path.iterdir()]
    entries = [*lists, *(there._replace(name=f"{number}.sql") for number in range(5_000))]
    begin = time.process_time()
    sums = checksums.listed(LocalFolder(), str(tmp_path), entries)
    assert len(sums) == len(lists)
    assert time.process_time() - begin < 0.5


def listed(folder: Path, *names: str, algorithm: str = "sha256") -> None:
    """Write a list into a folder, of names that need not be there."""
    lines = "".join(f"{DIGEST[algorithm]}  {name}\n" for name in names)
    (folder / f"{algorithm.upper()}SUMS").write_text(lines)


def test_no_namesake_above_takes_the_place_of_what_is_lost(folder: Path, tmp_path: Path) -> None:
    """A list tells of one folder, and of none that has a list itself; the restore says the same."""
    day = folder / "2026-03-10"
    for each in (day / "site1", tmp_path / "staging"):
        each.mkdir(parents=True)
    dumps = source(folder, "", names="%Y-%m-%d")
    words = ("fetch-backup", folder, day.name, tmp_path / "staging", "no")
    for each in (folder / "b.sql", day / "a.sql", day / "db.sql"):
        each.write_bytes(CONTENT)
    listed(day, "a.sql", "db.sql", "b.sql")
    assert only(dumps).problem == "b.sql is missing"
    assert "is not what was written" in call(*words).stderr
    listed(day, "a.sql", "db.sql")
    assert (checked(dumps).soundness, call(*words).returncode) == (Soundness.SOUND, 0)
    listed(day / "site1", "db.sql", algorithm="md5")
    assert checked(dumps).detail == "site1/db.sql is missing"
    assert "is not what was written" in call(*words).stderr


def test_somebody_elses_list_in_a_tree_makes_no_backup_damaged(
    folder: Path, tmp_path: Path
) -> None:
    """A site's list of a release names nothing that is there; a job's own is of what it lacks."""
    day = folder / "2026-03-10"
    for each in (day / "www/lib", day / "db", tmp_path / "staging"):
        each.mkdir(parents=True)
    (day / "a.sql").write_bytes(CONTENT)
    (day / "www/lib/app.js").write_bytes(CONTENT)
    (day / "www/lib/checksums.txt").write_text("0" * 64 + "  dist-linux.tar.gz\n")
    dumps = source(folder, "", names="%Y-%m-%d")
    words = ("fetch-backup", folder, day.name, tmp_path / "staging", "no")
    assert (checked(dumps).soundness, call(*words).returncode) == (Soundness.UNPROVEN, 0)
    listed(day, "a.sql", "www/lib/app.js")
    assert (checked(dumps).soundness, call(*words).returncode) == (Soundness.SOUND, 0)
    (day / "db/SHA256SUMS").write_text("0" * 64 + "  db.sql\n")
    assert checked(dumps).detail == "db/db.sql is missing"
    assert "is not what was written" in call(*words).stderr
    (day / "db/SHA256SUMS").unlink()
    (folder / "SHA256SUMS").write_text("0" * 64 + f"  {day.name}/\n")
    assert (checked(dumps).soundness, call(*words).returncode) == (Soundness.SOUND, 0)


def test_many_lists_are_read_in_a_moment() -> None:
    """What one of them costs does not grow with all that lies there."""
    names = {f"{each}/{name}" for each in range(2000) for name in ("a.sql", "SHA256SUMS")}
    begin = time.process_time()
    for each in range(2000):
        path = f"{each}/SHA256SUMS"
        sums = checksums.sums_in(f"{DIGEST['sha256']}  a.sql\n", "/dumps", names, path)
        assert list(sums) == [f"{each}/a.sql"]
    assert time.process_time() - begin < 0.5


def test_what_was_packed_since_is_not_missing(folder: Path) -> None:
    """The list tells of the file as it was: neither damage nor proof of what lies there now."""
    day = folder / "2026-03-10"
    day.mkdir()
    (day / "a.sql.gz").write_bytes(gzip.compress(CONTENT))
    (day / "SHA256SUMS").write_text(f"{DIGEST['sha256']}  a.sql\n")
    dumps = source(folder, "", names="%Y-%m-%d")
    assert only(dumps).problem == ""
    assert checked(dumps).soundness is Soundness.UNPROVEN
    (day / "a.sql.gz").rename(day / "c.sql.gz")
    assert only(dumps).problem == "a.sql is missing"


def test_both_sides_have_one_reader() -> None:
    """The restores run it on the standby, so it stands in their script; it is one."""
    text = Path(checksums.__file__).read_text("utf-8")
    reader = text[text.index("KINDS = {") : text.index("\n\n# -----", text.index("KINDS = {"))]
    assert reader.strip() in (SCRIPTS / "fetch-backup").read_text("utf-8")
