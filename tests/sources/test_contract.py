"""What every source of backups promises, the shipped fake and each real tool alike."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.living import goes_on

from pradrill.domain.declared.backup_source import Select
from pradrill.domain.run.backup_catalogue import choose
from pradrill.domain.run.backup_integrity import IntegrityPart, Soundness
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds

EVERY = ["fake", "restic", "borg", "dumps", "pgbackrest", "barman"]
REAL = EVERY[1:]
BOUNDS = Bounds(60.0)
WHOLE = IntegrityPart(1, 1)

every = pytest.mark.parametrize("shelf", EVERY, indirect=True)
real = pytest.mark.parametrize("shelf", REAL, indirect=True)


def content(folder: Path) -> dict[str, bytes]:
    """Return every file of a repository."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not (path.suffix in {".log", ".lock"} or path.name == "nonce")
    }


def newest(shelf: Any) -> Any:
    """Return the newest point of a stocked shelf."""
    point, _ = choose(shelf.source().catalogue(BOUNDS), Select())
    return point


@every
def test_an_empty_catalogue_is_read_and_nothing_can_be_chosen(shelf: Any) -> None:
    """No backup is an answer; a drill then has nothing to restore, and says so."""
    catalogue = shelf.source().catalogue(BOUNDS)
    assert catalogue.points == ()
    with pytest.raises(NotReadyError, match="is empty"):
        choose(catalogue, Select())


@every
def test_every_backup_is_told_with_its_times(shelf: Any) -> None:
    """Each id that the tool gave is there, dated within the time in which it was made."""
    shelf.stock()
    catalogue = shelf.source().catalogue(BOUNDS)
    points = sorted(catalogue.points, key=lambda point: point.data_time)
    assert [point.id for point in points] == shelf.ids
    now = datetime.fromtimestamp(time.time(), UTC)
    for point in points:
        assert not point.unusable(now)
        assert now - timedelta(minutes=10) < point.data_time <= point.available <= now


@every
def test_the_latest_is_the_last_one_made(shelf: Any) -> None:
    """The rule latest means what the backup job wrote last."""
    shelf.stock()
    assert newest(shelf).id == shelf.ids[-1]


@every
def test_a_sound_backup_is_found_sound(shelf: Any) -> None:
    """What nobody touched passes its check, and the check says what it did."""
    shelf.stock()
    checked = shelf.source().check(newest(shelf), WHOLE, BOUNDS)
    assert checked.soundness is Soundness.SOUND, checked
    assert checked.method


@every
@pytest.mark.parametrize("how", ["flip", "cut"])
def test_a_damaged_backup_is_never_found_sound(shelf: Any, how: str) -> None:
    """One byte that changed, or a file cut in half, is damage, and it is told what."""
    shelf.stock()
    point = newest(shelf)
    getattr(shelf, how)()
    checked = shelf.source().check(point, WHOLE, BOUNDS)
    assert checked.soundness is Soundness.DAMAGED, checked
    assert checked.detail


@every
def test_a_place_without_backups_is_refused_by_name(shelf: Any) -> None:
    """What is not there is told with the place that was looked at."""
    with pytest.raises(NotReadyError, match="nowhere"):
        shelf.source(where=Path("/nowhere/at/all")).catalogue(BOUNDS)


@pytest.mark.parametrize("shelf", ["restic", "borg", "pgbackrest"], indirect=True)
def test_a_wrong_password_is_told(shelf: Any) -> None:
    """It is the password that is wrong, and neither password is in the error."""
    shelf.stock()
    with pytest.raises(NotReadyError, match="password") as refusal:
        shelf.source(password="battery staple").catalogue(BOUNDS)  # noqa: S106 a wrong one
    assert "staple" not in str(refusal.value)
    assert "horse" not in str(refusal.value)


@real
def test_reading_changes_nothing(shelf: Any) -> None:
    """After a look and a check every byte is what it was, but for borg's and Barman's locks."""
    shelf.stock()
    place = shelf.folder / ("home" if shelf.name == "barman" else "repo")
    before = content(place)
    shelf.source().check(newest(shelf), WHOLE, BOUNDS)
    after = content(place)
    assert set(after) == set(before)
    assert [path for path in before if after[path] != before[path]] == []


@pytest.mark.parametrize("shelf", ["restic", "borg", "pgbackrest", "barman"], indirect=True)
def test_a_deadline_is_kept_and_leaves_no_process(
    shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tool that hangs is ended with what it started, and the error names the time."""
    tool = tmp_path / shelf.name
    tool.write_text(f"#!/bin/sh\nsleep 987 & echo $! > {tmp_path}/child\nwait\n")
    tool.chmod(0o755)
    source = shelf.source()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    start = time.monotonic()
    with pytest.raises(NotReadyError, match="did not answer in 1 s"):
        source.catalogue(Bounds(1.0))
    assert time.monotonic() - start < 10
    child = int((tmp_path / "child").read_text())
    for _ in range(50):  # a killed process ends when it is next given a processor
        if not goes_on(child):
            return
        time.sleep(0.1)
    pytest.fail("the tool's own child still runs")


@pytest.mark.parametrize("shelf", ["restic", "borg", "pgbackrest", "barman"], indirect=True)
@pytest.mark.parametrize(
    "answer",
    ["", "null", "{}", "[]", '[{"id": 1}]', "\x00\xff", '{"archives": [{"name": "x"}]}'],
)
def test_an_answer_that_is_none_is_never_a_backup(
    shelf: Any, answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever a tool prints, it is read strictly: no point comes of what is not one."""
    tool = tmp_path / shelf.name
    (tmp_path / "answer").write_text(answer)
    tool.write_text(f"#!/bin/sh\ncat {tmp_path}/answer\n")
    tool.chmod(0o755)
    source = shelf.source()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with suppress(NotReadyError):
        assert source.catalogue(BOUNDS).points == ()


@pytest.mark.parametrize("shelf", ["restic", "borg", "pgbackrest"], indirect=True)
def test_a_password_is_never_on_a_command_line(
    shelf: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other users read command lines: the tool gets its password without one."""
    import shutil  # noqa: PLC0415

    shelf.stock()
    real_tool = shutil.which(shelf.name)
    (tmp_path / shelf.name).write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/seen\nexec {real_tool} "$@"\n'
    )
    (tmp_path / shelf.name).chmod(0o755)
    source = shelf.source()
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    point, _ = choose(source.catalogue(BOUNDS), Select())
    assert source.check(point, WHOLE, BOUNDS).soundness is Soundness.SOUND
    commands = (tmp_path / "seen").read_text()
    assert commands
    assert "correct horse" not in commands


@pytest.mark.parametrize("shelf", ["restic"], indirect=True)
def test_a_tool_that_is_missing_is_told(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    source = shelf.source()
    monkeypatch.setattr("pradrill.system.command._FOLDERS", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NotReadyError, match="restic is not installed") as refusal:
        source.catalogue(BOUNDS)
    assert "apt-get install restic" in str(refusal.value)
