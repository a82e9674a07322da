"""Every attempt is in the register, and whatever is changed afterwards is found and named."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from pradrill.domain.register.entry import EntryKind
from pradrill.domain.run.record import Refusal, RunState
from pradrill.errors import RecordError
from pradrill.register.chain.walk import Trouble
from pradrill.register.runs.folders import RECORD
from pradrill.register.runs.store import FileRunStore
from pradrill.register.verification.verify import verify
from pradrill.testing import START, a_sealed_run, after


@pytest.fixture
def store(tmp_path: Path) -> FileRunStore:
    """Return a store with three sealed runs and an annotation between them."""
    store = FileRunStore(tmp_path / "state")
    a_sealed_run(store, 0)
    a_sealed_run(store, 1, state=RunState.FINISHED, refusal=Refusal.BUSY, exit_code=5)
    store.register.append(EntryKind.ANNOTATION, {"text": "REX"}, after(100_000))
    a_sealed_run(store, 2, state=RunState.CRASHED, exit_code=12)
    return store


def troubles_of(store: FileRunStore, *published: str) -> list[str]:
    """Return what a verification says."""
    return [str(trouble) for trouble in verify(store.state, published=published).troubles]


def edit(path: Path, old: bytes, new: bytes) -> None:
    """Change a sealed file."""
    path.chmod(0o600)
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))


def lines(store: FileRunStore) -> list[bytes]:
    """Return the register's lines."""
    return store.register.path.read_bytes().splitlines(keepends=True)


def folders(store: FileRunStore) -> list[Path]:
    """Return the runs' folders, oldest first."""
    return sorted(path for path in store.runs.iterdir() if path.name.startswith("2"))


def test_a_register_that_nobody_touched_has_no_trouble(store: FileRunStore) -> None:
    """All entries, runs and files are looked at, and nothing is said."""
    verification = verify(store.state)
    assert verification.troubles == []
    assert (len(verification.entries), verification.runs, verification.files) == (4, 3, 9)
    assert verification.size == sum(
        path.stat().st_size
        for folder in folders(store)
        for path in folder.rglob("*")
        if path.is_file() and path.name != "alive"
    )


def test_every_attempt_is_an_entry(store: FileRunStore) -> None:
    """Finished, refused and crashed runs are entered with their state when they are sealed."""
    runs = [entry.body for entry in store.register.entries() if entry.kind is EntryKind.RUN]
    assert [(run["state"], run["refusal"], run["exit_code"]) for run in runs] == [
        ("FINISHED", None, 0),
        ("FINISHED", "busy", 5),
        ("CRASHED", None, 12),
    ]
    assert [run["run_id"] for run in runs] == [folder.name for folder in folders(store)]


def test_a_run_that_a_crash_kept_out_is_entered_once(store: FileRunStore) -> None:
    """A run sealed without its entry is trouble, until the next command enters it."""
    register, head = store.register.path.read_bytes(), store.register.head_path.read_bytes()
    late = a_sealed_run(store, 3).run_id
    store.register.path.write_bytes(register)
    store.register.head_path.write_bytes(head)
    (trouble,) = troubles_of(store)
    assert late in trouble
    assert "has no entry" in trouble
    assert store.settle(START) == [late]
    assert store.settle(START) == []
    assert troubles_of(store) == []


def test_a_run_being_sealed_is_left_to_its_process(store: FileRunStore) -> None:
    """While the process that seals a run lives, no other enters it."""
    journal = store.open("moodle", after(9))
    shutil.copy(folders(store)[0] / RECORD, journal.folder / RECORD)
    assert store.settle(START) == []
    journal.close()


def test_an_edited_record_is_named(store: FileRunStore) -> None:
    """A verdict that is written better afterwards shows, with the file's place."""
    folder = folders(store)[2]
    edit(folder / RECORD, b"CRASHED", b"FINISHED")
    (trouble,) = troubles_of(store)
    assert trouble.startswith(f"runs/{folder.name}/record.json: was changed")


def test_journal_and_evidence_are_held_too(store: FileRunStore) -> None:
    """Changed, removed and added files of a run are told one by one, all at once."""
    one, two, three = folders(store)
    edit(one / "journal.jsonl", b"run_started", b"run_startled")
    (two / "evidence/01-restore/events.jsonl").unlink()
    (three / "evidence" / "more.txt").write_text("a witness that came later")
    assert [trouble.split(":")[0] for trouble in troubles_of(store)] == [
        f"runs/{one.name}/journal.jsonl",
        f"runs/{two.name}/evidence/01-restore/events.jsonl",
        f"runs/{three.name}/evidence/more.txt",
    ]


def test_derived_files_may_come_and_go(store: FileRunStore) -> None:
    """A report made later changes nothing that was recorded."""
    reports = folders(store)[0] / "reports"
    reports.mkdir()
    (reports / "report.html").write_text("<p>")
    assert troubles_of(store) == []


