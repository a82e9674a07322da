"""Damage to a register is acknowledged: it stays told, and any other is told apart from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pradrill.app.author import user
from pradrill.cli import main
from pradrill.domain.register.entry import Acknowledgement, Entry, EntryKind, RunEntry
from pradrill.errors import ExitCode, RecordError
from pradrill.register.chain.register import canonical, line_hash
from pradrill.register.runs.store import FileRunStore
from pradrill.register.verification.acknowledge import acknowledge
from pradrill.register.verification.verify import verify
from pradrill.testing import a_sealed_run, after

WHY = "the disk failed on 3 May"


@pytest.fixture
def store(tmp_path: Path) -> FileRunStore:
    """Return a store with six sealed runs, an entry each."""
    store = FileRunStore(tmp_path / "state")
    for number in range(6):
        a_sealed_run(store, number)
    return store


def lines(store: FileRunStore) -> list[bytes]:
    """Return the register's lines."""
    return store.register.path.read_bytes().splitlines(keepends=True)


def rewrite(store: FileRunStore, content: list[bytes]) -> None:
    """Put other lines into the register, by another hand than ours."""
    store.register.path.write_bytes(b"".join(content))


def evidence(store: FileRunStore, number: int) -> Path:
    """Return a file of a run's evidence, made writable."""
    path = sorted(store.runs.glob("2*"))[number] / "evidence/01-restore/events.jsonl"
    path.chmod(0o600)
    return path


def answer(store: FileRunStore, *published: str) -> Entry | None:
    """Acknowledge what there is."""
    at = after(1_000_000)
    return acknowledge(store.register, at, by="ops", because=WHY, published=published)


def garble(store: FileRunStore) -> None:
    """Make the third line no entry."""
    content = lines(store)
    rewrite(store, [*content[:2], b"\0" * 40 + b"\n", *content[3:]])


def forge(store: FileRunStore) -> None:
    """Write another verdict into the third line; the fourth still has the hash of the true one."""
    content = lines(store)
    rewrite(store, [*content[:2], content[2].replace(b"PASSED", b"FAILED"), *content[3:]])


def drop(store: FileRunStore) -> None:
    """Take the third and fourth line out."""
    content = lines(store)
    rewrite(store, [*content[:2], *content[4:]])


def turn(store: FileRunStore) -> None:
    """Exchange two lines."""
    content = lines(store)
    rewrite(store, [*content[:2], content[3], content[2], *content[4:]])


def cut(store: FileRunStore) -> None:
    """Take the end away, as a backup of last week does."""
    rewrite(store, lines(store)[:4])


def overwrite(store: FileRunStore) -> None:
    """Change a file of a run."""
    evidence(store, 1).write_text("other")


def remove(store: FileRunStore) -> None:
    """Remove a file of a run."""
    evidence(store, 1).unlink()


def add(store: FileRunStore) -> None:
    """Add a file to a run."""
    evidence(store, 1).with_name("added").write_text("other")


DAMAGE = [garble, forge, drop, turn, cut, overwrite, remove, add]


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_known_once_somebody_answers_for_it(
    store: FileRunStore, damage: Callable[[FileRunStore], None]
) -> None:
    """The entry states exactly what verify found; it still finds that, and nothing else as new."""
    damage(store)
    before = verify(store.state)
    assert before.troubles
    entry = answer(store)
    assert entry is not None
    statement = Acknowledgement.model_validate(entry.body)
    assert (statement.by, statement.because, entry.at) == ("ops", WHY, after(1_000_000))
    result = verify(store.state)
    assert result.troubles == []
    assert tuple(trouble.wrong for trouble, _ in result.acknowledged) == statement.damage
    assert {count.number for _, count in result.acknowledged} == {entry.number}
    if damage is not cut:  # its end has become a gap, so that the chain could go on
        assert [trouble for trouble, _ in result.acknowledged] == before.troubles
    assert answer(store) is None, "what is known is acknowledged once"


@pytest.mark.parametrize("damage", DAMAGE)
def test_later_damage_is_told_apart_from_the_known(
    store: FileRunStore, damage: Callable[[FileRunStore], None]
) -> None:
    """Another run's evidence, or a line that was whole, is trouble however much is known."""
    damage(store)
    assert answer(store) is not None
    count = len(verify(store.state).acknowledged)
    evidence(store, 0).write_text("later")
    result = verify(store.state)
    assert (len(result.troubles), len(result.acknowledged)) == (1, count)
    content = lines(store)
    rewrite(store, [content[0].replace(b"FINISHED", b"CRASHED"), *content[1:]])
    assert len(verify(store.state).troubles) == 2
    assert answer(store) is not None
    assert verify(store.state).troubles == []


