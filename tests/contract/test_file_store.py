"""What only the real store can promise: modes, the disk, other processes, kill -9."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pradrill.domain.register.entry import AttemptEntry, EntryKind
from pradrill.domain.run.event import Event
from pradrill.domain.run.outcome import PlaybookResult, StepOutcome, TaskFailure
from pradrill.domain.run.record import Refusal, RunState
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.crashed_runs import recover_crashed
from pradrill.engine.run import run_drill
from pradrill.errors import BusyError, RecordError, UsageError
from pradrill.ports import Play
from pradrill.register.runs.draft import killed
from pradrill.register.runs.genuine import why_not_genuine
from pradrill.register.runs.store import FileRunStore
from pradrill.register.verification.verify import verify
from pradrill.testing import (
    HOST,
    START,
    FakeClock,
    FakeProgress,
    FakeRunner,
    FakeStandby,
    a_record,
    a_sealed_run,
    a_start,
    after,
    fake_tools,
)
from pradrill.testing.fake_standby import played

DEADLINE = 60.0


@pytest.fixture
def store(tmp_path: Path) -> FileRunStore:
    """Return a store in a folder that does not exist yet."""
    return FileRunStore(tmp_path / "state")


def in_child(work: Callable[[], None]) -> int:
    """Do the work in a process of its own; return its id."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    return child


def until(true: Callable[[], bool]) -> None:
    """Wait for something another process does."""
    end = time.monotonic() + DEADLINE
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def modes(folder: Path) -> dict[str, int]:
    """Return path → permission bits of all that is in a folder, and of itself."""
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.lstat().st_mode)
        for path in (folder, *folder.rglob("*"))
    }


def test_nobody_else_can_read_a_run(store: FileRunStore) -> None:
    """Every folder is 0700 and every file 0600 or less, whatever the umask."""
    before = os.umask(0)
    try:
        journal = store.open("moodle", START)
        journal.append("event", START, {})
        with store.hold("vm:standby", journal.run_id):
            pass
        journal.seal(a_record(run_id=journal.run_id))
    finally:
        os.umask(before)
    modes_of_paths = modes(store.state)
    assert {mode for path, mode in modes_of_paths.items() if (store.state / path).is_dir()} == {
        0o700
    }
    assert {mode for path, mode in modes_of_paths.items() if (store.state / path).is_file()} <= {
        0o600,
        0o400,
    }
    assert modes_of_paths[f"runs/{journal.run_id}/record.json"] == 0o400