def test_a_run_that_was_removed_or_added_is_named(store: FileRunStore) -> None:
    """A whole run cannot go, and none can be slipped in."""
    absent = folders(store)[1]
    strange = "20200101T000000Z-moodle-aaaaaa"
    added = "is sealed and has no entry: a crash (any command enters it), or it was added"
    shutil.copytree(absent, store.runs / strange)
    shutil.rmtree(absent)
    assert troubles_of(store) == [
        f"runs/{absent.name}: the run of entry 2 is missing",
        f"runs/{strange}: {added}",
    ]


def test_an_edited_entry_is_named(store: FileRunStore) -> None:
    """The entry after an edited one carries the hash of what it was."""
    edit(store.register.path, b'"text":"REX"', b'"text":"RAS"')
    assert troubles_of(store) == [
        "register:4: entry 4 carries another hash than that of line 3: one of both was edited"
    ]


def test_a_removed_entry_is_named(store: FileRunStore) -> None:
    """The numbers say which entry is missing, and its run has none now."""
    one, _, three, four = lines(store)
    store.register.path.write_bytes(one + three + four)
    first, second = troubles_of(store)
    assert first == "register:2: before entry 3, entry 2 is missing"
    assert "has no entry" in second


def test_a_removed_beginning_is_named(store: FileRunStore) -> None:
    """The first entries cannot go either."""
    store.register.path.write_bytes(b"".join(lines(store)[2:]))
    assert troubles_of(store)[0] == "register:1: before entry 3, entries 1 to 2 are missing"


def test_reordered_entries_are_named(store: FileRunStore) -> None:
    """Entries stand in the order in which they were written."""
    one, two, three, four = lines(store)
    store.register.path.write_bytes(one + three + two + four)
    assert "register:3: entry 2 stands after entry 3: the order was changed" in troubles_of(store)


def test_a_removed_end_is_named(store: FileRunStore) -> None:
    """A register cut at its end contradicts its head."""
    store.register.path.write_bytes(b"".join(lines(store)[:-1]))
    assert troubles_of(store)[0] == (
        "register: the register ends with entry 3, its head is entry 4: the end was removed"
    )


def test_an_edited_last_entry_is_named(store: FileRunStore) -> None:
    """The head holds the last entry, which no later one does."""
    edit(store.register.path, b'"exit_code":12', b'"exit_code":13')
    assert troubles_of(store) == ["register.head: entry 4 is not the one that the head names"]


@pytest.mark.parametrize("name", ["register", "register.head"])
def test_a_missing_part_is_named(store: FileRunStore, name: str) -> None:
    """Neither the chain nor its head can go."""
    (store.state / name).unlink()
    assert troubles_of(store)[0].startswith(f"{name}: the ")


def test_without_any_register_there_is_no_verdict(tmp_path: Path) -> None:
    """An empty folder is not verified: it is an error."""
    with pytest.raises(RecordError, match="there is no register"):
        verify(tmp_path)


def test_a_cut_that_hides_itself_is_found_by_a_published_head(store: FileRunStore) -> None:
    """Whoever rewrites register, head and runs together is caught by a head that got out."""
    mail = f"FAILED  moodle\nRegister: {store.register.head()}\n"
    forged = FileRunStore(store.state.parent / "forged")
    forged.state.mkdir()
    a_sealed_run(forged, 0)
    assert troubles_of(forged) == []
    (trouble,) = troubles_of(forged, mail)
    assert trouble.startswith("--head: entry 4, ")
    assert "the end was removed or changed" in trouble
    assert troubles_of(store, mail) == []
    assert troubles_of(store, str(store.register.head()).split()[1]) == []
    assert troubles_of(store, "no head at all") == [
        "--head: no head was found in it; one is a number and a hash"
    ]


def test_a_hostile_register_reaches_nothing_else(store: FileRunStore) -> None:
    """Entries that name other places, devices or pipes are trouble, and are not opened."""
    folder = folders(store)[0]
    os.mkfifo(folder / "evidence" / "pipe")
    (folder / "evidence" / "link").symlink_to("/etc/passwd")
    body = next(iter(store.register.entries())).body
    files = dict.fromkeys(
        ("../../register", "/dev/zero", "evidence/pipe", "evidence/link"), "0" * 64
    )
    store.register.append(EntryKind.RUN, {**body, "files": files}, START)
    store.register.append(EntryKind.RUN, {**body, "run_id": "../runs"}, START)
    troubles = troubles_of(store)
    assert f"runs/{folder.name}/evidence/pipe: cannot be read as a file" in troubles
    assert f"runs/{folder.name}/evidence/link: cannot be read as a file" in troubles
    assert f"runs/{folder.name}//dev/zero: is missing" in troubles
    assert f"runs/{folder.name}/../../register: is missing" in troubles
    assert "register: entry 6: it names a run that cannot be" in troubles


def test_what_is_said_moves_no_cursor() -> None:
    """Hostile names are shown without their control characters."""
    assert str(Trouble("runs/\x1b[2J", "was\u202e changed")) == "runs/?[2J: was? changed"
