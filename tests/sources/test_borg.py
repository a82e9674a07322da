"""BorgBackup: what its repositories refuse, and how they are reached."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from tests.sources.conftest import PASSWORD, BorgShelf, secret

from pradrill.adapters.backups.borg import Borg
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.domain.declared.backup_source import BorgSource, Ssh
from pradrill.domain.run.backup_integrity import IntegrityPart, Soundness
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds

BOUNDS = Bounds(60.0)

pytestmark = pytest.mark.parametrize("shelf", ["borg"], indirect=True)


def declared(shelf: BorgShelf, **changes: Any) -> Borg:
    """Return the shelf's source with some keys changed."""
    fields = {"repository": f"{shelf.folder}/repo", "password": secret(shelf.folder, PASSWORD)}
    return Borg(BorgSource.model_validate({**fields, **changes}), resolve, SteadyClock())


def test_a_prefix_chooses_and_a_comment_is_tags(shelf: BorgShelf) -> None:
    """Only archives of this service are its catalogue; a star in a prefix is a star."""
    shelf.stock()
    assert [p.id for p in declared(shelf, prefix="moodle-1").catalogue(BOUNDS).points] == [
        "moodle-1"
    ]
    assert declared(shelf, prefix="*").catalogue(BOUNDS).points == ()
    assert [p.tags for p in declared(shelf).catalogue(BOUNDS).points] == [("n0",), ("n1",)]


def test_a_locked_repository_is_told(shelf: BorgShelf) -> None:
    """While a backup writes, borg's own lock holds; the error says whose it is to wait for."""
    shelf.stock()
    holder = subprocess.Popen(
        ["borg", "with-lock", f"{shelf.folder}/repo", "sleep", "60"],
        env={
            "PATH": "/usr/bin:/bin",
            "BORG_PASSPHRASE": PASSWORD,
            "BORG_BASE_DIR": f"{shelf.folder}/base",
        },
    )
    try:
        for _ in range(100):
            if (shelf.folder / "repo/lock.exclusive").exists():
                break
            time.sleep(0.1)
        with pytest.raises(NotReadyError, match=r"is locked: .*; process \d+ of .+ holds it"):
            declared(shelf).catalogue(BOUNDS)
    finally:
        subprocess.run(["kill", "--", *_children(holder.pid)], check=False)
        holder.wait(20)


def _children(pid: int) -> list[str]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [str(pid), *listed.read_text().split()][::-1]


def test_a_newer_format_is_told(shelf: BorgShelf) -> None:
    """A repository of borg 2 and later is no repository without backups."""
    shelf.stock()
    config = shelf.folder / "repo/config"
    config.write_text(config.read_text().replace("version = 1", "version = 9"))
    with pytest.raises(NotReadyError, match="newer"):
        declared(shelf).catalogue(BOUNDS)


def test_an_unencrypted_impostor_is_refused(shelf: BorgShelf) -> None:
    """With a password declared, a repository that needs none is another one."""
    shelf.tool("init", "-e", "none", f"{shelf.folder}/other")
    with pytest.raises(NotReadyError, match="not encrypted"):
        declared(shelf, repository=f"{shelf.folder}/other").catalogue(BOUNDS)
    assert (
        declared(shelf, repository=f"{shelf.folder}/other", password=None).catalogue(BOUNDS).points
        == ()
    )


def test_a_password_that_the_drill_forgot_is_told(shelf: BorgShelf) -> None:
    """An encrypted repository without a password asks nobody, and does not hang."""
    with pytest.raises(NotReadyError, match="password"):
        declared(shelf, password=None).catalogue(BOUNDS)


def test_a_key_file_opens_its_repository(shelf: BorgShelf) -> None:
    """A keyfile repository needs both its file and its password."""
    shelf.tool("init", "-e", "keyfile", f"{shelf.folder}/other")
    (key,) = (shelf.folder / "base/.config/borg/keys").iterdir()
    other = {"repository": f"{shelf.folder}/other"}
    assert declared(shelf, **other, key_file=key).catalogue(BOUNDS).points == ()
    with pytest.raises(NotReadyError, match="key file"):
        declared(shelf, **other).catalogue(BOUNDS)


def test_a_damaged_manifest_is_told(shelf: BorgShelf) -> None:
    """A repository whose list of archives cannot be read has no catalogue."""
    shelf.stock()
    for path in (shelf.folder / "repo/data/0").iterdir():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(NotReadyError, match=r"borg repository .*repo"):
        declared(shelf).catalogue(BOUNDS)


def test_a_repository_behind_ssh_is_read_and_only_with_its_pinned_key(
    shelf: BorgShelf, sshd: Any, tmp_path: Path
) -> None:
    """The server's key is the pinned one or nothing is asked of it."""
    shelf.stock()
    place = f"ssh://{sshd.host.user}@127.0.0.1:{sshd.port}{shelf.folder}/repo"
    pinned = Ssh(known_hosts=sshd.known_hosts, private_key=sshd.key)
    points = declared(shelf, repository=place, ssh=pinned).catalogue(BOUNDS).points
    assert [point.id for point in points] == shelf.ids
    other = tmp_path / "known_hosts"
    key = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    other.write_text(f"[127.0.0.1]:{sshd.port} ssh-ed25519 {key}\n")
    unpinned = Ssh(known_hosts=other, private_key=sshd.key)
    with pytest.raises(NotReadyError, match=r"not the pinned one|must be pinned"):
        declared(shelf, repository=place, ssh=unpinned).catalogue(BOUNDS)
    unreachable = f"ssh://{sshd.host.user}@127.0.0.1:1{shelf.folder}/repo"
    with pytest.raises(NotReadyError, match="cannot be reached"):
        declared(shelf, repository=unreachable, ssh=pinned).catalogue(BOUNDS)


def test_a_wrong_password_proves_nothing_of_the_data(shelf: BorgShelf) -> None:
    """A check that cannot open the repository calls it neither sound nor damaged."""
    shelf.stock()
    (point, _) = declared(shelf).catalogue(BOUNDS).points
    wrong = declared(shelf, password=secret(shelf.folder, "wrong"))
    assert wrong.check(point, IntegrityPart(1, 1), BOUNDS).soundness is Soundness.UNPROVEN


def test_a_check_that_broke_off_has_found_no_damage(
    shelf: BorgShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is killed, or may not read a file, has proven nothing of the data, and says why."""
    shelf.stock()
    (point, _) = declared(shelf).catalogue(BOUNDS).points
    tool = tmp_path / "bin/borg"
    tool.parent.mkdir()
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    tmp_path.chmod(0o755)
    shelf.largest().chmod(0)
    without = "setpriv --bounding-set -all --inh-caps -all --no-new-privs"
    for line, reason in (
        (f'exec {without} /usr/bin/borg "$@"', "PermissionError: [Errno 13] Permission denied"),
        ("kill -KILL $$", "ended by signal 9"),
    ):
        tool.write_text(f"#!/bin/sh\n{line}\n")
        tool.chmod(0o755)
        checked = declared(shelf).check(point, IntegrityPart(1, 1), BOUNDS)
        assert checked.soundness is Soundness.UNPROVEN, checked
        assert reason in checked.detail
