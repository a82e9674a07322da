"""What follows a run, through the commands themselves: notes, findings, closures, the chain."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from pathlib import Path

import pytest

from pradrill.app.author import user
from pradrill.cli import main
from pradrill.domain.register.annotation import STATED, AnnotationKind
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.finding_history import annotations_of
from pradrill.domain.run.outcome import CheckOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.verdict import Verdict
from pradrill.register.runs.store import FileRunStore
from pradrill.register.verification.verify import verify
from pradrill.testing import a_check, a_sealed_run

ME = user()
PLAN = """\
plan: 1
organisation: Exemple SAS
services:
  moodle: {owner: formation@exemple.fr, objectives: {rto: 4h, rpo: 24h}}
"""
NOTES = """\
marks:
  T1: 2026-03-10T03:05:00+01:00
  T6: 2026-03-10T02:50:00Z
people:
  - {name: A. Martin, role: operator, first_time: true}
  - {name: B. Durand, role: reviewer, independent: true}
deviations: [the console was slow]
rex: {well: [the restore], badly: [nobody knew the number], plan: [print the number]}
sign_off: [{name: C. Petit, role: head of IT, date: 2026-03-11}]
management_report: 2026-03-20
planned: 2026-03-09
network: VLAN 40, no route to production
revoked: [the login of the drill, the key of the standby]
retention: 10 years
"""


class Place:
    """A state directory with runs, and the commands on it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.store = FileRunStore(folder / "state")
        (folder / "drills").mkdir()
        (folder / "drills" / "plan.yml").write_text(PLAN)
        self._capsys = capsys

    def __call__(self, *args: str) -> tuple[int, str]:
        """Run a command; return its code and all that it said."""
        self._capsys.readouterr()
        state, drills = str(self.store.state), str(self.folder / "drills")
        code = main(["--state", state, "--drills", drills, *args])
        output = self._capsys.readouterr()
        return code, output.out + output.err

    def ends(self, number: int, *, red: bool = False) -> RunRecord:
        """Seal a run that passed, or one with a red check."""
        if not red:
            return a_sealed_run(self.store, number)
        check = a_check(outcome=CheckOutcome.FAILED, detail="expected 200, was 500")
        verdict = Verdict.FAILED
        return a_sealed_run(self.store, number, verdict=verdict, exit_code=10, checks=(check,))

    def whole(self) -> bool:
        """Tell whether the register is what was written."""
        return verify(self.store.state).troubles == []


@pytest.fixture
def place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Place:
    """Return a place where nothing ran yet."""
    monkeypatch.setenv("LOGNAME", "amartin")
    monkeypatch.delenv("SUDO_USER", raising=False)
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    return Place(tmp_path, capsys)