@pytest.mark.parametrize("damage", [garble, forge, drop, turn, cut])
@pytest.mark.parametrize("place", [1, 2, 3])
def test_known_damage_covers_no_forgery_beside_it(
    store: FileRunStore, damage: Callable[[FileRunStore], None], place: int
) -> None:
    """Where the chain is known to be broken, no line before or after can be put in another's place.

    The forger rewrites a whole entry, and gives it the hash of the line before.
    """
    damage(store)
    assert answer(store) is not None
    content = lines(store)
    garbage = content[place].startswith(b"\0")
    forged = Entry(
        number=place + 1 if garbage else Entry.model_validate_json(content[place]).number,
        at=after(0),
        kind=EntryKind.ANNOTATION,
        previous=line_hash(content[place - 1]),
        body={"text": "forged"},
    )
    rewrite(store, [*content[:place], canonical(forged), *content[place + 1 :]])
    assert [t for t in verify(store.state).troubles if t.where.startswith("register:")]


@pytest.mark.parametrize("again", [overwrite, remove, add, garble])
def test_known_damage_that_changes_again_is_new(
    store: FileRunStore, again: Callable[[FileRunStore], None]
) -> None:
    """What is known is that content, not that place."""
    again(store)
    assert answer(store) is not None
    if again is garble:
        content = lines(store)
        rewrite(store, [*content[:2], b"\1" * 40 + b"\n", *content[3:]])
    else:
        name = "added" if again is add else "events.jsonl"
        folder = sorted(store.runs.glob("2*"))[1] / "evidence/01-restore"
        (folder / name).write_text("changed again")
    assert verify(store.state).troubles


def test_heads_that_were_lost_can_be_answered_for(store: FileRunStore, tmp_path: Path) -> None:
    """After an older state directory was put back, the published heads name what is gone."""
    heads = []
    older = store.register.path.read_bytes(), store.register.head_path.read_bytes()
    a_sealed_run(store, 7)
    heads.append(str(store.register.head()))
    newest = max(store.runs.glob("2*"))
    newest.rename(tmp_path / "lost")
    store.register.path.write_bytes(older[0])
    store.register.head_path.write_bytes(older[1])
    assert verify(store.state).troubles == []
    assert len(verify(store.state, published=heads).troubles) == 1
    assert answer(store, *heads) is not None
    result = verify(store.state, published=heads)
    assert result.troubles == []
    assert "was published and is not in the register" in str(result.acknowledged[0][0])
    assert len(verify(store.state, published=["9 " + "ab" * 32]).troubles) == 1


def test_a_register_goes_on_being_read_beside_a_known_line(store: FileRunStore) -> None:
    """A damaged line stops what reads the register, until somebody answers for it."""
    garble(store)
    with pytest.raises(RecordError, match="register:3: this line is no entry"):
        list(store.register.entries())
    assert answer(store) is not None
    runs = [e for e in store.register.entries() if e.kind is EntryKind.RUN]
    assert [entry.number for entry in runs] == [1, 2, 4, 5, 6]
    assert {RunEntry.model_validate(entry.body).run_id for entry in runs}
    content = lines(store)
    rewrite(store, [*content[:3], b"another\n", *content[4:]])
    with pytest.raises(RecordError, match="register:4"):
        list(store.register.entries())


def test_a_run_whose_entry_was_lost_is_entered_anew_and_late(store: FileRunStore) -> None:
    """Its record is watched from then on, and the new entry does not look as old as the run."""
    garble(store)
    assert answer(store) is not None
    (late,) = store.settle(after(2_000_000))
    *_, entry = store.register.entries()
    assert (entry.kind, entry.body["run_id"]) == (EntryKind.RUN, late)
    assert entry.at == after(2_000_000)
    result = verify(store.state)
    assert (result.troubles, len(result.acknowledged)) == ([], 2)


def test_the_command_tells_known_damage_apart(
    store: FileRunStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`verify` is never 0 again: 15 with who, when and why; 14 once anything else is wrong."""
    monkeypatch.setenv("LOGNAME", "mallory")
    monkeypatch.delenv("SUDO_USER", raising=False)
    me = user()

    def command(*words: str) -> int:
        return main(["--state", str(store.state), "register", *words])

    assert command("acknowledge", "--because", WHY) == ExitCode.USAGE
    garble(store)
    overwrite(store)
    assert command("verify") == ExitCode.RECORD
    assert command("list") == ExitCode.RECORD
    assert command("acknowledge", "--because", "  ") == ExitCode.USAGE
    assert command("acknowledge", "--because", WHY) == ExitCode.PASSED
    capsys.readouterr()
    assert command("verify") == ExitCode.ACKNOWLEDGED
    statement = capsys.readouterr().out
    assert "register:3: this line is no entry" in statement
    assert statement.count(f"by {me}: {WHY}") == 4
    assert "nothing was changed, besides 4 that are acknowledged" in statement
    assert command("list") == ExitCode.PASSED
    listed = capsys.readouterr()
    assert f"because {WHY}" in listed.out
    assert "was sealed and not in the register; it is entered now" in listed.err
    evidence(store, 4).write_text("later")
    assert command("verify") == ExitCode.RECORD
    assert "troubles: 1, besides 3 that are acknowledged" in capsys.readouterr().out
