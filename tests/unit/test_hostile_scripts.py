"""Whatever a backup and the tools around it hold, the playbooks' scripts end, in their place.

Each is run as it is; what would be a daemon, or a folder of the machine's own, is of the test's.
"""

from __future__ import annotations

import bz2
import gzip
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES
from tests.unit.test_hostile_manifests import SCRIPTS, answer_of, script

FEW = settings(max_examples=max(2, EXAMPLES // 6))
"""Of what takes a shell and its programs."""
SECONDS = 60
"""However busy the machine is: what waits for a pipe's other end waits for ever."""
Member = tuple[bytes, bytes, bytes]
Spoil = Callable[[bytes], bytes]
PACKINGS: tuple[Spoil, ...] = (bytes, gzip.compress, bz2.compress)


class End:
    """How a script ended: its code, what it printed, and why."""

    def __init__(self, result: subprocess.CompletedProcess[bytes]) -> None:
        self.code = result.returncode
        self.out, self.err = (os.fsdecode(each) for each in (result.stdout, result.stderr))
        assert "Traceback" not in self.err, self.err


def run(place: Path, text: str, *words: str | Path, shell: str = "bash", **more: str) -> End:
    """Run a script's text where the programs in the place's own bin go before others."""
    path = f"{place}/bin:{os.environ['PATH']}"
    return End(
        subprocess.run(
            [shell, "-c", text, "script", *words],
            cwd=place,
            env={**os.environ, "PATH": path, **more},
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    )


def text_of(*names: str, moves: dict[str, Path] | None = None) -> str:
    """Return scripts, one behind the other, with folders of the machine's own moved."""
    text = "\n".join((SCRIPTS / name).read_text("utf-8") for name in names)
    for folder, place in (moves or {}).items():
        text = text.replace(folder, str(place))
    return text


def program(place: Path, name: str, text: str) -> None:
    """Write a program that stands before others of its name."""
    (place / "bin").mkdir(exist_ok=True)
    (place / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
    (place / "bin" / name).chmod(0o755)


@contextmanager
def places() -> Iterator[Path]:
    """Make a place, and beside it what nobody may touch."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        (folder / "canary").mkdir()
        (folder / "canary/secret").write_text("of another's")
        (folder / "canary/secret").chmod(0o600)
        (folder / "place").mkdir()
        yield folder / "place"
        assert [each.name for each in (folder / "canary").iterdir()] == ["secret"]
        status = (folder / "canary/secret").stat()
        assert ((folder / "canary/secret").read_text(), stat.S_IMODE(status.st_mode)) == (
            "of another's",
            0o600,
        )
        assert status.st_nlink == 1
        assert sorted(each.name for each in folder.iterdir()) == ["canary", "place"]


KINDS = ["file", "folder", "pipe", "zeros", "loop", "nothing", "leads out"]
kinds = st.sampled_from(["file"] * 4 + KINDS[1:])


def put(path: Path, kind: str, content: bytes) -> None:
    """Put a file there, or what is none and would hold up who opens it."""
    match kind:
        case "file":
            path.write_bytes(content)
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "zeros":
            path.symlink_to("/dev/zero")
        case "loop":
            path.symlink_to(path.name)
        case "leads out":
            path.symlink_to("../canary/secret")


def looks(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Return all that is in a folder."""
    entries = {}
    for each in [folder, *folder.rglob("*")]:
        status = each.lstat()
        content = each.read_bytes().hex() if stat.S_ISREG(status.st_mode) else ""
        content = str(each.readlink()) if each.is_symlink() else content
        entries[str(each)] = (status.st_mode, status.st_nlink, content)
    return entries


texts = st.binary(max_size=120) | st.sampled_from(
    [b"", b"\n", b"-n\n", b"caf\xe9 ERROR: x\n", b"a'b\\c\\n\n", b"\x1b[2J", b"%s%n\n", b"\0" * 9]
)
"""What a tool prints."""


# ---------------------------------------------------------------- archives

NAMES = (
    *(b"", b"/x", b"/a", b"/a/x", b"/a/b/x", b"/../../canary/secret", b"/../canary/secret", b"/-n"),
    *(b"/.pradrill-before", b"/.pradrill-before.1/x", b"/.pradrill-gone", b"/.pradrill-held.1"),
    *(b"/caf\xe9", b"/a\nb", b"/** End of File **", b"/" + b"n" * 300, b"/" + b"d/" * 900 + b"x"),
    *(b"/Exiting with failure status due to previous errors", b"/\\c", b"/$(touch ran)", b"/ "),
)
LINKS = (b"x", b"../../canary", b"/dev/zero", b".pradrill-before/x", b"a", b"..", b"", b"\xff")
TYPES = [tarfile.REGTYPE] * 5 + [
    *(tarfile.DIRTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE),
    *(tarfile.CHRTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE, b"V", b"M", b"Z"),
]
members = st.lists(
    st.tuples(
        st.sampled_from(NAMES) | st.binary(max_size=9),
        st.sampled_from(TYPES),
        st.sampled_from(LINKS) | st.binary(max_size=30),
    ),
    max_size=6,
)


def header(name: bytes, kind: bytes, link: bytes = b"", size: int = 0) -> bytes:
    """Return a header, for a name that is longer too."""
    info = tarfile.TarInfo(os.fsdecode(name))
    info.type, info.linkname, info.size, info.mode = kind, os.fsdecode(link), size, 0o6755
    if kind == tarfile.CHRTYPE:
        info.devmajor, info.devminor = 1, 5
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


def padded(content: bytes) -> bytes:
    """Return it in whole blocks."""
    return content.ljust(-(-len(content) // 512) * 512, b"\0")


NESTED = b"".join(
    [header(b"././@LongLink", tarfile.GNUTYPE_LONGNAME, size=2) + padded(b"a\0")] * 1_500
)
"""Headers that each belong to the next: older Pythons read them within each other."""


def archive(top: bytes, entries: list[Member]) -> bytes:
    """Return an archive of such members."""
    parts = []
    for name, kind, content in entries:
        is_file = kind in {tarfile.REGTYPE, tarfile.CONTTYPE}
        link = b"" if is_file else content
        parts.append(header(top + name, kind, link, len(content) if is_file else 0))
        parts.append(padded(content) if is_file else b"")
    return b"".join(parts) + bytes(1024)


@st.composite
def spoils(draw: st.DrawFn) -> Spoil:
    """Draw how an archive is spoilt, and packed."""
    how = draw(st.sampled_from(["whole"] * 3 + ["cut", "flip", "splice", "nested"]))
    at, more = draw(st.floats(0, 1)), draw(st.binary(max_size=20))
    pack: Spoil = draw(st.sampled_from(PACKINGS))

    def spoilt(content: bytes) -> bytes:
        here = int(len(content) * at)
        match how:
            case "cut":
                content = content[:here]
            case "flip":
                content = (
                    content[:here]
                    + bytes(255 - b for b in content[here : here + 1])
                    + content[here + 1 :]
                )
            case "splice":
                content = content[:here] + more + content[here:]
            case "nested":
                content = content.rstrip(b"\0")
                content = padded(content) + NESTED + bytes(1024)
        return pack(content)

    return spoilt


BACKUP_NAMES = (
    *(b"private/x", b"./private/sam.ldb", b"state/a/b", b"sysvol.tar.gz", b"backup.txt", b"etc/x"),
    *(b"../x", b"/etc/x", b"private/../../x", b"private/" + b"d/" * 1_500 + b"x", b"elsewhere"),
)
TELLS = b"""\
Domain offline backup, using DC 'dc1'
Backup for domain EXEMPLE (NetBIOS), ad.exemple.fr (DNS realm)
Backup contains domain secrets: True
"""
OF_SAMBA: list[Member] = [
    (b"backup.txt", tarfile.REGTYPE, TELLS),
    (b"private/sam.ldb", tarfile.REGTYPE, b"TDB file"),
    (b"private/secrets.ldb", tarfile.REGTYPE, b"TDB file"),
]
more_members = st.lists(
    st.tuples(
        st.sampled_from(BACKUP_NAMES) | st.binary(max_size=9),
        st.sampled_from(TYPES),
        st.sampled_from(LINKS) | st.binary(max_size=30),
    ),
    max_size=4,
)


def nested(content: bytes) -> bytes:
    """Return an archive with many headers of the next one's name at its end."""
    return padded(content.rstrip(b"\0")) + NESTED + bytes(1024)


@settings(max_examples=4 * EXAMPLES)
@given(more_members, members, spoils(), spoils(), st.sampled_from(["dc1", "dc-dr"]))
@example([], [], nested, bytes, "dc-dr")
@example([], [], bytes, nested, "dc-dr")
def test_of_a_backup_of_sambas_only_files_of_its_own_are_handed_on(
    more: list[Member], sysvol: list[Member], spoilt: Spoil, spoilt_sysvol: Spoil, name: str
) -> None:
    """Or it is refused: each file of what samba-tool unpacks as root is closed, and below."""
    its = script("load-samba")
    inner = spoilt_sysvol(archive(b"ad.exemple.fr", sysvol))
    whole = [(b"sysvol.tar.gz", tarfile.REGTYPE, inner), *OF_SAMBA, *more]
    with places() as place:
        (place / "backup").write_bytes(spoilt(archive(b"", whole)))
        with suppress(SystemExit, *its.UNREADABLE):
            texts = its.pack_anew(f"{place}/backup", f"{place}/anew", str(place), 1 << 20)
            domain, realm, rfc2307 = its.domain_of(texts, name)
            assert f"{domain}{realm}".replace(".", "").replace("-", "").replace("_", "").isalnum()
            assert len(realm) < 254
            assert rfc2307 in {"yes", "no"}
            with tarfile.open(place / "anew") as handed_on:
                for each in handed_on:
                    path = Path(each.name)
                    assert each.isfile() or each.isdir()
                    assert not path.is_absolute()
                    assert ".." not in path.parts
                    assert (each.uid, each.mode & 0o7077) == (0, 0)
        assert {each.name for each in place.iterdir()} <= {"backup", "anew", "sysvol.tar.gz"}


def test_headers_within_headers_are_told_in_one_line(tmp_path: Path) -> None:
    """A few hundred names of the next file's, each the next one's: Python went no deeper."""
    members = [(b"sysvol.tar.gz", tarfile.REGTYPE, archive(b"", [])), *OF_SAMBA]
    (tmp_path / "backup").write_bytes(nested(archive(b"", members)))
    words = [f"{tmp_path}/backup", f"{tmp_path}/domain", "dc-dr", str(tmp_path)]
    end = End(
        subprocess.run(
            [sys.executable, "-I", SCRIPTS / "load-samba", *words], capture_output=True, check=False
        )
    )
    assert (end.code, end.err.count("\n")) == (1, 1)


@FEW
@given(members, spoils(), kinds, st.sampled_from(["", "uploads"]), st.booleans())
def test_an_archive_is_unpacked_into_its_folder_or_all_is_as_it_stood(
    entries: list[Member], spoilt: Spoil, kind: str, inside: str, is_in_folder: bool
) -> None:
    """Whatever its names, links and bytes are; and what it could be instead of a file."""
    with places() as place:
        folder = place / "files"
        (folder / "uploads").mkdir(parents=True)
        (folder / "old").write_text("old")
        (folder / "lnk").symlink_to("../../canary")
        top = b"." if inside else os.fsencode(folder)[1:]
        content = spoilt(archive(top, [(b"", tarfile.DIRTYPE, b""), *entries]))
        (place / "backups").mkdir()
        put(place / "backups/night.tar", kind, content)
        before = looks(place)
        backup = place / "backups" if is_in_folder else place / "backups/night.tar"
        words = (SCRIPTS / "unpack-folders", backup, folder)
        end = run(place, 'exec bash "$@"', *words, **({"INSIDE": inside} if inside else {}))
        if end.code:
            assert end.err
            assert looks(place) == before
        else:
            assert not [*folder.rglob("old")]
        assert not [*folder.glob(".pradrill-*")]
        assert not (place / "ran").exists()


# ---------------------------------------------------------------- databases

ATTRIBUTES = (
    *("olcSyncrepl: rid=001", "OLCSYNCREPL: rid=001", "olcSync\n repl: rid=001", "dn: cn=config"),
    *("description:< file:///dev/zero", "descr\n iption:< file:///etc/shadow", "cn: a", " goes on"),
    *(
        "include: file:///dev/zero",
        "incl\n ude: file:///x",
        "desc\n# no\n ription:<file:///x",
        "# no",
    ),
    *(
        "description:\n < file:///x",
        "cn:: Y2Fm6Q==",
        "olcUpdateRef: ldap://x",
        "",
        "x" * 9_000,
        ":<",
    ),
)
ldifs = st.builds(
    lambda lines, rest: ("\n".join(["dn: cn=config", *lines]) + "\n").encode() + rest,
    st.lists(st.sampled_from(ATTRIBUTES) | st.text(max_size=9), max_size=6).map(
        lambda lines: [each.encode("utf-8", "replace").decode() for each in lines]
    ),
    st.sampled_from([b"", b"", b"\0", b"\xe9\n"]),
)


@FEW
@given(ldifs, ldifs, kinds, st.sampled_from([bytes, gzip.compress]), st.integers(0, 40))
@example(b"dn: cn=config\n", b"dn: a\n", "pipe", bytes, 0)
@example(b"dn: cn=config\n", b"dn: a\n", "zeros", bytes, 0)
@example(b"dn: cn=config\n", b"dn: a\ndescr\n# no\n iption:< file:///dev/zero\n", "file", bytes, 0)
def test_a_dump_of_a_directory_names_no_file_and_no_other_server(
    config: bytes, data: bytes, kind: str, pack: Spoil, cut: int
) -> None:
    """To slapadd; otherwise the directory stands as it did, and slapd runs again."""
    with places() as place:
        folders = {"/etc/ldap/slapd.d": place / "etc", "/var/lib/ldap": place / "lib"}
        for each in folders.values():
            each.mkdir()
            (each / "old").write_text("old")
        before = {str(each): looks(each) for each in folders.values()}
        (place / "dump").mkdir()
        end = ".ldif" if pack is bytes else ".ldif.gz"
        content = pack(data)
        put(place / f"dump/data{end}", kind, content[: len(content) - cut])
        put(place / f"dump/config{end}", "file", pack(config))
        program(
            place, "systemctl", f'[ "$1" != is-active ] || echo active; echo "$1" >> {place}/did'
        )
        program(place, "chown", "")
        program(
            place,
            "runuser",
            f'cat > "{place}/$7"; cp "{place}/$7" {place}/etc; cp "{place}/$7" {place}/lib',
        )
        text = text_of("set-aside", "load-directory", moves=folders)
        result = run(place, text, place / "dump")
        if (place / "did").exists():
            assert (place / "did").read_text().split()[-1] == "start"
        for each in (place / "0", place / "1"):
            given_to = each.read_bytes() if each.exists() else b""
            plain = re.sub(rb"\n(?:#[^\n]*\n)* ", b"", given_to).lower()
            assert not re.search(rb"(?m)^(?:include:|[^:#\n]*:<)", plain)
            assert not re.search(rb"(?m)^olc(syncrepl|updateref):", given_to.lower())
        if result.code:
            assert result.err
            assert {str(each): looks(each) for each in folders.values()} == before


STATEMENTS = (
    *("CREATE TABLE t (a);", "INSERT INTO t VALUES(1);", "CREATE TABLE IF NOT EXISTS t (a);"),
    *("ATTACH '../canary/secret' AS c;", "VACUUM INTO '../canary/x';", "VACUUM INTO 'x';", ".quit"),
    *("SELECT load_extension('x');", "SELECT writefile('../canary/x', 'x');", ".shell touch ran"),
    *("PRAGMA journal_mode=WAL;", "PRAGMA writable_schema=ON;", "SELECT zeroblob(1 << 30);", "/*"),
    *("INSERT INTO sqlite_schema VALUES('table','x','x',9,'CREATE TABLE x(a)');", "'", "COMMIT;"),
    *("SELECT fts3_tokenizer('a', X'4141414141414141');", "PRAGMA page_size=65536;", "ROLLBACK;"),
    *("CREATE TABLE u (a CHECK (a REGEXP 'x'));", "INSERT INTO u VALUES('caf\u00e9');", "-- x\r"),
    *("PRAGMA temp_store_directory='../canary';", "CREATE TABLE m (a PRIMARY KEY) WITHOUT ROWID;"),
    *(
        "CREATE VIRTUAL TABLE w USING fts5(a);",
        "DROP TABLE t;",
        "BEGIN TRANSACTION;",
        "SELECT 1;\0",
    ),
)


@st.composite
def backups_of_sqlite(draw: st.DrawFn) -> bytes:
    """Draw a text of .dump, or a file, with some of it changed."""
    if draw(st.booleans()):
        lines = draw(st.lists(st.sampled_from(STATEMENTS) | st.text(max_size=9), max_size=6))
        text = "\n".join(["PRAGMA foreign_keys=OFF;", "BEGIN TRANSACTION;", *lines, "COMMIT;", ""])
        content = text.encode("utf-8", "replace")
    else:
        with places() as place:
            with sqlite3.connect(place / "app") as database:
                database.execute(draw(st.sampled_from(["PRAGMA journal_mode=WAL", "SELECT 1"])))
                database.execute("CREATE TABLE t (a CHECK (a <> 'x'))")
                database.execute("CREATE INDEX i ON t (abs(a))")
                database.execute("INSERT INTO t VALUES (1)")
            database.close()
            content = (place / "app").read_bytes()
        for at in draw(
            st.lists(st.integers(0, 200) | st.integers(0, len(content) - 1), max_size=3)
        ):
            content = content[:at] + draw(st.binary(min_size=1, max_size=8)) + content[at + 1 :]
    if draw(st.integers(0, 5)) == 0:
        content = content[: draw(st.integers(0, len(content)))]
    pack: Spoil = draw(st.sampled_from(PACKINGS))
    return pack(content)


@FEW
@given(backups_of_sqlite(), kinds)
def test_a_backup_of_sqlites_is_a_sound_database_or_the_one_there_stays(
    content: bytes, kind: str
) -> None:
    """And nothing of it was written elsewhere, whatever its statements and pages say."""
    with places() as place:
        (place / "lib").mkdir()
        database = place / "lib/app"
        with sqlite3.connect(database) as old:
            old.execute("CREATE TABLE old (a)")
        old.close()
        before = looks(place / "lib")
        put(place / "backup", kind, content)
        end = run(place, 'exec bash "$@"', SCRIPTS / "load-sqlite", place / "backup", database)
        if end.code:
            assert end.err.count("\n") == 1
            assert looks(place / "lib") == before
        else:
            with sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True) as fresh:
                fresh.create_function("regexp", 2, lambda *_: None)
                fresh.text_factory = bytes
                assert fresh.execute("PRAGMA integrity_check(1)").fetchone() == (b"ok",)
            fresh.close()
            assert {each.name for each in (place / "lib").iterdir()} <= {
                each.name for each in [database, *(place / "lib").glob("app-*")]
            }
        assert {each.name for each in place.iterdir()} <= {"lib", "backup"}


def test_a_link_in_a_databases_place_is_named(tmp_path: Path) -> None:
    """It was replaced by a file, and the one that it led to stayed as it was."""
    (tmp_path / "backup").write_text("BEGIN TRANSACTION;\nCREATE TABLE t (a);\nCOMMIT;\n")
    (tmp_path / "app").symlink_to("data")
    words = (SCRIPTS / "load-sqlite", tmp_path / "backup", tmp_path / "app")
    end = run(tmp_path, 'exec bash "$@"', *words)
    assert (end.code, "is a link on the standby" in end.err) == (1, True)
    assert (tmp_path / "app").is_symlink()


@FEW
@given(texts, st.integers(0, 2), kinds, st.sampled_from(["", "-1"]))
@example(b"", 0, "pipe", "")
@example(b"", 0, "zeros", "")
@example(
    b'pg_verifybackup: error: "\\c" is present on disk but not in the manifest\n', 1, "file", ""
)
def test_a_restored_cluster_is_compared_or_refused_in_one_line(
    output: bytes, code: int, kind: str, behind: str
) -> None:
    """Whatever lies in its manifest's place, and whatever PostgreSQL's own tool says of it."""
    with places() as place:
        put(place / f"backup_manifest{behind}", kind, b"{}")
        (place / "output").write_bytes(output)
        program(place, "pg_verifybackup", f"cat {place}/output; exit {code}")
        text = text_of("compare-postgresql").replace("/usr/lib/postgresql/$version", str(place))
        end = run(place, text, "15", "main", place, shell="sh")
        assert end.err.count("\n") == (1 if end.code else 0)
        is_looked_at = kind == "file"
        first = output.replace(b"\0", b"").partition(b"\n")[0]
        is_new_alone = code and b"on disk but not" in first
        if kind == "nothing" or (is_looked_at and (is_new_alone or not code)):
            assert end.code == 0
        elif not is_looked_at:
            assert "is no file" in end.err


# ---------------------------------------------------------------- services

SETTINGS = (
    *(
        "[mysqld]",
        "innodb_page_size=16384",
        "innodb_undo_directory=./",
        "# a/b",
        "innodb_data_home=/x",
    ),
    *(
        "innodb_data_file_path=ibdata1:12M;../x:1M",
        "!include /etc/shadow",
        "  !includedir ..",
        "a=/b",
    ),
    *(
        "innodb_undo_directory=/data/undo",
        "innodb_data_file_path=ibdata1:12M:autoextend",
        "caf\xe9=",
    ),
)
OF_MARIABACKUP = (
    "xtrabackup_checkpoints",
    "backup-my.cnf",
    "ibdata1",
    "mysql",
    "mysql/t.isl",
    "mysql/t.ibd",
    "t.isl",
    "-n",
    "a\nb",
)


@FEW
@given(
    st.dictionaries(st.sampled_from(OF_MARIABACKUP), kinds, min_size=1),
    st.lists(st.sampled_from(SETTINGS), max_size=4),
)
def test_mariabackup_is_given_files_of_the_backups_alone(
    tree: dict[str, str], lines: list[str]
) -> None:
    """Neither links, pipes nor devices, nor a place elsewhere to write to."""
    with places() as place:
        (place / "backup").mkdir()
        for name, kind in sorted(tree.items()):
            with suppress(OSError):
                (place / "backup" / name).parent.mkdir(exist_ok=True)
                put(place / "backup" / name, kind, "\n".join(lines).encode("latin-1"))
        program(place, "mariabackup", f"find {place}/data -name '*.isl' > {place}/ran")
        end = run(place, text_of("prepare-mariabackup"), place / "backup", place / "data")
        if end.code:
            assert end.err.count("\n") == 1
        else:
            given_to = [*(place / "data").rglob("*")]
            assert all(each.is_dir() or each.is_file() for each in given_to)
            assert not any(each.is_symlink() for each in given_to)
            for each in (each for each in given_to if each.suffix == ".isl"):
                assert each.read_text() == f"{place}/data.elsewhere/mysql/t.ibd"
            assert not (place / "ran").read_text()
            has_settings = tree.get("backup-my.cnf") == "file"
            assert not has_settings or not {*lines} & {SETTINGS[5], SETTINGS[6], SETTINGS[7]}
        assert (place / "ran").exists() is (end.code == 0)


LINES = (
    b"LOG:  recovery ended before configured recovery target was reached\n",
    b"FATAL:  recovery ended before configured recovery target was reached\n",
    *(b"FATAL:  caf\xe9\n", b"LOG:  a 'row'\n", b"PANIC:  " + b"x" * 9_000 + b"\n", b"LOG: \n"),
    *(b"FATAL:  the database system is starting up\n", b"ERROR:  \x1b[2J%s\\c\n", b"\0\0\n"),
)
logs = st.lists(st.sampled_from(LINES) | texts, max_size=4).map(b"".join)


@FEW
@given(st.lists(st.tuples(logs, st.booleans()), min_size=1, max_size=3), kinds, texts)
@example([(LINES[1], False), (LINES[1], False)], "file", b"")
@example([(LINES[1], False)], "pipe", b"")
def test_a_cluster_that_starts_or_does_not_is_told_once(
    starts: list[tuple[bytes, bool]], kind: str, answer: bytes
) -> None:
    """Started again at most once, for its target; and of its log no row is told."""
    with places() as place:
        (place / "data").mkdir()
        put(place / "data/postgresql.auto.conf", kind, b"recovery_target_time = 'x'\nother = 1\n")
        for number, (log, is_active) in enumerate([*starts, (b"", True)], 1):
            (place / f"log{number}").write_bytes(log)
            (place / f"active{number}").write_text("yes" if is_active else "no")
        (place / "answer").write_bytes(answer)
        (place / "started").write_text("")
        program(place, "pg_conftool", "echo 5432")
        program(place, "install", f": > {place}/log")
        program(
            place,
            "systemctl",
            f'[ "$1" != start ] || echo x >> {place}/started\n'
            f"n=$(wc -l < {place}/started)\n"
            f'[ "$1" != start ] || {{ cat {place}/log$n >> {place}/log; exit 1; }}\n'
            f"grep -q yes {place}/active$n",
        )
        program(
            place,
            "runuser",
            f"grep -q yes {place}/active$(wc -l < {place}/started) || exit 2\n"
            f'case "$*" in *is_in_recovery*) echo t;; *) cat {place}/answer;; esac',
        )
        text = text_of("replay-postgresql").replace(
            "/var/log/postgresql/postgresql-$version-$cluster.log", f"{place}/log"
        )
        end = run(place, text, "15", "main", place / "data", shell="sh")
        assert len((place / "started").read_text().split()) <= 2
        if end.code:
            assert end.err.startswith("PostgreSQL did not start: ")
            assert end.err.count("\n") == 1
            assert len(os.fsencode(end.err)) < 600
            assert "row" not in end.err


# ---------------------------------------------------------------- services

TREES = st.dictionaries(
    st.sampled_from(["a", "cache", "muc", "sessions", "caf\udce9", "a b", "-n"]), kinds, max_size=4
)
CONFIGS = st.lists(
    st.sampled_from(
        ["<?php", "require_once(__DIR__ . '/lib/setup.php');", "require 'lib/setup.php';", "&\\1#",
         "  require ( 'a/lib/setup.php' ) ;", "// require lib/setup.php", "exec('touch ran');"]
    ),
    max_size=4,
).map("\n".join)  # fmt: skip


@FEW
@given(CONFIGS, kinds, TREES, texts, st.lists(texts, max_size=3))
@example("require 'lib/setup.php';", "file", {"cache": "leads out"}, b"cas,saml2\n$(x)\n", [])
def test_a_restored_moodle_is_quiet_or_it_is_said_why(
    config: str, kind: str, tree: dict[str, str], spoken: bytes, answers: list[bytes]
) -> None:
    """Its settings, links and rows lead nowhere else, and names of plugins alone are told."""
    with places() as place:
        for name in ("code", "data", "php"):
            (place / name).mkdir()
        put(place / "code/config.php", kind, config.encode())
        for name, each in tree.items():
            put(place / "data" / name, each, b"x")
        (place / "said").write_bytes(spoken)
        (place / "answer").write_bytes(b"\n".join(answers))
        program(
            place,
            "runuser",
            f'case "$*" in *cfg.php*) cat {place}/said; exit {len(spoken) % 2};; esac',
        )
        program(
            place, "mariadb", f'read -r line; case "$line" in SELECT*) cat {place}/answer;; esac'
        )
        program(place, "chgrp", "")
        text = text_of("quiet-moodle").replace("/etc/php", f"{place}/php")
        words = (place / "code", place / "data", "www-data", "mdl_", "moodle", "mariadb")
        end = run(place, text, *words)
        assert not (place / "ran").exists()
        if end.code:
            assert end.err
        else:
            name = "[a-z][a-z0-9_]{0,38}"
            assert re.fullmatch(f"({name}( {name})*)?\n", end.out), end.out
            lines = (place / "code/config.php").read_text().splitlines()
            loads = [
                at for at, each in enumerate(lines) if "lib/setup.php" in each and "//" not in each
            ]
            ours = f"require('{place}/code/config-standby.php');"
            assert all(lines[at - 1] == ours for at in loads)
            assert not (place / "data/cache").is_symlink()


@FEW
@given(texts, st.lists(st.sampled_from([0, 1, 124]), max_size=3), st.sampled_from(["", "smbd"]))
@example(b"", [124] * 40, "")
def test_a_domain_is_started_or_it_is_said_why(output: bytes, codes: list[int], ran: str) -> None:
    """That nothing was said of a failure is no success: a deadline says nothing."""
    with places() as place:
        for name in ("domain.new", "staging", "etc"):
            (place / name).mkdir()
        (place / "domain.new/smb.conf").write_text("[global]")
        (place / "output").write_bytes(output)
        for at, code in enumerate(codes, 1):
            (place / f"code{at}").write_text(str(code))
        program(place, "systemctl", f'[ "$1" != is-active ] || [ "$3" = "{ran}" ]')
        program(place, "sleep", "")
        program(
            place,
            "timeout",
            f"echo >> {place}/tries; n=$(wc -l < {place}/tries); cat {place}/output\n"
            f"exit $(cat {place}/code$n 2> /dev/null || echo {codes[-1] if codes else 0})",
        )
        text = text_of("start-samba", moves={"/etc/samba": place / "etc"})
        end = run(place, text, place / "domain", "ad.exemple.fr", place / "staging")
        is_entered = not codes or 0 in codes
        assert end.code == (not is_entered), end.err
        assert end.err.count("\n") == (not is_entered)
        assert (place / "domain/smb.conf").read_text() == "[global]"
        assert (place / "staging/samba-krb5.conf").exists() is is_entered


class Entry(dict[str, str]):
    """What Samba's library returns of an object."""


@settings(max_examples=2 * EXAMPLES)
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["info", "whenChanged"]),
            st.sampled_from(
                ["20261130010203.0Z", "2026-11-30T01:02:03Z", "00000000000000.0Z", "\n"]
            )
            | st.text(max_size=20),
        ),
        max_size=4,
    ),
    st.sampled_from(["heartbeat", "change"]),
)
def test_the_newest_of_a_domain_is_an_instant_or_nothing(
    entries: list[dict[str, str]], what: str
) -> None:
    """A text that somebody wrote in its place, an object without one, a date that is none."""
    its = script("manifest-samba")
    domain = SimpleNamespace(search=lambda *_: [Entry(each) for each in entries])
    newest = its.Domain.newest(domain, what, "pradrill")
    assert re.fullmatch("[0-9TZ:.-]{0,40}", newest)


@settings(max_examples=2 * EXAMPLES)
@given(st.dictionaries(st.sampled_from(["a", "b", "caf\udce9", "a\nb"]), kinds, max_size=4))
def test_of_a_sysvol_every_file_has_its_hash(tree: dict[str, str]) -> None:
    """And what is none is waited for by nobody."""
    its = script("manifest-samba")
    with places() as place:
        for name, kind in tree.items():
            put(place / name, kind, b"x")
        domain = SimpleNamespace(settings=SimpleNamespace(get=lambda *_: str(place)))
        hashes = its.Domain.sysvol(domain)
        files = {name for name, kind in tree.items() if kind in {"file", "leads out"}}
        assert {*hashes} == {name for name in files if (place / name).is_file()}
        json.dumps(hashes)


MANIFESTS = {
    "manifest-files": ("check", "{}", "bytes"),
    "manifest-tables": ("check", "sqlite", "/nowhere", "{}", "rows"),
    "manifest-samba": ("check", "{}", "objects"),
}


@pytest.mark.parametrize("kind", ["pipe", "zeros", "loop", "nothing", "folder"])
@pytest.mark.parametrize("name", MANIFESTS)
def test_what_is_no_manifest_is_waited_for_by_nobody(name: str, kind: str, tmp_path: Path) -> None:
    """It lay in the backup: a pipe there, or a link to a device, is no file."""
    put(tmp_path / "manifest", kind, b"")
    code, answer = answer_of(
        name, *(each.format(tmp_path / "manifest") for each in MANIFESTS[name])
    )
    assert code == 1
    assert answer == f"there is no manifest {tmp_path}/manifest, or it is no file"


@pytest.mark.parametrize("kind", ["pipe", "zeros"])
def test_what_stands_in_a_files_place_is_waited_for_by_nobody(kind: str, tmp_path: Path) -> None:
    """A manifest that tells a file's bytes, and a backup that brings a pipe of its name."""
    put(tmp_path / "a", kind, b"")
    file = {"path": f"{tmp_path}/a", "kind": "-", "mode": "", "owner": "", "acl": {}, "xattr": {}}
    lines = [{"taken": 9e9, "folders": []}, {**file, "sha256": "ab"}]
    (tmp_path / "manifest").write_text("\n".join(map(json.dumps, lines)))
    code, answer = answer_of("manifest-files", "check", f"{tmp_path}/manifest", "bytes")
    assert (code, "cannot be read: it is no file" in answer) == (1, True)


def test_a_folder_that_is_deeper_than_python_goes_is_looked_at() -> None:
    """In a manifest, in a sysvol and beside checksums."""
    with places() as place:
        run(place, "d=$(printf 'd/%.0s' {1..1500}); mkdir staging; mkdir -p $d; touch $d/x")
        assert len([*script("manifest-files").below(f"{place}/d")]) == 1_501
        settings = SimpleNamespace(get=lambda *_: f"{place}/d")
        hashes = script("manifest-samba").Domain.sysvol(SimpleNamespace(settings=settings))
        assert len(hashes) == 1
        end = run(place, text_of("fetch-backup"), place, "d", place / "staging", "no", shell="sh")
        run(place, "rm -r d")  # Python cannot
    assert (end.code, end.err) == (0, "")


def test_a_manifest_that_leads_out_of_its_folder_is_copied_for_nobody(tmp_path: Path) -> None:
    """Beside a backup, a link to a file of root's: it lay open in the standby's folder."""
    for name in ("backups", "staging"):
        (tmp_path / name).mkdir()
    (tmp_path / "secret").write_text('{"taken": ""}')
    (tmp_path / "backups/shop-1.sql").touch()
    (tmp_path / "backups/shop-1.sql.manifest.json").symlink_to("../secret")
    words = (tmp_path / "backups", "", tmp_path / "staging", "no")
    end = run(tmp_path, text_of("fetch-backup"), *words, shell="sh")
    assert end.code == 1
    assert end.err == "shop-1.sql.manifest.json is a link that leads out of the folder\n"
    assert [*(tmp_path / "staging").iterdir()] == []


@FEW
@given(st.integers(1, 9_999), kinds)
def test_a_heart_beats_twice_in_its_interval(seconds: int, kind: str) -> None:
    """Into a file that is always whole; what cannot be written ends it."""
    with places() as place:
        put(place / "beat", kind, b"")
        program(place, "sleep", f'echo "$1" > {place}/pause; kill -TERM $PPID')
        words = (SCRIPTS / "pradrill-heartbeat", "file", str(seconds), place / "beat")
        run(place, 'exec sh "$@"', *words)
        if (place / "pause").exists():
            assert float((place / "pause").read_text()) * 2 == seconds
            beats = [
                each for each in place.rglob("beat*") if each.is_file() and not each.is_symlink()
            ]
            assert [re.fullmatch(r"[0-9T:.-]{26}Z\n", each.read_text()) for each in beats] != [None]