def digests(folder: Path) -> dict[str, str]:
    """Return the hash of every file of the runs."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# ---------------------------------------------------------------- notes


def test_notes_from_a_file_join_the_chain_and_change_no_run(place: Place) -> None:
    """Everything of the file is entered, dated and named; not a byte of the runs changes."""
    run_id = place.ends(0).run_id
    before = digests(place.store.runs)
    file = place.folder / "notes.yml"
    file.write_text(NOTES)
    code, output = place("annotate", "moodle", "--file", str(file))
    assert (code, output) == (0, f"run {run_id}: entered in the register, entry 2 to 16\n")
    assert digests(place.store.runs) == before
    assert place.whole()
    notes = annotations_of(place.store.register.entries(), run_id)
    assert {note.by for note in notes} == {ME}
    texts = [(n.kind.value, n.mark or n.name or n.text or str(n.date)) for n in notes]
    assert texts == [
        ("mark", "T1"),
        ("mark", "T6"),
        ("person", "A. Martin"),
        ("person", "B. Durand"),
        ("deviation", "the console was slow"),
        ("rex_well", "the restore"),
        ("rex_badly", "nobody knew the number"),
        ("rex_plan", "print the number"),
        ("network", "VLAN 40, no route to production"),
        ("revoked", "the login of the drill"),
        ("revoked", "the key of the standby"),
        ("retention", "10 years"),
        ("sign_off", "C. Petit"),
        ("management_report", "2026-03-20"),
        ("planned", "2026-03-09"),
    ]


def test_notes_in_json(place: Place) -> None:
    """A program may write them."""
    place.ends(0)
    file = place.folder / "notes.json"
    file.write_text(json.dumps({"deviations": ["a", "b"]}, indent=1))
    assert place("annotate", "moodle", "--file", str(file))[0] == 0


def test_every_problem_of_a_file_at_once(place: Place) -> None:
    """Unknown keys, wrong roles and bad instants are told with their lines; nothing is entered."""
    place.ends(0)
    file = place.folder / "notes.yml"
    file.write_text(
        "marks: {T3: 2026-03-10T03:05:00Z}\n"
        "people:\n"
        "  - {name: A, role: boss}\n"
        "  - {name: B, role: operator, independent: true}\n"
        "deviation: [x]\n"
        'workarounds: [""]\n'
    )
    code, output = place("annotate", "moodle", "--file", str(file))
    assert code == 3
    assert [int(n) for n in re.findall(r"notes\.yml:(\d+): ", output)] == [1, 3, 4, 5, 6]
    assert 'Did you mean "deviations"?' in output
    assert [entry.kind for entry in place.store.register.entries()] == [EntryKind.RUN]


def test_notes_that_contradict_the_run(place: Place) -> None:
    """T1 before T0, T6 before T5, an independent operator, dates of another time: all told."""
    place.ends(0)
    file = place.folder / "notes.yml"
    file.write_text(
        "marks:\n"
        "  T1: 2026-03-10T01:00:00Z\n"
        "  T6: 2026-03-10T02:10:00Z\n"
        "people:\n"
        "  - {name: A, role: operator}\n"
        "  - {name: A, role: reviewer, independent: true}\n"
        "sign_off: [{name: C, role: r, date: 2025-01-01}]\n"
        "management_report: 2999-01-01\n"
    )
    code, output = place("annotate", "moodle", "--file", str(file))
    assert code == 3
    for line, what in (
        (2, "T1 is before T0"),
        (3, "T6 is before T5"),
        (6, "A operated the recovery"),
        (7, "the date is before the run"),
        (8, "the date is in the future"),
    ):
        assert re.search(rf"notes\.yml:{line}: \S+: {what}", output), output


def test_notes_from_the_command_line(place: Place) -> None:
    """Options say what a file says."""
    run_id = place.ends(0).run_id
    code, output = place(
        "annotate",
        "moodle",
        *("--t1", "2026-03-10T02:05Z"),
        *("--operator", "A. Martin", "--first-time", "A. Martin"),
        *("--reviewer", "B. Durand", "--independent", "B. Durand"),
        *("--workaround", "used the phone", "--well", "fast"),
        *("--sign-off", "C. Petit, head of IT, 2026-03-11"),
    )
    assert code == 0, output
    notes = annotations_of(place.store.register.entries(), run_id)
    people = [(n.name, n.role, n.first_time, n.independent) for n in notes if n.name]
    assert people == [
        ("A. Martin", "operator", True, None),
        ("B. Durand", "reviewer", None, True),
        ("C. Petit", "head of IT", None, None),
    ]
    assert place.whole()


def test_what_the_run_did_not_measure_is_entered(place: Place) -> None:
    """Each field that has no instrument has its option, and all of them its planned day."""
    run_id = place.ends(0).run_id
    fields = [kind.value for kind in STATED]
    options = [word for name in fields for word in (f"--{name.replace('_', '-')}", f"a {name}")]
    code, output = place("annotate", "moodle", *options, "--planned", "2026-03-09")
    assert code == 0, output
    notes = annotations_of(place.store.register.entries(), run_id)
    assert [(note.kind.value, note.text) for note in notes[:-1]] == [
        (name, f"a {name}") for name in fields
    ]
    assert str(notes[-1].date) == "2026-03-09"
    assert {note.by for note in notes} == {ME}
    assert place("report", "moodle", "--output", str(place.folder / "r.html"))[0] == 0
    tagged = (place.folder / "r.html").read_text(encoding="utf-8")
    page = " ".join(re.sub(r"<[^>]+>", " ", tagged).split())
    for output in (*(f"a {name}" for name in fields), "2026-03-09"):
        assert re.search(rf"\b{output} \(entered 20[0-9: -]+ UTC by {ME}\)", page), output


def test_bytes_that_are_no_text_become_question_marks(place: Place) -> None:
    """What a terminal of another encoding sends is entered, and the register stays readable."""
    run_id = place.ends(0).run_id
    assert (
        place("annotate", "moodle", "--deviation", "caf\udce9", "--observer", "Ren\udce9")[0] == 0
    )
    notes = annotations_of(place.store.register.entries(), run_id)
    assert [note.name or note.text for note in notes] == ["Ren?", "caf?"]
    assert place("finding", "open", "cl\udce9", "--service", "moodle")[0] == 0
    assert "cl?" in place("findings")[1]
    assert place.whole()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--t1", "yesterday"), "marks.T1: "),
        (("--t1", "2026-03-10T02:05:00"), "marks.T1: "),
        (("--independent", "B"), "B did not take part"),
        (("--sign-off", "C. Petit"), "sign_off[0].role: "),
        ((), "nothing is said, and no editor is known"),
    ],
)
def test_a_wrong_command_line_enters_nothing(
    place: Place, options: tuple[str, ...], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is a usage error with a hint, and the chain stays as it was."""
    monkeypatch.setattr(sys, "stdin", None if options else open("/dev/null"))  # noqa: PTH123, SIM115
    place.ends(0)
    code, output = place("annotate", "moodle", *options)
    assert code == 2
    assert sentence in output
    assert "\nHINT: " in output
    assert len(list(place.store.register.entries())) == 1


