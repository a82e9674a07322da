"""restic: what its repositories refuse, and how they are reached."""

from __future__ import annotations

import os
import re
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.sources.conftest import PASSWORD, ResticShelf, secret
from tests.sources.restic_crypto import add_lock, set_version

from pradrill.adapters.backups.restic import Restic
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.app.proposal.newest import contents_of
from pradrill.app.proposal.place import Place
from pradrill.domain.declared.backup_source import ResticSource, Select, Ssh
from pradrill.domain.run.backup_catalogue import read
from pradrill.domain.run.backup_integrity import IntegrityPart, Soundness
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds
from pradrill.system import scratch

BOUNDS = Bounds(60.0)

pytestmark = pytest.mark.parametrize("shelf", ["restic"], indirect=True)


def declared(shelf: ResticShelf, **changes: Any) -> Restic:
    """Return the shelf's source with some keys changed."""
    fields = {"repository": f"{shelf.folder}/repo", "password": secret(shelf.folder, PASSWORD)}
    return Restic(ResticSource.model_validate({**fields, **changes}), resolve, SteadyClock())


def test_host_tag_and_path_choose(shelf: ResticShelf) -> None:
    """Only what the backup job of this service wrote is its catalogue."""
    shelf.stock()
    ids = {
        (key, value): [p.id for p in declared(shelf, **{key: value}).catalogue(BOUNDS).points]
        for key, value in (
            ("tag", "n1"),
            ("host", "moodle1"),
            ("host", "other"),
            ("path", f"{shelf.folder}/data"),
        )
    }
    assert list(ids.values()) == [[shelf.ids[1]], shelf.ids, [], shelf.ids]
    (point,) = declared(shelf, tag="n1").catalogue(BOUNDS).points
    assert (point.host, point.tags) == ("moodle1", ("n1",))


def test_what_another_host_wrote_makes_no_figure_better(shelf: ResticShelf) -> None:
    """Two that write in turn lose a day each, not half of one; what is ahead proves nothing."""
    data = shelf.folder / "data"
    data.mkdir()
    for host, hours in (("web1", 25), ("db1", 13), ("web1", 1), ("db1", -48)):
        at = datetime.now(UTC) - timedelta(hours=hours)
        when = f"{at:%Y-%m-%d %H:%M:%S}"
        shelf.tool("backup", "-q", "--time", when, "--host", host, str(data))

    catalogue = declared(shelf, path=f"{data}/").catalogue(BOUNDS)
    reading = read(catalogue, Select(), timedelta(days=30), None)
    # Since 0.17 restic says when a backup was really made, whatever time it was given: just now.
    is_told = catalogue.points[0].end_time is not None
    hours = 13 if is_told else 24
    assert reading.worst_case.seconds == pytest.approx(hours * 3_600, abs=60)
    assert (reading.points, reading.beside) == (4, 2)
    assert ["in the future" in each for each in reading.unusable] == ([] if is_told else [True])


def test_a_repository_that_is_being_pruned_is_locked(shelf: ResticShelf) -> None:
    """Who removes data holds an exclusive lock: what is listed may be gone a moment later."""
    shelf.stock()
    add_lock(shelf.folder / "repo", PASSWORD, hostname="backup1", pid=4711)
    with pytest.raises(NotReadyError, match=r"is locked by .* backup1, pid 4711") as refusal:
        declared(shelf).catalogue(BOUNDS)
    assert "restic unlock" in str(refusal.value)


