"""What a journal's events add up to."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.event import CheckPass, Event, Reading
from pradrill.domain.run.facts import _CHANGES, Facts
from pradrill.domain.run.host import HostState, SeenHost
from pradrill.domain.run.outcome import CheckOutcome, Phase, StepKind, StepOutcome
from pradrill.domain.run.record import Refusal, RunRecord, RunState
from pradrill.domain.run.run_plan import NotRun, PlannedStep
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import Mark, Skew
from pradrill.testing import (
    HOST,
    START,
    a_check,
    a_drill,
    a_run_plan,
    a_start,
    a_step,
    after,
    measured,
    proven_guards,
)
from pradrill.testing.reasons import texts

Told = list[tuple[Event, dict[str, Any]]]
PLAN = a_run_plan()


def a_mark(mark: Mark, seconds: float) -> tuple[Event, dict[str, Any]]:
    """Return a mark as the journal tells it."""
    return Event.MARK, {"mark": mark, "instant": measured(seconds).model_dump(mode="json")}


def whole() -> Told:
    """Return what a drill that passed tells."""
    told: Told = [a_mark(Mark.DISRUPTION, 0)]
    for number, step in enumerate(PLAN.steps):
        result = a_step(
            phase=step.phase,
            name=step.name,
            kind=step.kind,
            started=after(number),
            ended=after(number + 1),
            seconds=1.0,
        )
        told.append((Event.STEP_STARTED, {"phase": step.phase, "name": step.name}))
        told.append((Event.STEP_ENDED, result.model_dump(mode="json")))
    check_pass = CheckPass(number=1, results=(a_check(),))
    reading = Reading(point=measured(-60), source="newest")
    return [
        *told,
        *((Event.GUARD, guard.model_dump(mode="json")) for guard in proven_guards(PLAN)),
        a_mark(Mark.RECOVERY_STARTS, 1),
        a_mark(Mark.SERVICE_VERIFIED, 9),
        (Event.CHECK_PASS, check_pass.model_dump(mode="json")),
        (Event.STABLE, {}),
        (Event.READING, reading.model_dump(mode="json")),
        (Event.CLOCK, {"seconds": 0.0}),
    ]


def fold(told: Told, **started: Any) -> Facts:
    """Return what the events add up to."""
    facts = Facts(started=a_start(**started), began=START)
    for event, what in told:
        facts = facts.after(event, what)
    return facts


def record(told: Told, **started: Any) -> RunRecord:
    """Return the record of it."""
    return record_of(fold(told, **started), "a-run", after(60), ())


def test_every_event_changes_something_known() -> None:
    """The vocabulary and the fold are one: no event is written that cannot be read."""
    assert set(_CHANGES) == set(Event)


def test_whole_facts_pass() -> None:
    """The events of a drill that passed make a record that passed."""
    sealed = record(whole())
    assert (sealed.verdict, sealed.exit_code, sealed.state) == (
        Verdict.PASSED,
        0,
        RunState.FINISHED,
    )
    assert sealed.environment == a_start().environment


def test_nothing_told_is_no_verdict_but_inconclusive() -> None:
    """A run of which only the start is known proves nothing."""
    sealed = record([])
    assert (sealed.verdict, sealed.exit_code) == (Verdict.INCONCLUSIVE, 12)
    assert [step.key for step in sealed.not_executed] == [step.key for step in PLAN.steps]
    playbooks = [step for step in sealed.not_executed if step.kind is StepKind.PLAYBOOK]
    assert {step.not_run for step in playbooks} == {NotRun.NEVER_PROVEN}


@given(st.sets(st.integers(0, len(whole()) - 1), min_size=1))
def test_a_fact_that_is_missing_never_helps(gone: set[int]) -> None:
    """With any facts of a passing run taken away, PASSED stands only on whole evidence."""
    told = [fact for number, fact in enumerate(whole()) if number not in gone]
    sealed = record(told)
    evidence = {Event.STEP_STARTED, Event.GUARD, Event.MARK, Event.CHECK_PASS, Event.STABLE}
    missing = [whole()[number] for number in gone]
    of_teardown = {step.name for step in PLAN.steps_of(Phase.TEARDOWN)}
    if any(
        event in evidence | {Event.READING}
        and what.get("name") not in of_teardown
        and what.get("mark") is not Mark.RECOVERY_STARTS
        for event, what in missing
    ):
        assert sealed.verdict is Verdict.INCONCLUSIVE


@given(st.integers(0, len(whole())), st.sampled_from(["lost", "signal"]))
def test_a_run_that_did_not_end_by_itself_never_passes(length: int, how: str) -> None:
    """Killed or interrupted at any fact, even after the last, is INCONCLUSIVE and says so."""
    end: Told = [(Event.LOST, {}) if how == "lost" else (Event.SIGNAL, {"signal": 15})]
    sealed = record([*whole()[:length], *end])
    assert sealed.verdict is Verdict.INCONCLUSIVE
    assert sealed.state is (RunState.CRASHED if how == "lost" else RunState.INTERRUPTED)
    assert sealed.exit_code == (12 if how == "lost" else 143)
    assert "killed" in sealed.reasons[0].text or "signal 15" in sealed.reasons[0].text


@given(st.permutations(whole()))
def test_a_record_survives_json(told: Told) -> None:
    """In whatever order facts come, the record that they make can be written and read again."""
    sealed = record(told)
    assert RunRecord.model_validate_json(sealed.model_dump_json()) == sealed


def test_facts_read_back_from_json_fold_the_same() -> None:
    """A fact means the same live, as objects, and replayed, as JSON."""
    state = HostState(listening=("0.0.0.0:22",))
    told: Told = [
        *whole(),
        (Event.SKEW, {"host": HOST, "skew": Skew(seconds=1, within=0.1).model_dump()}),
        (Event.HOST, {"host": HOST, "seen": SeenHost(host_key="SHA256:x").model_dump()}),
        (Event.BASELINE, {"host": HOST, "state": state.model_dump()}),
        (Event.RESIDUE, {"left": ["a mount"]}),
        (Event.REFUSED, {"refusal": Refusal.NOT_READY, "because": ["a reason"]}),
    ]
    replayed: Told = [(Event(str(event)), json.loads(json.dumps(what))) for event, what in told]
    assert fold(replayed) == fold(told)


def test_the_last_answer_of_each_check_counts() -> None:
    """A check asked again replaces its answer; one not asked again keeps it."""
    rows, page = a_check(check="t.py::rows"), a_check(check="t.py::page")
    red = rows.model_copy(update={"outcome": CheckOutcome.FAILED})
    facts = fold(
        [
            (Event.CHECK_PASS, {"number": 1, "results": [red.model_dump(), page.model_dump()]}),
            (Event.CHECK_PASS, {"number": 2, "results": [rows.model_dump()]}),
        ]
    )
    assert facts.of(None).passes == 2
    assert {c.check: c.outcome for c in facts.of(None).checks.values()} == {
        "t.py::rows": CheckOutcome.PASSED,
        "t.py::page": CheckOutcome.PASSED,
    }


def test_one_check_on_two_hosts_is_two_checks() -> None:
    """A failure on one host is not covered up by the same check passing on the other."""
    results = [
        a_check(host="web", outcome=CheckOutcome.FAILED).model_dump(),
        a_check(host="db").model_dump(),
    ]
    told = [*whole(), (Event.CHECK_PASS, {"number": 2, "results": results})]
    assert record(told).verdict is Verdict.FAILED


def test_the_first_signal_is_the_one_recorded() -> None:
    """Impatience changes nothing in the record."""
    facts = fold([(Event.SIGNAL, {"signal": 2}), (Event.SIGNAL, {"signal": 15})])
    assert facts.signal == 2


def test_residue_adds_up() -> None:
    """What several steps left is all told."""
    told: Told = [(Event.RESIDUE, {"left": ["a"]}), (Event.RESIDUE, {"left": ["b", "c"]})]
    assert texts(record([*whole(), *told]).residue) == ("a", "b", "c")
    assert record([*whole(), *told]).exit_code == 13


@pytest.mark.parametrize(
    ("refusal", "signal", "code"),
    [
        (Refusal.BUSY, None, 5),
        (Refusal.NOT_READY, None, 4),
        (Refusal.NOT_READY, 2, 130),
        (Refusal.BUSY, 15, 143),
    ],
)
def test_a_refusal_has_its_own_code(refusal: Refusal, signal: int | None, code: int) -> None:
    """4 and 5 say that nothing was touched; an interruption comes before them."""
    told: Told = [(Event.REFUSED, {"refusal": refusal, "because": ["held"]})]
    told += [(Event.SIGNAL, {"signal": signal})] if signal else []
    sealed = record(told)
    assert (sealed.exit_code, sealed.verdict) == (code, Verdict.INCONCLUSIVE)
    assert texts(sealed.reasons) == ("held",)


@pytest.mark.parametrize("step", PLAN.steps, ids=lambda step: step.name)
def test_touched_means_that_a_playbook_has_begun(step: PlannedStep) -> None:
    """From the first step that can change the standby on, it is torn down; guards only look."""
    facts = fold([(Event.STEP_STARTED, {"phase": step.phase, "name": step.name})])
    assert facts.touched is (step.name in {"prepare", "restore_moodle"})


def test_a_teardown_step_does_not_decide_the_verdict() -> None:
    """The verdict speaks of the recovery; teardown has its own code."""
    failed = a_step(
        phase=Phase.TEARDOWN, name="teardown", outcome=StepOutcome.FAILED, kind=StepKind.PLAYBOOK
    )
    told = [*whole(), (Event.STEP_ENDED, failed.model_dump(mode="json"))]
    assert record(told).verdict is Verdict.PASSED


def test_a_record_says_what_it_does_not_prove() -> None:
    """The limits follow from the drill: a lab machine, a T0 at the launch, an unknown clock."""
    lab = a_run_plan(
        drill=a_drill(
            standby={"vm": "standby"},
            scenario={"name": "fire", "disruption": datetime.fromisoformat("2026-03-10T01:00Z")},
        )
    )
    of_lab, of_launch = record(whole(), plan=lab).limits, record(whole()).limits
    assert any("lab machine" in limit for limit in texts(of_lab))
    assert not any("T0 is the launch" in limit for limit in texts(of_lab))
    assert any("T0 is the launch" in limit for limit in texts(of_launch))
    assert any("primary's clock was not compared" in limit for limit in texts(of_launch))
    skew: Told = [(Event.SKEW, {"host": "primary", "skew": {"seconds": 0, "within": 0.1}})]
    assert not any("primary's clock" in limit for limit in texts(record([*whole(), *skew]).limits))


def test_a_disruption_before_the_launch_is_told_as_one() -> None:
    """When T0 was measured before the launch, the record does not call the launch T0."""
    told = [a_mark(Mark.DECLARED, 2), *whole()]
    (limit,) = (limit for limit in texts(record(told).limits) if "detection" in limit)
    assert limit == "the drill followed the disruption at once: detection and decision took no time"
