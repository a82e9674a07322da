"""A run killed at any step goes on in another process, with fakes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.support.bench import ESTATE_TEARDOWN, EstateBench
from tests.unit.engine.test_crashed_runs import kill_at

from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.event import Event
from pradrill.domain.run.guard import Reach
from pradrill.domain.run.outcome import Phase, StepOutcome
from pradrill.domain.run.record import RunRecord, RunState
from pradrill.domain.run.resumable import Here, obstacle, waits_to_go_on
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import ClockBase, Mark
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Tools
from pradrill.engine.crashed_runs import replay
from pradrill.engine.resuming import Resumer, resume_run
from pradrill.errors import NotReadyError
from pradrill.testing import (
    START,
    FakeClock,
    FakeJournal,
    FakeProbe,
    FakeProgress,
    FakeRunner,
    FakeStore,
    a_run_plan,
    fake_tools,
)

OPEN = dict.fromkeys(a_run_plan().drill.must_not_reach(), Reach.OPEN)
OUTAGE = timedelta(minutes=7)
HERE = Here(START + OUTAGE, "b")
STEPS = [
    "check the preconditions",
    "start the standby",
    "prove the standby's identity",
    "prepare",
    "prove marker and isolation",
    "restore_moodle",
    "check the service",
    "prove isolation again",
    "read the recovery point",
]


def killed(store: FakeStore, step: str) -> FakeJournal:
    """Return a run of repeatable steps that was killed where one had begun."""
    again = {"repeatable": True}
    steps = tuple(each.model_copy(update=again) for each in a_run_plan().steps)
    journal = kill_at(store, step, steps=steps)
    phase = next(each.phase for each in steps if each.name == step)
    for number, (_, _, facts) in enumerate(list(journal.events())):
        if facts.get("phase") == Phase.TEARDOWN:  # which a living process has begun
            del journal._lines[number:]
            break
    beginning = {"phase": phase, "name": step, "service": None}
    journal.append(Event.STEP_STARTED, max(at for _, at, _ in journal.events()), beginning)
    return journal


def resume(
    store: FakeStore, journal: FakeJournal, *, steady: bool = True, **fakes: Any
) -> tuple[RunRecord, FakeRunner]:
    """Go on with a killed run some minutes after its last fact."""
    clock = FakeClock(last_of(journal) + OUTAGE)
    runner = FakeRunner(clock)
    tools = fake_tools(clock, store=store, runner=runner, **fakes)
    return resumed(journal, tools, steady=steady), runner


def resumed(journal: FakeJournal, tools: Tools, *, steady: bool = True) -> RunRecord:
    """Go on with a killed run by given tools."""
    facts = replay(journal)
    assert facts is not None
    resumer = Resumer(
        by="amartin",
        controller="ctl01",
        last=last_of(journal),
        cut_since={},
        steady=steady,
        clock=ClockBase(boot="b", at_boot=START),
        versions={},
    )
    return resume_run(journal, facts, tools, Cancellation(), resumer)


def last_of(journal: FakeJournal) -> datetime:
    """Return when the last fact of a journal was."""
    return max(at for _, at, _ in journal.events())


@pytest.mark.parametrize("step", STEPS)
def test_a_run_killed_at_any_step_goes_on(step: str) -> None:
    """It passes, T0 and T3 stay, what had ended is not done again, and the journal says it all."""
    store = FakeStore()
    journal = killed(store, step)
    before = replay(journal)
    assert before is not None
    assert obstacle(before, journal.run_id, HERE) is None
    assert waits_to_go_on(before, journal.run_id, HERE) == (
        STEPS.index(step) >= STEPS.index("prepare")
    )
    progress = FakeProgress()
    record, runner = resume(store, journal, progress=progress)
    assert (record.state, record.verdict) == (RunState.FINISHED, Verdict.PASSED), record.reasons
    assert progress.before == before.steps
    marks = record.recovery.marks
    assert all(marks[mark] == instant for mark, instant in before.marks.items())
    (resumption,) = record.resumptions
    assert (resumption.by, resumption.seconds) == ("amartin", OUTAGE.total_seconds())
    assert record.recovery.outage in {0.0, OUTAGE.total_seconds()}
    assert (Mark.SERVICE_VERIFIED in before.of(None).marks) == (record.recovery.outage == 0.0)
    ended = {each.name for each in before.steps}
    assert ended.isdisjoint(runner.plays)
    facts = replay(journal)
    assert facts is not None
    assert record_of(facts, record.run_id, record.ended, ()) == record


def test_what_cannot_be_proven_again_leaves_the_run_as_it_was() -> None:
    """A host that is another machine, does not answer, or a clock behind the last fact: nothing."""
    store = FakeStore()
    journal = killed(store, "restore_moodle")
    before = list(journal._lines)
    with pytest.raises(NotReadyError):
        resume(store, journal, probe=FakeProbe(reached=OPEN))
    assert journal._lines == before
    assert store.holders == {}


def test_across_a_restart_the_standbys_clock_says_how_sure_it_is() -> None:
    """The figures widen by it; a run that noted no clock is not resumed across a restart."""
    store = FakeStore()
    journal = killed(store, "restore_moodle")
    record, _ = resume(store, journal, steady=False)
    (resumption,) = record.resumptions
    assert resumption.within > 0
    rta = record.recovery.rta
    assert rta is not None
    assert rta.high - rta.seconds == pytest.approx(resumption.within)
    early = killed(store, "start the standby")
    with pytest.raises(NotReadyError, match="nothing tells how long"):
        resume(store, early, steady=False)


def test_a_run_that_may_not_go_on_says_why() -> None:
    """A cut step that is not repeatable, one that failed, a teardown that has begun."""
    store = FakeStore()
    before = replay(kill_at(store, "restore_moodle"))
    assert before is not None
    beginning = {"phase": "restore", "name": "restore_moodle", "service": None}
    obstacle_found = obstacle(before.after(Event.STEP_STARTED, beginning), "r1", HERE)
    assert obstacle_found is not None
    assert "does not say repeatable: true" in obstacle_found.why
    assert "pradrill teardown r1" in obstacle_found.hint
    facts = replay(killed(store, "check the service"))
    assert facts is not None
    failed = facts.steps[-1].model_copy(update={"outcome": StepOutcome.FAILED})
    wrong = facts.model_copy(update={"steps": (*facts.steps[:-1], failed)})
    torn = facts.after(
        Event.STEP_STARTED, {"phase": "teardown", "name": "teardown", "service": None}
    )
    for each, why in ((wrong, "had ended: failed"), (torn, "its teardown had begun")):
        problem = obstacle(each, "r1", HERE)
        assert problem is not None
        assert why in problem.why


def test_of_an_estate_the_branches_that_are_left_go_on() -> None:
    """What was recovered apart before stays as it was measured; what depends on it is restored."""
    first = EstateBench()
    first.run()
    journal = first.journal
    for number, (event, _, facts) in enumerate(list(journal.events())):
        if event == Event.STEP_STARTED and facts["name"] == "restore_application":
            del journal._lines[number:]
            break
    journal.record = None
    before = replay(journal)
    assert before is not None

    second = EstateBench(store=first.store, clock=FakeClock(last_of(journal) + OUTAGE))
    record = resumed(journal, second.tools)
    assert record.verdict is Verdict.PASSED, record.reasons
    assert second.runner.plays == ["restore_application", *ESTATE_TEARDOWN]
    for service in ("directory", "database"):
        marks = record.services[service].recovery.marks
        assert marks[Mark.SERVICE_VERIFIED] == before.of(service).marks[Mark.SERVICE_VERIFIED]
        assert record.services[service].recovery.outage == 0.0
    assert record.services["application"].recovery.outage == OUTAGE.total_seconds()
