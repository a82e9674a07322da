"""`pradrill incident`: what is entered, what is refused, what is printed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pradrill.cli import main
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.incident_history import all_incidents
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import a_launch, a_sealed_run

_PLAN = """
plan: 1
organisation: Exemple SAS
providers:
  hexanet: {sla: {response: 30m, restoration: 4h}}
services:
  moodle: {objectives: {rto: 4h, rpo: 24h}, provider: hexanet}
"""

EARLIER = "2026-11-02T09:00Z"
Incident = Callable[..., tuple[int, str, str]]


@pytest.fixture
def store(tmp_path: Path) -> FileRunStore:
    """Return a store, beside a plan with a provider."""
    (tmp_path / "plan.yml").write_text(_PLAN)
    return FileRunStore(tmp_path / "state")


@pytest.fixture
def incident(store: FileRunStore, capsys: pytest.CaptureFixture[str]) -> Incident:
    """Return what runs the command: its code and what it prints on both streams."""

    def command(*words: str) -> tuple[int, str, str]:
        where = ("--state", str(store.state), "--drills", str(store.state.parent))
        capsys.readouterr()
        code = main([*where, "incident", *words])
        return code, *capsys.readouterr()

    return command


def opening(incident: Incident, *words: str) -> dict[str, Any]:
    """Open one that began long ago; return it."""
    began = ("--began", "2026-11-01T10:00Z", "--at", "2026-11-01T10:05Z")
    code, out, _ = incident("open", "it is down", "--service", "moodle", *began, "--json", *words)
    assert code == 0
    payload: dict[str, Any] = json.loads(out)
    return payload


def entries(store: FileRunStore) -> int:
    """Return how many steps the register holds."""
    return sum(entry.kind is EntryKind.INCIDENT for entry in store.register.entries())


def test_an_incident_from_its_detection_to_its_lessons(incident: Incident) -> None:
    """Each step has its time, its author and where they come from; promises are measured."""
    assert opening(incident)["open"]
    assert incident("qualify", "i-1", "--severity", "major", "--cause", "a switch")[0] == 0
    assert incident("call", "I-1", "--at", "2026-11-01T10:10+00:00", "--ticket", "4711")[0] == 0
    assert incident("inform", "I-1", "--who", "management")[0] == 0
    assert incident("note", "I-1", "--answered", "2026-11-01T10:20Z", "--text", "they look")[0] == 0
    code, out, _ = incident(
        "close", "I-1", "--restored", "2026-11-01T16:00+01:00", "--lessons", "a spare switch"
    )
    assert code == 0
    for words in (
        "I-1  major  moodle  it is down  lasted 5h",
        "1. detected 2026-11-01 10:05:00 UTC by root, entered 2",
        "hexanet, response: promised in 30m, after 10m: met",
        "hexanet, restoration: promised in 4h, after 4h50m: not met",
        "lessons: a spare switch",
    ):
        assert words in out
    assert "without lessons" not in out
    assert incident("list", "--open")[1] == "no incident is open\n"


def test_supervision_opens_it_once(incident: Incident, store: FileRunStore) -> None:
    """With a key, opening what is open enters nothing and answers the same."""
    assert opening(incident, "--key", "nagios-42") == opening(incident, "--key", "nagios-42")
    assert entries(store) == 1


def test_a_correction_says_only_what_was_wrong(incident: Incident) -> None:
    """All else stays as it was entered, and the wrong step stays to be seen."""
    opening(incident, "--source", "user")
    incident("open", "the site is slow", "--service", "moodle", "--corrects", "I-1")
    _, out, _ = incident("show", "I-1")
    assert out.startswith("I-1  not qualified  moodle  the site is slow  open for ")
    assert "T0 2026-11-01 10:00:00 UTC" in out
    assert out.count("seen first by: user") == 2
    assert "(corrected later: does not count)" in out


def test_an_opening_is_corrected_as_often_as_it_was_wrong(incident: Incident) -> None:
    """The latest counts, with what none of them said otherwise."""
    opening(incident)
    for title in ("slow", "slower"):
        assert incident("open", title, "--service", "moodle", "--corrects", "I-1")[0] == 0
    assert "I-1  not qualified  moodle  slower  open for" in incident("show", "I-1")[1]


def test_a_plan_yaml_is_a_plan(incident: Incident, store: FileRunStore) -> None:
    """Incidents are entered under either name of the plan."""
    folder = store.state.parent
    (folder / "plan.yml").rename(folder / "plan.yaml")
    assert opening(incident)["open"]


def test_a_rehearsal_has_recovered_nothing(incident: Incident, store: FileRunStore) -> None:
    """It cannot be named as the run that did."""
    record = a_sealed_run(store, launch=a_launch(rehearsal=True))
    opening(incident, "--began", "2026-03-01T10:00Z")
    code, _, err = incident("close", "I-1", "--run", record.run_id)
    assert (code, "was a rehearsal: it recovered nothing" in err) == (2, True)


def test_closing_without_lessons_is_told(incident: Incident) -> None:
    """It can be done, and is said."""
    opening(incident)
    assert "closed without lessons" in incident("close", "I-1")[1]


def test_a_run_that_recovered_it_says_when_it_worked(
    incident: Incident, store: FileRunStore
) -> None:
    """The T5 of the run that is named counts, unless another instant is given."""
    run_id = a_sealed_run(store).run_id
    opening(incident, "--began", "2026-03-01T10:00Z")
    payload = json.loads(incident("close", "I-1", "--run", run_id, "--json")[1])
    assert payload["steps"][-1]["run_id"] == run_id
    assert payload["steps"][-1]["restored"] is not None


@pytest.mark.parametrize(
    ("words", "because"),
    [
        (("open", "x", "--service", "moodel"), 'the plan has no service "moodel"'),
        (("open", " ", "--service", "moodle"), "the incident has no title"),
        (("open", "x", "--service", "moodle", "--provider", "y"), 'the plan has no provider "y"'),
        (("note", "I-1", "--at", "2999-01-01T00:00Z"), "--at: "),
        (("note", "I-1", "--at", "2099-01-01T00:00Z"), "is yet to come"),
        (("note", "I-1", "--at", "2026-11-01 10:00"), "does not say its time zone"),
        (
            (
                "note",
                "I-9",
            ),
            "no incident is called I-9",
        ),
        (("note", "I-1", "--answered", "2026-11-01T10:20Z"), "nobody had called the provider"),
        (("note", "I-1", "--restored", "2026-11-01T09:00Z"), "worked again before it had begun"),
        (("close", "I-1", "--at", "2026-11-01T10:00Z"), "closed before it was detected"),
        (
            ("open", "x", "--service", "moodle", "--began", "2026-11-02T10:00Z", "--at", EARLIER),
            "detected before it had begun",
        ),
        (("close", "I-1", "--corrects", "1"), "its step 1 is detected, not closed"),
        (("note", "I-1", "--corrects", "0"), "it has no step 0"),
        (("note", "I-1", "--run", "2026"), "no run"),
    ],
)
def test_what_cannot_be_is_refused_and_enters_nothing(
    incident: Incident, store: FileRunStore, words: tuple[str, ...], because: str
) -> None:
    """Each with a sentence and a hint, and code 2."""
    opening(incident)
    code, out, err = incident(*words)
    assert (code, out) == (2, "")
    assert because in err
    assert "HINT: " in err
    assert entries(store) == 1


MAINTENANCE = ("open", "a switch", "--service", "moodle", "--kind", "maintenance")


def test_maintenance_is_announced_before_it_begins(incident: Incident) -> None:
    """From when to when; nobody detects it, learns from it, or sees it recur."""
    when = ("--began", "2099-01-01T01:00Z", "--until", "2099-01-01T03:00Z")
    code, out, _ = incident(*MAINTENANCE, *when)
    assert code == 0
    assert "1. announced " in out
    assert "announced from 2099-01-01 01:00:00 UTC to 2099-01-01 03:00:00 UTC" in out
    assert "I-1  maintenance  moodle  a switch  announced: " in incident("list", "--open")[1]
    opening(incident)
    assert "recurring" not in incident("list")[1]
    assert "without lessons" not in incident("close", "I-1")[1]


@pytest.mark.parametrize(
    ("words", "because"),
    [
        ((*MAINTENANCE, "--began", EARLIER), "maintenance is announced from --began to --until"),
        ((*MAINTENANCE, "--began", EARLIER, "--until", EARLIER), "to end before it began"),
        (("open", "x", "--service", "moodle", "--until", EARLIER), "only maintenance is announced"),
        (("note", "I-1", "--responsibility", "dsn"), 'no responsibility "dsn"'),
    ],
)
def test_what_maintenance_lacks_is_told(
    incident: Incident, store: FileRunStore, words: tuple[str, ...], because: str
) -> None:
    """And nothing is entered."""
    opening(incident)
    code, out, err = incident(*words)
    assert (code, out, because in err, "HINT: " in err) == (2, "", True, True)
    assert entries(store) == 1


def test_what_comes_again_is_opened_anew(incident: Incident) -> None:
    """A closed incident stays closed, and the hint says what to do."""
    opening(incident)
    incident("close", "I-1", "--restored", "2026-11-01T12:00Z", "--lessons", "x")
    code, _, err = incident("qualify", "I-1", "--severity", "minor")
    assert (code, "HINT: Has it come again? Open it anew" in err) == (2, True)
    again = ("--began", EARLIER, "--at", EARLIER)
    assert opening(incident, *again)["recurring"] == ["I-1"]


def test_a_responsibility_that_a_step_showed_is_entered(incident: Incident) -> None:
    """A topic, in capitals or not."""
    opening(incident)
    assert "responsibility: DNS" in incident("note", "I-1", "--responsibility", "DNS")[1]


def test_every_verb_answers_programs_alike(incident: Incident) -> None:
    """One object with its format, whatever was entered."""
    opening(incident)
    for words in (
        ("qualify", "I-1", "--severity", "minor"),
        ("call", "I-1"),
        ("inform", "I-1", "--who", "all"),
        ("note", "I-1"),
        ("close", "I-1"),
        ("show", "I-1"),
        ("list",),
    ):
        code, out, _ = incident(*words, "--json")
        payload = json.loads(out)
        assert (code, payload["format"], payload["incident"]) == (0, 1, "I-1"), words


def test_two_at_once_open_one(store: FileRunStore) -> None:
    """Two processes of a supervision that open with one key at the same time."""
    where = ["--state", str(store.state), "--drills", str(store.state.parent)]
    words = ["incident", "open", "down", "--service", "moodle", "--key", "n-42", "--json"]
    command = [sys.executable, "-m", "pradrill", *where, *words]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    payloads = [json.loads(each.communicate()[0]) for each in both]
    assert [each.returncode for each in both] == [0, 0]
    assert {each["incident"] for each in payloads} == {"I-1"}
    assert len(all_incidents(store.register.entries())) == 1
