"""The forger: writes what they like in the state directory, and has no key."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pradrill.cli import main
from pradrill.domain.declared.sealing import Sealing
from pradrill.domain.register.entry import Acknowledgement, Entry, EntryKind, RunEntry, Seals, Wrong
from pradrill.domain.run.facts import fold
from pradrill.errors import ExitCode
from pradrill.register.chain.register import Register, canonical, line_hash
from pradrill.register.runs.store import FileRunStore
from pradrill.register.sealing.signing import public_key, sign
from pradrill.register.verification.bundle import make_bundle, verify_bundle
from pradrill.register.verification.verify import verify
from pradrill.testing import a_sealed_run, after

from .conftest import NewKey, Seal

_PLAN = """
plan: 1
organisation: Exemple SAS
services: {{moodle: {{objectives: {{rto: 4h, rpo: 24h}}}}}}
sealing: {{key: {key}}}
"""


class Project:
    """A plan that names a key, a signed register of two runs, and the forger's own key."""

    def __init__(self, folder: Path, seal: Seal) -> None:
        self.folder, self.state = folder, folder / "state"
        self.key, self.theirs = folder / "key", folder / "theirs"
        (folder / "plan.yml").write_text(_PLAN.format(key=self.key))
        self.store = seal(self.state, Sealing(key=self.key)).store
        self.runs = sorted(path.name for path in self.state.glob("runs/2*"))

    def command(self, *words: str) -> int:
        """Run a command where the plan is."""
        return main(["--state", str(self.state), "--drills", str(self.folder), *words])

    def entries(self) -> list[Entry]:
        """Return what stands in the register."""
        return list(Register(self.state).entries())

    def write(self, entries: list[Entry], *, sign_with: Path | None = None) -> None:
        """Write a chain anew, whole, with its head; drop the signature, or make one of one's own.

        No program of ours has a hand in it.
        """
        lines, previous = [], "0" * 64
        for number, entry in enumerate(entries, 1):
            line = canonical(entry.model_copy(update={"number": number, "previous": previous}))
            lines.append(line)
            previous = line_hash(line)
        (self.state / "register").write_bytes(b"".join(lines))
        head = f"{len(lines)} {previous}\n".encode()
        (self.state / "register.head").write_bytes(head)
        (self.state / "register.head.sig").unlink(missing_ok=True)
        if sign_with is not None:
            (self.state / "register.head.sig").write_bytes(sign(head, sign_with))

    def better(self) -> list[Entry]:
        """Make the failed run one that passed, files and entry alike; return the entries."""
        folder = self.state / "runs" / self.runs[1]
        record = folder / "record.json"
        record.chmod(0o600)
        text = record.read_text().replace('"FAILED"', '"PASSED"').replace(": 10,", ": 0,")
        record.write_text(text)
        (folder / "record.json.sig").unlink()
        entries = []
        for entry in self.entries():
            body = dict(entry.body)
            if body.get("run_id") == self.runs[1] and entry.kind is EntryKind.RUN:
                files = {p: h for p, h in body["files"].items() if p != "record.json.sig"}
                sha256 = line_hash(record.read_bytes())
                body |= {"verdict": "PASSED", "exit_code": 0, "files": files}
                body |= {"record_sha256": sha256, "unsigned": "the key was away"}
            entries.append(entry.model_copy(update={"body": body}))
        return entries

    def wheres(self) -> set[str]:
        """Return where a verification with the plan's key finds troubles."""
        verification = verify(self.state, trusted=[public_key(self.key)])
        return {trouble.where for trouble in verification.troubles}


@pytest.fixture(scope="module")
def unharmed(tmp_path_factory: pytest.TempPathFactory, seal: Seal, new_key: NewKey) -> Path:
    """Make a house that nobody harms: signing takes a while."""
    folder = tmp_path_factory.mktemp("unharmed")
    for name in ("key", "theirs"):
        new_key(folder, name)
    project = Project(folder, seal)
    a_sealed_run(project.store, 0)
    a_sealed_run(project.store, 1, verdict="FAILED", exit_code=10)
    assert verify(project.state, each=True, trusted=[public_key(project.key)]).troubles == []
    return folder


@pytest.fixture
def house(tmp_path: Path, seal: Seal, unharmed: Path) -> Project:
    """Return a house that nobody has harmed yet."""
    shutil.copytree(unharmed, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path, seal)