def editor(place: Place, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a program the editor; `$1` is the file."""
    program = place.folder / "an editor"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setenv("VISUAL", f'"{program}" --wait')


def test_an_editor_opens_on_a_template(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The template, uncommented, is valid, and what is written there is entered."""
    run_id = place.ends(0).run_id
    uncomment = r"""sed -i -e '/^# [A-Z]/d' -e '/^#$/d' -e '/, PASSED, /d' -e 's/^# //' "$2" """
    editor(place, uncomment, monkeypatch)
    code, output = place("annotate", "moodle")
    assert code == 0, output
    kinds = {note.kind for note in annotations_of(place.store.register.entries(), run_id)}
    assert kinds == set(AnnotationKind)


def test_an_editor_closed_without_a_word(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with git commit, nothing but comments enters nothing."""
    place.ends(0)
    editor(place, "true", monkeypatch)
    code, output = place("annotate", "moodle")
    assert (code, "nothing was entered" in output) == (2, True)


def test_a_text_that_cannot_be_entered_is_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a person wrote is never lost: the message says where it is and how to go on."""
    place.ends(0)
    editor(place, """echo 'deviatoins: [an hour of typing]' >> "$2" """, monkeypatch)
    code, output = place("annotate", "moodle")
    assert code == 3
    hint = re.search(r"--file (\S+)", output)
    assert hint is not None
    path = Path(hint[1])
    assert "an hour of typing" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(path.read_text().replace("deviatoins", "deviations"))
    assert place("annotate", "moodle", "--file", str(path))[0] == 0
    path.unlink()


# ---------------------------------------------------------------- findings


def test_a_finding_from_its_opening_to_its_proof(place: Place) -> None:
    """A run opens it, the next one sees it again, none but a later passing one closes it."""
    first = place.ends(0, red=True)
    code, output = place("findings")
    assert code == 0
    assert output.startswith("F-1  critical  moodle  check failed: the login page is served")
    assert "owner formation@exemple.fr" in output
    second = place.ends(1, red=True)
    assert place("findings")[1].count("F-") == 1
    assert f"run {second.run_id}" in place("finding", "show", "f-1")[1]
    for run_id, because in ((first.run_id, "only a run that PASSED"), ("nothing", "no run is")):
        code, output = place("finding", "close", "F-1", "--run", run_id)
        assert code != 0
        assert because in output
    proof = place.ends(2)
    code, output = place("finding", "close", "F-1", "--run", proof.run_id)
    assert (code, output) == (0, f"F-1 is closed, proved by the run {proof.run_id}\n")
    assert place("findings")[1] == "no finding is open\n"
    assert "closed" in place("findings", "--all")[1]
    code, output = place("finding", "close", "F-1", "--run", proof.run_id)
    assert (code, "it was closed already" in output) == (2, True)
    place.ends(3, red=True)
    assert place("findings")[1].startswith("F-2  critical")
    assert place.whole()


def test_an_earlier_run_proves_nothing(place: Place) -> None:
    """A run that passed before the finding was opened is refused."""
    before = place.ends(0)
    place.ends(1, red=True)
    code, output = place("finding", "close", "F-1", "--run", before.run_id)
    assert (code, "began before" in output) == (2, True)


def test_a_record_that_was_changed_proves_nothing(place: Place) -> None:
    """The run named must be the one that was sealed, to the byte."""
    place.ends(0, red=True)
    proof = place.ends(1)
    path = place.store.runs / proof.run_id / "record.json"
    path.chmod(0o600)
    path.write_text(path.read_text().replace("Exemple SAS", "Exemple SA"))
    code, output = place("finding", "close", "F-1", "--run", proof.run_id)
    assert (code, "not the one that was sealed" in output) == (2, True)


def test_a_run_without_the_check_needs_a_word(place: Place) -> None:
    """When the proof does not carry the check that failed, a person says why it proves it."""
    place.ends(0, red=True)
    proof = a_sealed_run(place.store, 1, checks=(a_check(check="test_new.py::test_login"),))
    code, output = place("finding", "close", "F-1", "--run", proof.run_id)
    assert (code, "has no check test_web.py::test_login_page" in output) == (2, True)
    code, _ = place("finding", "close", "F-1", "--run", proof.run_id, "--text", "renamed")
    assert code == 0
    assert ": renamed" in place("finding", "show", "F-1")[1]


def test_a_person_opens_a_finding(place: Place) -> None:
    """With severity, owner and due date of their own, or the service's owner and 30 days."""
    place.ends(0)
    assert place("finding", "open", "the number is wrong", "--service", "moodle")[0] == 0
    code, output = place(
        *("finding", "open", "the key is old", "--service", "moodle", "--severity", "minor"),
        *("--owner", "A. Martin", "--due", "2031-01-31", "--detail", "a\x1b[31m red one"),
    )
    assert (code, output) == (0, "F-2 is open, entry 3 of the register\n")
    listed = place("findings", "--service", "moodle")[1].splitlines()
    assert "F-1  major  moodle  the number is wrong" in listed[0]
    assert "owner formation@exemple.fr" in listed[0]
    assert listed[1].endswith("owner A. Martin  due 2031-01-31")
    assert "\x1b" not in place("finding", "show", "F-2")[1]
    last = json.loads(place("findings", "--json")[1].splitlines()[-1])
    assert (last["finding"], last["by"], last["severity"]) == ("F-2", ME, "minor")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("open", "x", "--service", "moodel"), 'the plan has no service "moodel"'),
        (("open", " ", "--service", "moodle"), "the finding has no title"),
        (("open", "x", "--service", "moodle", "--due", "soon"), '"soon" is not a date'),
        (("show", "F-7"), "no finding is called F-7"),
    ],
)
def test_what_is_refused(place: Place, words: tuple[str, ...], sentence: str) -> None:
    """One sentence, a hint, code 2, and nothing is entered."""
    place.ends(0)
    code, output = place("finding", *words)
    assert code == 2
    assert output.startswith(sentence)
    assert "\nHINT: " in output
    assert len(list(place.store.register.entries())) == 1


def test_a_report_knows_what_later_runs_saw(place: Place) -> None:
    """The report on a run, made later, says that its open finding was seen again, and by which."""
    first = place.ends(0, red=True)
    later = place.ends(1, red=True)
    code, output = place("report", first.run_id, "--output", str(place.folder / "r.html"))
    assert code == 0, output
    page = (place.folder / "r.html").read_text(encoding="utf-8")
    front = re.sub("</?span[^>]*>", "", page[: page.index('id="timeline"')])
    assert f"seen again by run {later.run_id} on " in front
