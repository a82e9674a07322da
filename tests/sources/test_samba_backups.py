"""What is in a backup of samba-tool's is looked at before samba-tool unpacks it as root.

A domain that really comes back is nightly (integration/test_samba_domain.py).
"""

from __future__ import annotations

import bz2
import gzip
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

LOAD = Path(__file__).parents[2] / "playbooks/files/load-samba"
TELLS = """\
Backup created 2026-Nov-30 08:57:24
Domain offline backup, using DC 'dc1'
Backup for domain EXEMPLE (NetBIOS), ad.exemple.fr (DNS realm)
Backup contains domain secrets: True
"""
LOOKED_AT = "samba-tool is not on this machine"
"""What it comes to where everything was looked at and handed on."""
Members = list[tuple[str | tarfile.TarInfo, bytes]]


def entry(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    """Return a member that is no file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def archive(members: Members, pack: Callable[[bytes], bytes] = bz2.compress) -> bytes:
    """Return an archive."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as target:
        for member, payload in members:
            info = tarfile.TarInfo(member) if isinstance(member, str) else member
            if isinstance(member, str):
                info.size, info.mode, info.uid = len(payload), 0o6777, 1000
            target.addfile(info, io.BytesIO(payload))
    return pack(content.getvalue())


def backup(
    *more: tuple[str | tarfile.TarInfo, bytes],
    sysvol: Members | None = None,
    tells: str = TELLS,
) -> Members:
    """Return what a backup of samba-tool's holds, and something more."""
    inside: Members = sysvol or [("ad.exemple.fr/GPT.INI", b"[General]")]
    return [
        ("./sysvol.tar.gz", archive(inside, gzip.compress)),
        ("./backup.txt", tells.encode()),
        ("./private/sam.ldb", b"TDB file"),
        ("./private/sam.ldb.d/DC=AD,DC=EXEMPLE,DC=FR.ldb", b"TDB file"),
        ("./private/secrets.ldb", b"TDB file"),
        (
            "./etc/smb.conf",
            b"[global]\n\tidmap_ldb:use rfc2307 = yes\n\tpanic action = touch /pwned\n",
        ),
        (entry("./etc/samba/tls", tarfile.SYMTYPE, "/etc/ssl"), b""),
        *more,
    ]


def look(content: bytes, folder: Path) -> str:
    """Return what it says of a backup, where there is no samba-tool; nothing may come beside it."""
    (work := folder / "work").mkdir()
    (folder / "backup").write_bytes(content)
    words = [sys.executable, "-I", str(LOAD), str(folder / "backup"), str(folder / "domain")]
    outcome = subprocess.run(
        [*words, "dc-dr", str(work)],
        env={"PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 1, outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert {each.name for each in folder.iterdir()} == {"work", "backup"}
    return outcome.stderr


HOSTILE: dict[str, tuple[bytes, str]] = {
    "a path above": (archive(backup(("../../cron", b"x"))), "leads out of it: '../../cron'"),
    "a path from the root": (archive(backup(("/etc/cron.d/x", b"x"))), "leads out of it"),
    "a path above, further in": (archive(backup(("private/../../x", b"x"))), "leads out of it"),
    "a link": (
        archive(backup((entry("private/tls", tarfile.SYMTYPE, "/etc"), b""))),
        "no plain file or folder: 'private/tls'"),
    "a hard link": (
        archive(backup((entry("private/x", tarfile.LNKTYPE, "/etc/passwd"), b""))), "no plain"),
    "a device": (archive(backup((entry("state/sda", tarfile.BLKTYPE), b""))), "no plain file"),
    "a link in the sysvol": (
        archive(backup(sysvol=[(entry("a", tarfile.SYMTYPE, "/etc"), b""), ("a/passwd", b"x")])),
        "no plain file"),
    **{
        f"a link in the sysvol, {place}, {kind!r}": (
            archive(backup(sysvol=[(entry(place, kind, "/tmp/v"), b""), (f"{place}/evil", b"x")])),
            f"no plain file or folder: '{place.removeprefix('./')}'")
        for place in ("etc/foo", "./etc/foo", "ad.exemple.fr/etc/foo", "private/x", "etc/a/b")
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE)
    },
    "a path above in the sysvol": (archive(backup(sysvol=[("../x", b"x")])), "leads out of it"),
    "the same twice": (archive(backup(("private/sam.ldb", b"other"))), "'private/sam.ldb' twice"),
    "another domain's settings as its name": (
        archive(backup(tells=TELLS.replace("EXEMPLE", "A\\n[global]"))), "does not tell of which"),
    "no passwords": (archive(backup(tells=TELLS.replace("True", "False"))), "--no-secrets"),
    "the primary's name": (archive(backup(tells=TELLS.replace("dc1", "DC-DR"))), "needs another"),
    "no database": (archive([("backup.txt", b"x"), ("sysvol.tar.gz", archive([], gzip.compress))]),
                    "it has no private/sam.ldb"),
    "a cut": (archive(backup(("private/big", os.urandom(90_000))))[:-40_000], "cannot be unpacked"),
    "a cut behind its last file": (archive(backup())[:-4], "cannot be unpacked"),
    "a byte that rotted": (
        bytes(b ^ (at == 300) for at, b in enumerate(archive(backup()))), "cannot be unpacked"),
    "something else": (b"-- MySQL dump 10\n" * 90, "cannot be unpacked"),
    "nothing": (b"", "cannot be unpacked"),
}  # fmt: skip


@pytest.mark.parametrize("title", HOSTILE)
def test_what_no_backup_holds_is_refused_before_anything_is_touched(
    tmp_path: Path, title: str
) -> None:
    """Each with its reason, no traceback, and nothing unpacked."""
    content, reason = HOSTILE[title]
    assert reason in look(content, tmp_path)


def test_more_than_there_is_room_for_is_refused_by_its_headers(tmp_path: Path) -> None:
    """A small file that says it is larger than the disk is not unpacked to see whether it is."""
    huge = tarfile.TarInfo("private/huge")
    huge.size = 1 << 50
    header = huge.tobuf(tarfile.GNU_FORMAT)
    whole = archive(backup(), bytes).rstrip(b"\0")
    content = whole + bytes(-len(whole) % 512) + header
    assert "more than there is room for" in look(bz2.compress(content), tmp_path)


def test_a_header_that_fills_the_memory_is_refused(tmp_path: Path) -> None:
    """A small file whose one header is longer than the memory's bound is not read on."""
    header = tarfile.TarInfo("private/x")
    header.type, header.size = tarfile.XHDTYPE, 1 << 33
    chunk = gzip.compress(bytes(64 << 20), 1)
    content = gzip.compress(header.tobuf(tarfile.GNU_FORMAT)) + chunk * 9
    assert "512 MB of memory" in look(content, tmp_path)


def test_a_folder_that_cannot_take_the_domain_is_named(tmp_path: Path) -> None:
    """Where the domain shall lie in a folder that is not there, it is told which to make."""
    (tmp_path / "backup").write_bytes(archive(backup()))
    words = [sys.executable, "-I", str(LOAD), f"{tmp_path}/backup", f"{tmp_path}/none/domain"]
    outcome = subprocess.run(
        [*words, "dc-dr", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert outcome.stderr.endswith(f"is not there: make {tmp_path}/none\n")
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize("running", ["", "smbd", "samba-ad-dc"])
def test_what_ran_before_is_noted_for_the_teardown(tmp_path: Path, running: str) -> None:
    """A domain controller, too; restored again, it is the drill's, and not noted."""
    script = LOAD.with_name("start-samba").read_text("utf-8").replace("/etc/samba", str(tmp_path))
    stubs = f"""running={running}
        systemctl() {{ case $1 in is-active) [ "$3" = "$running" ];; start) running=$2;; esac; }}
        samba_dnsupdate() {{ :; }}; timeout() {{ shift; "$@"; }}; sleep() {{ :; }}
    """
    for _ in range(2):
        for folder in ("domain.new", "staging"):
            (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / "domain.new/smb.conf").touch()
        words = ["bash", "-c", stubs + script, "start-samba", f"{tmp_path}/domain", "a.fr"]
        subprocess.run([*words, f"{tmp_path}/staging"], check=True)
        stubs = stubs.replace(f"running={running}", "running=samba-ad-dc", 1)
    noted = tmp_path / "staging/samba-ran"
    assert (noted.read_text() if noted.exists() else "") == (f"{running}\n" if running else "")


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress])
def test_only_databases_and_sysvol_are_handed_on(
    tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    """Packed or not; as root's files, closed to others; of production's settings RFC 2307 alone."""
    assert LOOKED_AT in look(archive(backup(("elsewhere/x", b"x")), pack), tmp_path)
    with tarfile.open(tmp_path / "work/samba.tar") as handed_on:
        files = {each.name: each for each in handed_on if each.isfile()}
        folders = [each for each in handed_on if each.isdir()]
    assert sorted(files) == [
        "backup.txt",
        "etc/smb.conf",
        "private/sam.ldb",
        "private/sam.ldb.d/DC=AD,DC=EXEMPLE,DC=FR.ldb",
        "private/secrets.ldb",
        "sysvol.tar.gz",
    ]
    assert {each.mode for each in files.values()} == {0o600}
    assert {each.mode for each in folders} == {0o700}
    assert {each.uid for each in (*files.values(), *folders)} == {0}
    settings = (tmp_path / "work/smb.conf").read_text("utf-8")
    assert "realm = AD.EXEMPLE.FR\n\tworkgroup = EXEMPLE\n" in settings
    assert "idmap_ldb:use rfc2307 = yes" in settings
    assert "panic action" not in settings
    assert "dns forwarder" not in settings
