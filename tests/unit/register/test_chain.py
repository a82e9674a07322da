"""The register grows by whole entries, survives crashes, and never hides a gap."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import stat
import subprocess
from pathlib import Path

import pytest

from pradrill.domain.register.entry import GENESIS, EntryKind
from pradrill.errors import RecordError
from pradrill.register.chain.register import Register
from pradrill.testing import START, after


@pytest.fixture
def register(tmp_path: Path) -> Register:
    """Return a register in a state directory that does not exist yet."""
    return Register(tmp_path / "state")


def note(register: Register, text: str, seconds: float = 0.0) -> None:
    """Append something."""
    register.append(EntryKind.ANNOTATION, {"text": text}, after(seconds))


def test_each_entry_carries_the_hash_of_the_line_before(register: Register) -> None:
    """`sha256sum` of a line, line feed included, is what the next entry carries."""
    for text in ("premier", "deuxième", "troisième"):
        note(register, text)
    lines = register.path.read_bytes().splitlines(keepends=True)
    read = [json.loads(line) for line in lines]
    assert [entry["number"] for entry in read] == [1, 2, 3]
    assert read[0]["previous"] == GENESIS
    for before, entry in zip(lines, read[1:], strict=False):
        digest = subprocess.run(["sha256sum"], input=before, capture_output=True, check=True)
        assert entry["previous"] == digest.stdout.decode().split()[0]
    last = hashlib.sha256(lines[-1]).hexdigest()
    assert register.head_path.read_text() == f"3 {last}\n"
    assert [entry.body["text"] for entry in register.entries()] == [
        "premier", "deuxième", "troisième",
    ]  # fmt: skip


def test_an_entry_whose_head_has_no_room_is_not_there_later(register: Register) -> None:
    """It was told as not written, and the register is no less whole by it."""
    note(register, "before")
    content = register.path.read_bytes()
    draft = register.head_path.with_name(".register.head.draft")
    draft.mkdir()  # as a disk that has room for the line alone
    with pytest.raises(RecordError, match=r"register\.head"):
        note(register, "lost")
    assert register.path.read_bytes() == content
    draft.rmdir()
    note(register, "after")
    assert [entry.body["text"] for entry in register.entries()] == ["before", "after"]


def test_an_entry_is_one_line_whatever_it_says(register: Register) -> None:
    """Line separators, control characters and half characters of a text stay inside its line."""
    hostile = "a\nb\r\u2028c\x1b[2J\x00\ud800"
    note(register, hostile)
    note(register, "next")
    assert register.path.read_bytes().isascii()
    assert len(register.lines()) == 2
    first, _ = register.entries()
    assert first.body["text"] == hostile.replace("\ud800", "?")


def test_an_entry_is_on_the_disk_before_its_head(
    register: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line is fsynced whole, then the head that names it."""
    synced: list[str] = []
    really = os.fsync

    def fsync(file: int) -> None:
        synced.append(Path(f"/proc/self/fd/{file}").readlink().name)
        really(file)

    monkeypatch.setattr(os, "fsync", fsync)
    note(register, "first")
    assert synced.index("register") < synced.index(".register.head.draft")


def test_nobody_else_can_read_the_register(register: Register) -> None:
    """Register, head and lock are 0600 whatever the umask."""
    before = os.umask(0)
    try:
        note(register, "first")
    finally:
        os.umask(before)
    for path in (register.path, register.head_path, register.state / "locks" / "register"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_crash_left_of_an_entry_is_told_and_taken_out(register: Register) -> None:
    """A line without its end was never acknowledged: it goes, and an entry says what it was."""
    note(register, "first")
    whole = register.path.read_bytes()
    with register.path.open("ab") as file:
        file.write(b'{"at":"2026-03-\xff')
    assert [entry.number for entry in register.entries()] == [1]
    note(register, "second")
    first, damage, second = register.entries()
    assert register.path.read_bytes().startswith(whole)
    assert (first.number, damage.number, second.number) == (1, 2, 3)
    assert damage.kind is EntryKind.DAMAGE
    assert damage.body["left"] == '{"at":"2026-03-\\xff'


def test_a_crash_between_entry_and_head_is_told(register: Register) -> None:
    """An entry that the head does not know yet stays, and the next append says that it was so."""
    note(register, "first")
    head = register.head_path.read_bytes()
    note(register, "second")
    register.head_path.write_bytes(head)
    note(register, "third")
    assert [entry.kind.value for entry in register.entries()] == [
        "annotation", "annotation", "damage", "annotation",
    ]  # fmt: skip
    assert str(register.head()).startswith("4 ")


def test_a_cut_register_goes_on_from_its_head(register: Register) -> None:
    """After entries were removed, the next one carries the hash of a missing one: it shows."""
    for text in ("first", "second", "third"):
        note(register, text)
    head = register.head()
    assert head is not None
    register.path.write_bytes(register.path.read_bytes().splitlines(keepends=True)[0])
    note(register, "fourth")
    numbers = [(entry.number, entry.kind.value) for entry in register.entries()]
    assert numbers == [(1, "annotation"), (4, "damage"), (5, "annotation")]
    assert list(register.entries())[1].previous == head.sha256


def test_a_full_disk_leaves_the_register_as_it_was(register: Register) -> None:
    """An entry that does not fit is an error, and nothing of it stays."""
    note(register, "first")
    before = register.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, hard))
    try:
        with pytest.raises(RecordError, match="cannot write"):
            note(register, "second")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert register.path.read_bytes() == before
    note(register, "third")
    assert [entry.body["text"] for entry in register.entries()] == ["first", "third"]


def test_many_processes_append_one_chain(register: Register) -> None:
    """Entries of processes that append at the same time follow each other, none lost."""
    children = []
    for worker in range(4):
        child = os.fork()
        if child == 0:
            try:
                for number in range(10):
                    note(register, f"{worker}-{number}")
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    entries = list(register.entries())
    assert len({entry.body["text"] for entry in entries}) == 40
    assert [entry.number for entry in entries] == list(range(1, 41))
    hashes = [hashlib.sha256(line + b"\n").hexdigest() for line in register.lines()]
    assert [entry.previous for entry in entries] == [GENESIS, *hashes[:-1]]


def test_a_long_entry_is_found_again(register: Register) -> None:
    """The last line is found however long it is."""
    note(register, "x" * 300_000)
    note(register, "second")
    note(register, "y" * 300_000)
    note(register, "fourth")
    assert [entry.number for entry in register.entries()] == [1, 2, 3, 4]


def test_a_line_that_is_no_entry_is_told_with_its_place(register: Register) -> None:
    """Reading names file and line of what is no entry, and points to the verification."""
    register.append(EntryKind.RUN, {}, START)
    with register.path.open("ab") as file:
        file.write(b"garbage\n")
    with pytest.raises(
        RecordError, match=r"register:2: .*HINT: .*register verify|register:2"
    ) as refusal:
        list(register.entries())
    assert "pradrill register verify" in (refusal.value.hint or "")