def test_a_lock_that_keeps_itself_from_being_read_is_told(
    shelf: ResticShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Restic before 0.12 locks a repository to read a lock: of an exclusive one it says whose."""
    shelf.stock()
    add_lock(shelf.folder / "repo", PASSWORD, hostname="backup1", pid=4711)
    words = "repository is already locked exclusively by PID 4711 on backup1 by root (UID 0)"
    wrapper = tmp_path / "restic"
    wrapper.write_text(
        '#!/bin/sh\ncase " $* " in *" cat lock "*)\n'
        f'echo "unable to create lock in backend: {words}" >&2; exit 1;; esac\n'
        'exec /usr/bin/restic "$@"\n'
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(NotReadyError, match=r"is locked by .*: PID 4711 on backup1"):
        declared(shelf).catalogue(BOUNDS)


def test_a_backup_under_way_locks_nothing(shelf: ResticShelf) -> None:
    """A shared lock, as every backup takes it, does not stand in a drill's way."""
    shelf.stock()
    add_lock(shelf.folder / "repo", PASSWORD, exclusive=False)
    assert len(declared(shelf).catalogue(BOUNDS).points) == 2


def test_a_newer_format_is_told(shelf: ResticShelf) -> None:
    """A repository of a format to come is no repository without backups."""
    shelf.stock()
    set_version(shelf.folder / "repo", PASSWORD, 99)
    with pytest.raises(NotReadyError, match="newer format"):
        declared(shelf).catalogue(BOUNDS)


@pytest.mark.parametrize("how", ["cut", "flip", "empty"])
def test_a_damaged_snapshot_is_not_passed_over(shelf: ResticShelf, how: str) -> None:
    """A catalogue that lacks a snapshot because it cannot be read is no catalogue."""
    shelf.stock()
    path = shelf.folder / "repo/snapshots" / shelf.ids[1]
    content = path.read_bytes()
    path.chmod(0o600)
    middle = len(content) // 2
    path.write_bytes(
        {
            "cut": content[:middle],
            "flip": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
            "empty": b"",
        }[how]
    )
    with pytest.raises(NotReadyError, match=r"damaged|cannot be read"):
        declared(shelf).catalogue(BOUNDS)


@pytest.mark.parametrize("how", ["cut", "gone"])
def test_a_damaged_index_is_damage(shelf: ResticShelf, how: str) -> None:
    """Without its index a repository restores nothing, whatever its packs hold."""
    shelf.stock()
    for path in (shelf.folder / "repo/index").iterdir():
        path.chmod(0o600)
        path.unlink() if how == "gone" else os.truncate(path, path.stat().st_size // 2)
    source = declared(shelf)
    (*_, point) = source.catalogue(BOUNDS).points
    assert source.check(point, IntegrityPart(1, 1), BOUNDS).soundness is Soundness.DAMAGED


def test_the_parts_together_read_everything(
    shelf: ResticShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damage anywhere is found by exactly one of the parts, whose caches go with them."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shelf.stock()
    shelf.flip()
    source = declared(shelf)
    (*_, point) = source.catalogue(BOUNDS).points
    kinds = [source.check(point, IntegrityPart(n, 3), BOUNDS).soundness for n in (1, 2, 3)]
    assert sorted(kinds) == [Soundness.DAMAGED, Soundness.SOUND, Soundness.SOUND]
    assert not list(tmp_path.glob("pradrill-*"))


def test_a_check_during_a_prune_proves_nothing(shelf: ResticShelf) -> None:
    """What looks like damage while somebody changes the repository is not called damage."""
    shelf.stock()
    source = declared(shelf)
    (*_, point) = source.catalogue(BOUNDS).points
    shelf.flip()
    add_lock(shelf.folder / "repo", PASSWORD)
    checked = source.check(point, IntegrityPart(1, 1), BOUNDS)
    assert checked.soundness is Soundness.UNPROVEN
    assert "meanwhile" in checked.detail


def test_a_cache_is_named_after_its_run(
    shelf: ResticShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next command finds what a kill leaves, and it lies where there is room."""
    shelf.stock()
    (tmp_path / "room").mkdir()
    calls = tmp_path / "called"
    wrapper = tmp_path / "restic"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {calls}\nexec {shutil.which("restic")} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(scratch, "base", lambda: str(tmp_path / "room"))
    run_id = "20261130T020000Z-moodle-abc123"
    source = declared(shelf)
    (point, *_) = source.catalogue(BOUNDS).points
    source.check(point, IntegrityPart(1, 1), Bounds(60.0, marker=f"{run_id}/part"))
    where = {"repository": f"{shelf.folder}/repo", "password": secret(shelf.folder, PASSWORD)}
    contents_of(Place("restic", where), resolve)
    caches = re.findall(r"--cache-dir (\S+)", calls.read_text())
    begins = (scratch.prefix(run_id), scratch.prefix(""))
    assert len(caches) == 2
    for cache, begin in zip(caches, begins, strict=True):
        assert cache.startswith(f"{tmp_path}/room/{begin}"), cache


def test_a_check_that_is_late_proves_nothing(
    shelf: ResticShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its deadline nothing is known of the backups, good or bad."""
    shelf.stock()
    source = declared(shelf)
    (*_, point) = source.catalogue(BOUNDS).points
    (tmp_path / "restic").write_text("#!/bin/sh\nsleep 60\n")
    (tmp_path / "restic").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    checked = source.check(point, IntegrityPart(1, 1), Bounds(1.0))
    assert checked.soundness is Soundness.UNPROVEN
    assert "1 s" in checked.detail


def test_a_cancelled_check_ends_at_once(
    shelf: ResticShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C does not wait for a check of hours."""
    (tmp_path / "restic").write_text("#!/bin/sh\nsleep 60\n")
    (tmp_path / "restic").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    start = time.monotonic()
    with pytest.raises(NotReadyError, match="stopped"):
        declared(shelf).catalogue(Bounds(60.0, lambda: True))
    assert time.monotonic() - start < 10


def test_a_repository_behind_sftp_is_read(shelf: ResticShelf, sshd: Any) -> None:
    """With the host's pinned key and our own login key, without a prompt."""
    shelf.stock()
    source = declared(
        shelf,
        repository=f"sftp://{sshd.host.user}@127.0.0.1:{sshd.port}/{shelf.folder}/repo",
        ssh=Ssh(known_hosts=sshd.known_hosts, private_key=sshd.key),
    )
    assert [point.id for point in source.catalogue(BOUNDS).points] == shelf.ids


def test_another_host_key_is_refused(shelf: ResticShelf, sshd: Any, tmp_path: Path) -> None:
    """Whoever answers in the backup server's place is not believed."""
    shelf.stock()
    other = tmp_path / "known_hosts"
    key = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    other.write_text(f"[127.0.0.1]:{sshd.port} ssh-ed25519 {key}\n")
    source = declared(
        shelf,
        repository=f"sftp://{sshd.host.user}@127.0.0.1:{sshd.port}/{shelf.folder}/repo",
        ssh=Ssh(known_hosts=other, private_key=sshd.key),
    )
    # restic 0.17 and newer ends before it has passed on all that ssh said: the hint tells then
    with pytest.raises(NotReadyError, match=r"not the pinned one|its key the pinned one"):
        source.catalogue(BOUNDS)


def test_a_server_that_is_down_is_told(shelf: ResticShelf, sshd: Any) -> None:
    """A closed port is told as what it is, soon."""
    source = declared(
        shelf,
        repository=f"sftp://{sshd.host.user}@127.0.0.1:1/{shelf.folder}/repo",
        ssh=Ssh(known_hosts=sshd.known_hosts, private_key=sshd.key),
    )
    with pytest.raises(NotReadyError, match="cannot be reached"):
        source.catalogue(BOUNDS)
