"""`pradrill incident`: what is entered, what is refused, what is printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pradrill.cli import main
from pradrill.domain.register.entry import EntryKind
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