def test_a_fact_is_on_the_disk_when_append_returns(
    store: FileRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each fact is fsynced after it was written, and the record before it gets its name."""
    synced: list[tuple[str, int]] = []
    really = os.fsync

    def fsync(file: int) -> None:
        path = Path(f"/proc/self/fd/{file}").readlink()
        synced.append((path.name, path.stat().st_size))
        really(file)

    journal = store.open("moodle", START)
    monkeypatch.setattr(os, "fsync", fsync)
    sizes = []
    for number in range(3):
        journal.append("event", after(number), {"number": number})
        sizes.append((journal.folder / "journal.jsonl").stat().st_size)
    assert [size for name, size in synced if name == "journal.jsonl"] == sizes
    synced.clear()
    journal.seal(a_record(run_id=journal.run_id))
    record = (journal.folder / "record.json").stat().st_size
    assert synced[0] == (".record.json.draft", record)
    assert synced[1][0] == journal.run_id


def test_a_record_that_cannot_be_written_is_not_there(store: FileRunStore) -> None:
    """A record exists whole or not at all, and its failure is RecordError."""
    journal = store.open("moodle", START)
    (journal.folder / ".record.json.draft").mkdir()
    with pytest.raises(RecordError, match=r"record\.json"):
        journal.seal(a_record(run_id=journal.run_id))
    assert not (journal.folder / "record.json").exists()


def test_a_state_folder_that_cannot_be_made_is_a_record_error(tmp_path: Path) -> None:
    """A file in the way is told before anything is touched, when opening and when holding."""
    (tmp_path / "state").write_text("")
    store = FileRunStore(tmp_path / "state")
    with pytest.raises(RecordError, match="state"):
        store.open("moodle", START)
    with pytest.raises(RecordError, match="state"), store.hold("vm:standby", "a-run"):
        pytest.fail("held nothing")


def test_a_line_cut_off_by_a_crash_is_dropped(store: FileRunStore) -> None:
    """What a crash left of a line does not spoil the facts that its recovery adds."""
    journal = store.open("moodle", START)
    journal.append("first", START, {})
    with (journal.folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"at": "2026-03-10T02:0')
    assert [event for event, _, _ in journal.events()] == ["first"]
    journal.close()
    (crashed_run,) = store.crashed()
    crashed_run.append("second", after(1), {})
    assert [event for event, _, _ in crashed_run.events()] == ["first", "second"]


def test_a_killed_drill_is_torn_down_by_the_next_command(
    store: FileRunStore, tmp_path: Path
) -> None:
    """After kill -9 in the restore a run is found once it is dead, torn down, and CRASHED."""
    restoring = tmp_path / "restoring"

    def stop_there(name: str) -> None:
        if name == "restore_moodle":
            restoring.touch()
            signal.pause()

    def drill() -> None:
        tools = fake_tools(store=store, progress=FakeProgress(stop_there))
        run_drill(a_start(), tools, Cancellation(), disruption=None)

    child = in_child(drill)
    try:
        until(restoring.exists)
        assert store.crashed() == []
        assert not store.has_crashed()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert store.has_crashed()
    standby = FakeStandby()
    (record,) = recover_crashed(
        store, lambda _plan: fake_tools(store=store, standby=standby)
    ).records
    assert (record.state, record.exit_code) == (RunState.CRASHED, 12)
    assert standby.calls == ["start", "stop"]
    assert store.read(record.run_id) == record
    assert not store.has_crashed()


def attempts(store: FileRunStore) -> list[AttemptEntry]:
    """Return the attempts without a run that the register holds."""
    entries = store.register.entries()
    return [AttemptEntry.model_validate(e.body) for e in entries if e.kind is EntryKind.ATTEMPT]


def kill_when(there: Callable[[], bool], work: Callable[[], None]) -> None:
    """Do the work in a process of its own, and kill -9 it once something is there."""

    def do() -> None:
        work()
        signal.pause()

    child = in_child(do)
    try:
        until(there)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_an_attempt_killed_before_its_run_opens_is_an_entry(store: FileRunStore) -> None:
    """After kill -9 it is entered once, with all that was known of it, and nothing else is left."""
    attempt = killed("moodle", START, services=("moodle",), trigger="cli", user="ops")

    def launch() -> None:
        store.prepare(attempt, START)
        assert store.enter_unbegun(after(1)) == [], "a living attempt was taken for a dead one"
        (store.state / "prepared").touch()

    kill_when((store.state / "prepared").exists, launch)
    assert not store.has_crashed()
    (late,) = store.enter_unbegun(after(60))
    assert attempts(store) == [late]
    assert late.model_copy(update={"folder": None, "late": False}) == attempt
    assert late.because == "its process was killed before the run had begun"
    assert list(store.runs.iterdir()) == []
    assert store.enter_unbegun(after(61)) == []
    assert verify(store.state).troubles == []


@pytest.mark.parametrize("journal", [None, b'{"at": "2026-03-10T02:0'])
def test_a_run_killed_before_its_first_fact_is_an_entry(
    store: FileRunStore, journal: bytes | None
) -> None:
    """After kill -9 with a folder and not one whole fact, it is an attempt and no longer a run."""

    def begin() -> None:
        store.prepare(killed("moodle", START, trigger="due"), START)
        folder = store.open("moodle", after(5)).folder
        if journal is not None:
            (folder / "journal.jsonl").write_bytes(journal)
        (store.state / "opened").touch()

    kill_when((store.state / "opened").exists, begin)
    assert store.has_crashed()
    assert len(store.enter_unbegun(after(60))) == 1
    (attempt,) = attempts(store)
    assert (attempt.drill, attempt.trigger, attempt.began) == ("moodle", "due", START)
    assert not store.has_crashed()
    assert list(store.runs.iterdir()) == []


def test_an_attempt_is_entered_from_its_name_alone(store: FileRunStore) -> None:
    """A kill before anything was written of it, or in the middle, loses its circumstances only."""
    for content in ("", '{"drill": "moo'):
        draft = store.prepare(killed("moodle-2", START, trigger="cli"), START)
        (draft.folder / "alive").write_text(content)
        draft.lock.close()
    assert len(store.enter_unbegun(after(60))) == 2
    for attempt in attempts(store):
        assert (attempt.drill, attempt.began, attempt.trigger) == ("moodle-2", START, "unknown")


def test_an_attempt_is_entered_once_however_often_it_is_tried(store: FileRunStore) -> None:
    """After a crash between its entry and the end of its folder, only the folder is removed."""
    draft = store.prepare(killed("moodle", START), START)
    (draft.folder / "in the way").touch()
    draft.lock.close()
    with pytest.raises(RecordError):
        store.enter_unbegun(after(60))
    (draft.folder / "in the way").unlink()
    store.enter_unbegun(after(61))
    assert len(attempts(store)) == 1
    assert list(store.runs.iterdir()) == []


def test_a_run_is_no_attempt_once_its_first_fact_is_written(store: FileRunStore) -> None:
    """Killed after that, it is swept as a crashed run, and its folder is not touched before."""

    def begin() -> None:
        store.prepare(killed("moodle", START), START)
        store.open("moodle", START).append(Event.STARTED, START, a_start().model_dump(mode="json"))
        (store.state / "begun").touch()

    kill_when((store.state / "begun").exists, begin)
    assert store.enter_unbegun(after(60)) == []
    (record,) = recover_crashed(store, lambda _plan: fake_tools(store=store)).records
    assert record.state is RunState.CRASHED
    assert attempts(store) == []


def test_a_damaged_fact_hides_no_fact_after_it(store: FileRunStore) -> None:
    """A crashed run whose journal is damaged inside is left to people: it may have touched."""
    journal = store.open("moodle", START)
    journal.append(Event.STARTED, START, a_start().model_dump(mode="json"))
    journal.append(Event.LOST, after(1), {})
    path = journal.folder / "journal.jsonl"
    path.write_bytes(b"garbage" + path.read_bytes())
    journal.close()
    recovered = recover_crashed(store, lambda _plan: fake_tools(store=store))
    assert recovered.records == []
    assert "journal.jsonl:1: this line is no fact" in str(recovered.left[journal.run_id])
    assert store.enter_unbegun(after(60)) == []


def test_a_dead_holder_holds_nothing(store: FileRunStore) -> None:
    """A standby held by another process is busy, and free the moment that process is dead."""

    def hold() -> None:
        with store.hold("vm:standby", "the-other-run"):
            signal.pause()

    child = in_child(hold)
    try:
        until(lambda: any("the-other-run" in p.read_text() for p in store.state.glob("locks/*")))
        with (
            pytest.raises(BusyError, match=rf"the-other-run \(pid {child}\)"),
            store.hold("vm:standby", "this-run"),
        ):
            pytest.fail("two processes hold one standby")
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    with store.hold("vm:standby", "this-run"):
        pass


def test_evidence_is_hashed_with_the_journal(store: FileRunStore) -> None:
    """Every file of evidence is named relative to its run, with the SHA-256 of its content."""
    journal = store.open("moodle", START)
    journal.append("event", START, {})
    deep = journal.folder / "evidence" / "01-restore"
    deep.mkdir()
    (deep / "events.jsonl").write_bytes(b"distilled")
    hashes = {str(file.path): file.sha256 for file in journal.evidence()}
    assert hashes["evidence/01-restore/events.jsonl"] == hashlib.sha256(b"distilled").hexdigest()
    assert set(hashes) == {"journal.jsonl", "evidence/01-restore/events.jsonl"}


def test_a_damaged_record_hides_no_other(store: FileRunStore) -> None:
    """One unreadable record is told; the others are listed."""
    for number, content in enumerate([None, '{"run_id": 3}', None]):
        journal = store.open("moodle", after(number))
        journal.seal(a_record(run_id=journal.run_id))
        if content is not None:
            path = journal.folder / "record.json"
            path.chmod(0o600)
            path.write_text(content)
    records, damaged = store.readable()
    assert len(records) == 2
    assert len(damaged) == 1
    assert damaged[0].hint


def test_a_run_is_found_by_part_of_its_name(store: FileRunStore) -> None:
    """The newest without a name; one by any part that is its own; two are not guessed between."""
    with pytest.raises(UsageError, match="no run is recorded"):
        store.find(None)
    names = []
    for number, drill in enumerate(["moodle", "wiki"]):
        journal = store.open(drill, after(number))
        journal.seal(a_record(run_id=journal.run_id))
        names.append(journal.run_id)
    assert store.find(None) == names[1]
    assert store.find("moodle") == names[0]
    with pytest.raises(UsageError, match="names 2 runs"):
        store.find("20260310")
    with pytest.raises(UsageError, match="no run is named"):
        store.find("../../etc")


def test_the_last_finished_run_of_each_service_is_one_that_was_entered(store: FileRunStore) -> None:
    """Later ones that were refused, crashed, changed or removed leave the one before."""
    first = a_sealed_run(store, 0)
    last = a_sealed_run(store, 1)
    a_sealed_run(store, 2, refusal=Refusal.BUSY, exit_code=5)
    a_sealed_run(store, 3, state=RunState.CRASHED)
    assert [record.run_id for record in store.last_finished()] == [last.run_id]
    changed = store.runs / last.run_id / "record.json"
    changed.chmod(0o600)
    changed.write_bytes(changed.read_bytes() + b" ")
    assert [record.run_id for record in store.last_finished()] == [first.run_id]
    shutil.rmtree(store.runs / first.run_id)
    assert list(store.last_finished()) == []


def test_a_run_is_sealed_whatever_its_playbooks_hand_back(store: FileRunStore) -> None:
    """A name that is no text, in the words of a tool, is read as half characters: it is told.

    What is no number is told as nothing.
    """
    clock = FakeClock()
    data = {"name": "d\udce9p\ud83d", "size": float("nan"), "\udcff": [float("-inf"), "é"]}

    def restore(_play: Play) -> PlaybookResult:
        fine = played(clock, StepOutcome.PASSED)
        failure = TaskFailure(host=HOST, task="unpack", message="cannot read d\udce9p")
        return fine.model_copy(update={"values": data, "failures": (failure,)})

    runner = FakeRunner(clock, {"restore_moodle": restore})
    tools = fake_tools(clock, store=store, runner=runner)
    record = run_drill(a_start(), tools, Cancellation(), disruption=None)
    (step,) = [each for each in record.steps if each.name == "restore_moodle"]
    assert step.values == {"name": "d�p�", "size": None, "���": [None, "é"]}
    assert step.failures[0].message == "cannot read d�p"
    assert store.read(record.run_id) == record
    assert why_not_genuine(store.runs / record.run_id, None) is None