COMMANDS = [
    ("runs",),
    ("findings",),
    ("register", "list"),
    ("register", "head"),
    ("show",),
    ("report", "--output", "/dev/null"),
    ("due",),
    ("annotate", "20260311", "--well", "all was well"),
    ("finding", "open", "a title", "--service", "moodle", "--severity", "minor"),
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_signs_over_a_forged_register(
    house: Project, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """A record made PASSED, the chain computed anew, the signatures dropped: told, and 14."""
    house.write(house.better())
    code = house.command(*words)
    assert "does not carry the signature" in capsys.readouterr().err
    assert code == (ExitCode.PASSED if words[0] in {"annotate", "finding"} else ExitCode.RECORD)
    assert house.command("register", "verify") == ExitCode.RECORD
    a_sealed_run(house.store, 5)
    assert house.command("register", "verify") == ExitCode.RECORD
    assert "nobody vouches for entries 1 to " in capsys.readouterr().out
    assert house.command("register", "acknowledge", "--because", "a forger") == ExitCode.PASSED
    assert house.command("register", "verify") == ExitCode.ACKNOWLEDGED


def test_a_forger_cannot_answer_for_what_they_forged(house: Project) -> None:
    """Their acknowledgement of each trouble that there will be counts for nothing."""
    damage = (
        Wrong(where="register.head.sig", what="the head is not signed, and a key is named"),
        Wrong(where="register: entry 4", what="nobody vouches for entries 1 to 4"),
    )
    statement = Acknowledgement(by="ops", because="all is well", damage=damage)
    last = house.entries()[-1]
    forged = last.model_copy(
        update={"kind": EntryKind.ACKNOWLEDGEMENT, "body": statement.model_dump(mode="json")}
    )
    house.write([*house.better(), forged])
    assert "register.head.sig" in house.wheres()
    a_sealed_run(house.store, 5)
    assert verify(house.state).acknowledged == []
    assert "register: entry 6" in house.wheres()


@pytest.mark.parametrize("how", ["stripped", "replaced", "appended"])
def test_seals_that_are_not_the_plans_are_found(
    house: Project, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Seals stripped, a key replaced from the start or named at the end: 14, before and after."""
    entries = house.better()
    theirs = Seals(principal="pradrill", public_key=public_key(house.theirs))
    seals = next(e for e in entries if e.kind is EntryKind.SEALS)
    forgery = seals.model_copy(update={"body": theirs.model_dump(mode="json")})
    if how == "stripped":
        house.write([e for e in entries if e.kind is not EntryKind.SEALS])
    elif how == "replaced":
        house.write([forgery if e is seals else e for e in entries], sign_with=house.theirs)
    else:
        house.write([*house.entries(), forgery], sign_with=house.theirs)
    assert house.command("register", "verify") == ExitCode.RECORD
    assert "the plan names" in capsys.readouterr().out
    assert house.command("runs") == ExitCode.RECORD
    assert "the register does not verify" in capsys.readouterr().err
    a_sealed_run(house.store, 5)
    assert house.command("register", "verify") == ExitCode.RECORD
    out = house.folder / "bundle"
    assert house.command("bundle", "--output", str(out)) == ExitCode.RECORD
    assert (out / "VERIFY.txt").read_text().startswith("THIS IS NOT WHAT WAS RECORDED")
    assert (out / "VERIFIER.txt").read_text().startswith("CECI N'EST PAS")
    assert not (out / "SHA256SUMS.sig").exists()


@pytest.mark.parametrize("where", ["environment", "plan"])
def test_a_key_that_cannot_be_read_is_no_reason_to_ask_for_none(
    house: Project,
    where: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The seals are stripped, and the key that is named is away: nothing is called unchanged."""
    house.write([e for e in house.better() if e.kind is not EntryKind.SEALS])
    if where == "plan":
        house.key.unlink()
        house.key.with_name("key.pub").unlink()
    else:
        monkeypatch.setenv("PRADRILL_SIGNING_KEY", "/nonexistent")
    assert house.command("register", "verify") == ExitCode.CONFIGURATION
    out = str(house.folder / "out")
    assert house.command("bundle", "--output", out) == ExitCode.CONFIGURATION
    assert house.command("report", "--output", out) == ExitCode.RECORD
    assert house.command("runs") == ExitCode.RECORD
    output = capsys.readouterr()
    assert "nothing was changed" not in output.out
    assert output.err.count("names cannot be read") >= 4
    assert "cannot be read" in Path(out).read_text()


def test_nobody_spoils_a_signed_register_by_hand(
    house: Project, new_key: NewKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no key, another one, or without the plan nothing is entered; after a rotation it is."""
    before, by_hand = house.entries(), ("annotate", house.runs[0], "--well", "all was well")
    finding = ("finding", "open", "a title", "--service", "moodle", "--severity", "minor")
    for key in ("/nonexistent", str(house.theirs)):
        monkeypatch.setenv("PRADRILL_SIGNING_KEY", key)
        for words in (by_hand, finding):
            assert house.command(*words) == ExitCode.CONFIGURATION
    monkeypatch.delenv("PRADRILL_SIGNING_KEY")
    monkeypatch.chdir("/")
    assert main(["--state", str(house.state), *by_hand]) == ExitCode.CONFIGURATION
    assert house.entries() == before
    new = new_key(house.folder, "new")
    plan = _PLAN.format(key=f"{new}, previous_key: {house.key}")
    (house.folder / "plan.yml").write_text(plan)
    assert house.command(*by_hand) == ExitCode.PASSED
    (house.folder / "plan.yml").write_text(_PLAN.format(key=new))
    assert house.command("register", "verify") == ExitCode.PASSED


def test_a_key_of_the_forgers_is_trouble_without_the_plan_too(house: Project) -> None:
    """A change of the key that the key before did not sign is told wherever the register is."""
    theirs = Seals(principal="pradrill", public_key=public_key(house.theirs), strict=True)
    entries = house.entries()
    last, body = entries[-1], theirs.model_dump(mode="json")
    for handover in (None, sign(theirs.handed_over("0" * 64), house.theirs).decode()):
        forgery = last.model_copy(
            update={"kind": EntryKind.SEALS, "body": {**body, "handover": handover}}
        )
        house.write([*entries, forgery], sign_with=house.theirs)
        (trouble,) = verify(house.state).troubles
        assert trouble.what == "the key changes, and the key before did not sign that"


def test_a_changed_key_is_handed_over_by_the_one_before(
    house: Project, seal: Seal, new_key: NewKey
) -> None:
    """With the key before at hand the change is whole; its hand fits this place alone."""
    new = new_key(house.folder, "new")
    store = seal(house.state, Sealing(key=new, previous_key=house.key)).store
    a_sealed_run(store, 2)
    assert verify(house.state, each=True, trusted=[public_key(new)]).troubles == []
    entries = house.entries()
    house.write([entries[0], *entries[2:]], sign_with=new)
    troubles = [trouble.what for trouble in verify(house.state).troubles]
    assert "the key changes, and the key before did not sign that" in troubles


def test_stripped_signatures_of_records_are_found(house: Project) -> None:
    """A run whose entry names no signature although a key was named is trouble, whoever asks."""
    entries = house.better()
    bodies = [{k: v for k, v in e.body.items() if k != "unsigned"} for e in entries]
    bare = [e.model_copy(update={"body": b}) for e, b in zip(entries, bodies, strict=True)]
    house.write(bare, sign_with=house.key)  # as if their hand had come before the signing
    (trouble,) = verify(house.state).troubles
    assert "is not signed, and a key was named" in trouble.what
    house.write(entries, sign_with=house.key)
    signers = f"pradrill {public_key(house.key)}\n"
    assert verify(house.state).troubles == []
    assert len(verify(house.state, signers=signers).troubles) == 1
    bundle = house.folder / "made"
    assert make_bundle(house.store.register, house.runs[:1], bundle).troubles == []
    assert len(verify_bundle(bundle, signers).troubles) == 1
    assert len(verify(house.state, trusted=[public_key(house.key)]).troubles) == 1


@pytest.mark.parametrize("journal", ["none", "another's", "made up", "its own"])
def test_a_made_up_run_is_not_entered_as_what_it_claims(
    house: Project, journal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A record without a journal that tells the same, or without its signature, is damage."""
    run_id = "20260401T020000Z-moodle-abcdef"
    elsewhere = FileRunStore(house.folder / "elsewhere")
    source = elsewhere.runs / a_sealed_run(elsewhere, 3).run_id
    folder = house.state / "runs" / run_id
    shutil.copytree(source, folder)
    text = (folder / "record.json").read_text().replace(source.name, run_id)
    (folder / "record.json").chmod(0o600)
    (folder / "record.json").write_text(text)
    if journal == "none":
        (folder / "journal.jsonl").unlink()
    elif journal == "another's":
        shutil.copy(house.state / "runs" / house.runs[0] / "journal.jsonl", folder)
    elif journal == "made up":
        (folder / "record.json.sig").write_bytes(sign(text.encode(), house.theirs))
    for _ in range(2):
        house.command("runs")
    assert f"run {run_id} is sealed, and is not entered" in capsys.readouterr().err
    entries = house.entries()
    assert [e.body["run_id"] for e in entries if e.kind is EntryKind.RUN] == house.runs
    (damage,) = (e.body for e in entries if e.kind is EntryKind.DAMAGE)
    assert damage["run_id"] == run_id
    assert house.wheres() == {f"runs/{run_id}"}
    assert house.command("show", run_id) == ExitCode.RECORD
    assert "is not what was recorded" in capsys.readouterr().out
    assert [record.run_id for record in house.store.last_finished()] == house.runs[-1:]


def _unsealed(house: Project, run_id: str, *, ends: bool = True) -> Path:
    """Make a folder of a run that passed, with a journal that has ended and no record."""
    folder = house.state / "runs" / run_id
    if not folder.exists():
        shutil.copytree(house.state / "runs" / house.runs[0], folder)
    for name in ("record.json", "record.json.sig"):
        (folder / name).unlink(missing_ok=True)
    end = {"at": "2026-03-10T03:00:00+00:00", "event": "run_ended"}
    with (folder / "journal.jsonl").open("a") as journal:
        journal.write(f"{json.dumps({**end, 'ended': end['at']})}\n" if ends else "")
    return folder


def test_a_journal_that_was_made_up_is_no_killed_run(
    house: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that ends well, without a record, is neither sealed, nor entered, nor torn down."""
    run_id = "20260401T020000Z-moodle-abcdef"
    _unsealed(house, run_id)
    assert house.store.crashed() == []
    for words in (("runs",), ("show", run_id)):
        house.command(*words)
    assert f"run {run_id} has no record, and is not entered" in capsys.readouterr().err
    assert not (house.state / "runs" / run_id / "record.json").exists()
    entries = house.entries()
    assert [e.body["run_id"] for e in entries if e.kind is EntryKind.RUN] == house.runs
    assert [e.kind for e in entries].count(EntryKind.DAMAGE) == 1


def test_a_killed_run_has_ended_only_if_its_own_process_says_so(house: Project) -> None:
    """An end that was added counts for nothing, another beginning is none; nor does evidence."""
    journal = house.store.open("moodle", after(86_400 * 9))
    for event, _, facts in house.store.journal(house.runs[0]).events():
        journal.append(event, after(0), facts)
    forged = _unsealed(house, journal.run_id) / "journal.jsonl"
    journal.close()
    (crashed,) = house.store.crashed()
    events = list(crashed.events())
    assert "run_ended" not in [event for event, _, _ in events]
    with pytest.raises(ValueError, match="begins once"):
        fold([*events, events[0]])
    crashed.append("run_ended", after(99), {"ended": after(99).isoformat()})
    assert "run_ended" in [event for event, _, _ in crashed.events()]
    (forged.parent / "evidence" / "more").write_text("made up")
    assert "run_ended" not in [event for event, _, _ in crashed.events()]
    crashed.close()


def test_a_killed_run_goes_on_only_from_facts_that_its_own_process_wrote(house: Project) -> None:
    """A fact that was changed, taken out or added is found; what a cut end told is done again."""
    journal = house.store.open("moodle", after(86_400 * 9))
    events = list(house.store.journal(house.runs[0]).events())[:-1]
    for event, at, facts in events:
        journal.append(event, at, facts)
    journal.close()

    path = house.state / "runs" / journal.run_id / "journal.jsonl"
    honest = path.read_bytes()
    lines = honest.splitlines(keepends=True)
    started, mark = json.loads(lines[0]), next(line for line in lines if b'"mark"' in line)
    made_up = {"at": started["at"], "event": "stable", "stable": True}
    later = mark.replace(b"2026-03-10T02", b"2026-03-10T01")
    assert later != mark
    forged = {
        "changed": honest.replace(mark, later),
        "taken out": honest.replace(mark, b""),
        "added": honest + json.dumps(made_up).encode() + b"\n",
    }
    sound = {"honest": honest, "cut": b"".join(lines[:-2]), "torn": honest + b'{"at": "20'}
    assert {name for name, text in (forged | sound).items() if _why(house, path, text)} == {*forged}


def _why(house: Project, path: Path, text: bytes) -> str | None:
    path.write_bytes(text)
    return house.store.why_unvouched(path.parent.name)


def test_a_run_that_was_entered_is_not_killed_by_taking_its_record_away(
    house: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is torn down again, no other record is signed, and each command says what is gone."""
    _unsealed(house, house.runs[1], ends=False)
    assert not house.store.has_crashed()
    assert house.store.crashed() == []
    assert house.command("runs") == ExitCode.RECORD
    assert house.command("show", house.runs[1]) == ExitCode.RECORD
    message = f"the run {house.runs[1]} is in the register, and its record is gone"
    assert capsys.readouterr().err.count(message) == 2


def test_a_record_that_was_changed_is_told_where_runs_are_listed(
    house: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """The chain is whole: only the record's hash tells."""
    house.better()
    assert house.command("runs") == ExitCode.RECORD
    assert f"{house.runs[1]} is not what was recorded" in capsys.readouterr().err


def test_an_honest_run_that_a_crash_kept_out_is_entered(house: Project) -> None:
    """Sealed and signed by its own process, it is what its journal tells."""
    files = {name: (house.state / name).read_bytes() for name in _FILES}
    late = a_sealed_run(house.store, 4).run_id
    for name, content in files.items():
        (house.state / name).write_bytes(content)
    assert house.store.settle(after(9)) == [late]
    assert verify(house.state, each=True, trusted=[public_key(house.key)]).troubles == []


_FILES = ("register", "register.head", "register.head.sig")


def test_a_made_up_attempt_says_that_it_was_found(house: Project) -> None:
    """A hidden folder made by hand is entered as found by a later command, and never as passed."""
    folder = house.state / "runs" / ".20260401T020000Z-moodle-abcdef"
    folder.mkdir()
    attempt = {"drill": "moodle", "services": ["moodle"], "trigger": "due", "user": "root"}
    (folder / "alive").write_text(
        json.dumps({**attempt, "exit_code": 0, "because": "all was well"})
    )
    assert house.command("runs") == ExitCode.PASSED
    body = house.entries()[-1].body
    assert (body["late"], body["exit_code"]) == (True, ExitCode.INCONCLUSIVE)
    assert any("by a later command" in note for note in verify(house.state).notes)


def test_entries_after_a_signed_head_are_not_taken_in(house: Project) -> None:
    """Lines that are appended below a head that is still true are nobody's."""
    last = house.entries()[-1]
    head = (house.state / "register.head").read_text().split()
    forged = last.model_copy(update={"number": 4, "previous": head[1]})
    with (house.state / "register").open("ab") as file:
        file.write(canonical(forged))
    a_sealed_run(house.store, 5)
    assert any(
        "nobody vouches for entries 4 to 4" in trouble.what
        for trouble in verify(house.state).troubles
    )


def test_a_signature_of_another_register_fits_no_other(
    house: Project, seal: Seal, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed by the same key elsewhere, a head's signature says nothing here."""
    other = seal(house.folder / "other", Sealing(key=house.key)).store
    a_sealed_run(other, 0)
    house.write(house.better())
    shutil.copy(other.state / "register.head.sig", house.state)
    house.command("runs")
    assert "does not carry the signature" in capsys.readouterr().err
    assert "register.head.sig" in house.wheres()


def test_an_intent_without_the_key_is_not_carried_through(house: Project) -> None:
    """What a forger leaves as half done is left there; an older true one cuts nothing off."""
    last = house.entries()[-1]
    head = (house.state / "register.head").read_text().split()
    end = (house.state / "register").stat().st_size
    theirs = Seals(principal="x", public_key=public_key(house.theirs)).model_dump(mode="json")
    bodies = [(EntryKind.SEALS, theirs), (EntryKind.RUN, {**last.body, "run_id": "forged"})]
    lines, previous = [], head[1]
    for number, (kind, body) in enumerate(bodies, int(head[0]) + 1):
        update = {"number": number, "previous": previous, "kind": kind, "body": body}
        lines.append(canonical(last.model_copy(update=update)).decode())
        previous = line_hash(lines[-1].encode())
    signature = sign(f"{number} {previous}\n".encode(), house.theirs).decode()
    intent = {"end": end, "lines": lines, "signature": signature}
    (house.state / "register.next").write_text(json.dumps(intent))
    before = (house.state / "register").read_bytes()
    house.store.register.settle(after(9))
    assert (house.state / "register").read_bytes() == before
    a_sealed_run(house.store, 5)
    assert verify(house.state, trusted=[public_key(house.key)]).troubles == []


@pytest.mark.parametrize(("lang", "word"), [("en", "not what was"), ("fr", "pas ce qui a été")])
def test_page_one_says_it(house: Project, lang: str, word: str) -> None:
    """A report on a run that was changed says so before the verdict, and as data."""
    house.write(house.better())
    page, data = house.folder / "page.html", house.folder / "data.json"
    assert house.command("report", "--lang", lang, "--output", str(page)) == ExitCode.RECORD
    text = page.read_text()
    assert text.index('class="doubt"') < text.index('id="verdict"')
    (house.state / "runs" / house.runs[1] / "journal.jsonl").write_text("")
    house.command("report", "--lang", lang, "--output", str(page))
    assert word in page.read_text()
    assert house.command("report", "--format", "csv", "--output", str(data)) == ExitCode.RECORD
    first = next(csv.DictReader(data.read_text("utf-8").splitlines()))
    assert (first["row"], first["outcome"]) == ("doubt", "")
    assert "journal.jsonl" in first["detail"]
    house.command("report", "--format", "json", "--output", str(data))
    wheres = [wrong["where"] for wrong in json.loads(data.read_text())["integrity"]["wrong"]]
    assert f"runs/{house.runs[1]}/journal.jsonl" in wheres


def test_nothing_that_cannot_be_signed_is_published(house: Project, seal: Seal) -> None:
    """A head goes to the log only with the key's signature, where a key is named."""
    log, away = house.folder / "heads.log", house.folder / "away"
    house.key.rename(away)
    settings = Sealing(key=house.key, head_log=log)
    store, _ = seal(house.state, settings)
    a_sealed_run(store, 5)
    assert not log.exists()
    away.rename(house.key)
    a_sealed_run(store, 6)
    assert len(log.read_text().splitlines()) == 1
    assert {trouble.where for trouble in verify(house.state).troubles} == {"register: entry 6"}


def test_an_old_copy_of_the_state_is_told_from_the_heads_that_were_published(
    house: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """Genuine and signed, but cut back; a log that cannot be read is told, and 3 to verify."""
    log = house.folder / "elsewhere" / "heads.log"
    (house.folder / "plan.yml").write_text(_PLAN.format(key=f"{house.key}, head_log: {log}"))
    old = {name: (house.state / name).read_bytes() for name in _FILES}
    assert house.command("annotate", house.runs[0], "--well", "all was well") == ExitCode.PASSED
    assert house.command("runs") == ExitCode.PASSED
    for name, content in old.items():
        (house.state / name).write_bytes(content)
    page = house.folder / "page.html"
    assert house.command("runs") == ExitCode.RECORD
    assert "the newest head that was published is not in it" in capsys.readouterr().err
    assert house.command("report", "--output", str(page)) == ExitCode.RECORD
    assert "was published and is not in the register" in page.read_text()
    bundle = house.folder / "bundle"
    assert house.command("bundle", "--output", str(bundle)) == ExitCode.RECORD
    assert (bundle / "VERIFY.txt").read_text().startswith("THIS IS NOT WHAT WAS RECORDED")
    assert house.command("register", "verify") == ExitCode.RECORD
    log.unlink()
    assert house.command("register", "verify") == ExitCode.PASSED
    assert f"no head is looked for: {log} is not there" in capsys.readouterr().err
    log.mkdir()
    assert house.command("register", "verify") == ExitCode.CONFIGURATION
    assert house.command("runs") == ExitCode.PASSED
    assert capsys.readouterr().err.count("cannot be read") == 2


def _dying(at: int, do: Callable[[], object]) -> bool:
    """Do something in a process that dies at its n-th call that changes a file; tell if it did.

    What a run writes before it is sealed does not count.
    """
    child = os.fork()
    if child == 0:
        count, counting = 0, False

        def call() -> None:
            nonlocal count
            count += counting
            if count == at:
                os._exit(9)

        def hook(event: str, args: tuple[Any, ...]) -> None:
            nonlocal counting
            if event == "open":
                counting |= str(args[0]).endswith(("record.json.sig.draft", "locks/register"))
            writes = event == "open" and isinstance(args[2], int) and args[2] & os.O_ACCMODE
            if writes or event in {"os.rename", "os.remove", "os.truncate"}:
                call()

        really = os.write

        def write(file: int, content: bytes) -> int:
            if counting and count + 1 == at:
                really(file, content[: len(content) // 2])
            call()
            return really(file, content)

        os.write = write  # type: ignore[assignment]
        sys.addaudithook(hook)
        try:
            do()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


# By night also what a change of keys writes anyway: an entry, and a run.
@pytest.mark.parametrize(
    "what",
    [
        pytest.param("entry", marks=pytest.mark.nightly),
        pytest.param("first run", marks=pytest.mark.nightly),
        "change of keys",
    ],
)
def test_a_crash_at_any_point_leaves_nothing_to_answer_for(
    tmp_path: Path, seal: Seal, new_key: NewKey, what: str
) -> None:
    """Killed before any of its writes, or in the middle of one, an append harms nothing."""
    key, new = new_key(tmp_path), new_key(tmp_path, "new")
    first = tmp_path / "first"
    first.mkdir()
    if what != "first run":
        a_sealed_run(seal(first, Sealing(key=key)).store, 0)
    now = new if what == "change of keys" else key
    deaths = 0
    while True:
        state = tmp_path / f"state-{deaths}"
        shutil.copytree(first, state)
        store = seal(state, Sealing(key=now, previous_key=key if now is new else None)).store

        def append(store: FileRunStore = store) -> None:
            if what == "entry":
                store.register.append(EntryKind.ANNOTATION, {"text": "x"}, after(9))
            else:
                a_sealed_run(store, 1)

        has_died = _dying(deaths + 1, append)
        store.settle(after(10))
        store.register.append(EntryKind.ANNOTATION, {"text": "later"}, after(11))
        verification = verify(state, each=True, trusted=[public_key(now)])
        assert [str(trouble) for trouble in verification.troubles] == [], deaths
        assert not any(e.kind is EntryKind.DAMAGE for e in verification.entries), deaths
        shutil.rmtree(state)
        if not has_died:
            break
        deaths += 1
    assert deaths > 8


def test_writers_at_the_same_time_are_all_signed(house: Project) -> None:
    """Entries of processes that append at once follow each other, and the head is signed."""
    code = (
        "import sys; from pathlib import Path\n"
        "from pradrill.domain.declared.sealing import Sealing\n"
        "from pradrill.domain.register.entry import EntryKind\n"
        "from pradrill.register.chain.register import Register\n"
        "from pradrill.register.sealing.sealer import Sealer; from pradrill.testing import after\n"
        "state = Path(sys.argv[1]); sealer = Sealer(Sealing(key=sys.argv[2]), state, print)\n"
        "for n in range(4): Register(state, lambda: sealer).append("
        "EntryKind.ANNOTATION, {'text': str(n)}, after(n))\n"
    )
    words = [sys.executable, "-c", code, str(house.state), str(house.key)]
    writers = [subprocess.Popen(words) for _ in range(2)]
    while any(writer.poll() is None for writer in writers):
        assert verify(house.state).troubles == []
    assert [writer.returncode for writer in writers] == [0, 0]
    verification = verify(house.state, each=True)
    assert (verification.troubles, len(verification.entries)) == ([], 12)


def test_a_register_of_before_is_read_as_it_was(
    house: Project, new_key: NewKey, seal: Seal
) -> None:
    """A change of keys that was entered before such changes were signed is a note.

    The next entry says that from there on each change is signed.
    """
    new = new_key(house.folder, "new")
    entries = house.entries()
    older = [
        Seals(principal="pradrill", public_key=public_key(key)).model_dump(
            mode="json", exclude={"strict", "handover"}
        )
        for key in (house.key, new)
    ]
    first, run = entries[:2]
    again = first.model_copy(update={"body": older[1]})
    house.write([first.model_copy(update={"body": older[0]}), run, again], sign_with=new)
    shutil.rmtree(house.state / "runs" / house.runs[1])
    verification = verify(house.state, trusted=[public_key(new)])
    assert (verification.troubles, len(verification.notes)) == ([], 1)
    store = seal(house.state, Sealing(key=new)).store
    a_sealed_run(store, 6)
    assert verify(house.state, trusted=[public_key(new)]).troubles == []
    assert RunEntry.model_validate(house.entries()[-1].body).unsigned is None
    assert house.entries()[3].body["strict"] is True
