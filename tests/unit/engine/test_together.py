"""Restore steps that run side by side, on fakes: what one's end does to the others."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from tests.support.bench import Bench
from tests.unit.engine.test_resuming import resumed

from pradrill.domain.run.event import Event
from pradrill.domain.run.outcome import Phase, StepOutcome, StepResult
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.resumable import Here, obstacle
from pradrill.domain.run.run_plan import PlannedStep, RunPlan, in_turn
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import Mark
from pradrill.engine.crashed_runs import replay
from pradrill.ports import Play
from pradrill.testing import FakeClock, FakeRunner, a_run_plan, fake_tools, played

SOON = 5.0  # seconds in which a thread that runs beside another one must have come along
NAMES = ("restore_files", "restore_database")


def together_plan(*, after: bool = False) -> RunPlan:
    """Return the Moodle drill with two restores side by side, and one after them."""
    steps: list[PlannedStep] = []
    for step in a_run_plan().steps:
        if step.phase is not Phase.RESTORE:
            steps.append(step)
            continue
        for name in (*NAMES, *(["restore_last"] if after else [])):
            changes: dict[str, Any] = {
                "name": name,
                "playbook": step.playbook.with_name(f"{name}.yml"),  # type: ignore[attr-defined]
                "together": "data" if name in NAMES else None,
                "repeatable": True,
            }
            steps.append(step.model_copy(update=changes))
    return a_run_plan(steps=tuple(steps))


def restores(record: RunRecord) -> dict[str, StepResult]:
    """Return what became of each restore."""
    return {step.name: step for step in record.steps if step.phase is Phase.RESTORE}


def beside(clock: FakeClock, *ends: StepOutcome) -> dict[str, Callable[[Play], Any]]:
    """Return two restores that each wait for the other to have begun."""
    both = Barrier(2, timeout=SOON)

    def restore(outcome: StepOutcome) -> Callable[[Play], Any]:
        def play(_play: Play) -> Any:
            both.wait()
            return played(clock, outcome)

        return play

    return {name: restore(end) for name, end in zip(NAMES, ends, strict=True)}


def test_steps_together_run_side_by_side_and_the_last_end_is_t4() -> None:
    """Each waits for the other's play; what comes after begins once both have passed."""
    clock = FakeClock()
    does = beside(clock, StepOutcome.PASSED, StepOutcome.PASSED)
    record = Bench(does, plan=together_plan(after=True), clock=clock).run()
    assert record.verdict is Verdict.PASSED
    steps = restores(record)
    first, second, last = (steps[name] for name in (*NAMES, "restore_last"))
    assert first.started < second.ended
    assert second.started < first.ended
    assert max(first.ended, second.ended) <= last.started
    assert record.recovery.marks[Mark.DATA_RESTORED].at == last.work_ended


class _Halted(FakeRunner):
    """A runner whose restore of files goes on until it is ended from outside."""

    def run(self, play: Play, **words: Any) -> Any:
        """Wait for the end that comes because of the other one."""
        if play.playbook.stem != "restore_files":
            return super().run(play, **words)
        self.plays.append(play.playbook.stem)
        for _ in range(5_000):
            if words["cancelled"]():
                return played(self._clock, StepOutcome.CANCELLED)
            time.sleep(0.001)
        raise AssertionError("it was never ended")


def halted(outcome: StepOutcome, *, before: Callable[[Bench], None] | None = None) -> RunRecord:
    """Run a drill whose restore of the database ends so, while that of the files goes on."""
    clock = FakeClock()
    bench = Bench(plan=together_plan(after=True), clock=clock)

    def restore(_play: Play) -> Any:
        if before is not None:
            before(bench)
        return played(clock, outcome)

    runner = _Halted(clock, {"restore_database": restore})
    bench.runner = runner
    bench.tools = bench.tools._replace(runner=runner)
    return bench.run()


@pytest.mark.parametrize("outcome", [StepOutcome.FAILED, StepOutcome.TIMED_OUT])
def test_one_that_does_not_pass_ends_the_others(outcome: StepOutcome) -> None:
    """Each outcome is stated, the cause by its name; what comes after them is not begun."""
    record = halted(outcome)
    steps = restores(record)
    assert {name: step.outcome for name, step in steps.items()} == {
        "restore_files": StepOutcome.CANCELLED,
        "restore_database": outcome,
    }
    why = 'ended, because "restore_database" beside it did not pass'
    assert steps["restore_files"].detail.text == why
    assert record.verdict is Verdict.FAILED
    assert Mark.DATA_RESTORED not in record.recovery.marks
    assert "restore_last" in {step.name for step in record.not_executed}


def test_a_signal_is_not_told_as_the_other_steps_fault() -> None:
    """Ctrl-C ends both: neither is said to have ended the other."""

    def interrupt(bench: Bench) -> None:
        bench.cancellation.stop(signal.SIGINT)

    record = halted(StepOutcome.CANCELLED, before=interrupt)
    assert record.exit_code == 130
    details = {step.detail.text for step in restores(record).values()}
    assert not [each for each in details if "beside" in each], details


def test_a_run_killed_in_both_resumes_what_has_not_ended() -> None:
    """Of two that run, one had ended: the other is taken again, alone."""
    clock = FakeClock()
    bench = Bench(plan=together_plan(), clock=clock)
    bench.run()
    journal = bench.journal
    cut = next(
        number
        for number, (event, _, facts) in enumerate(journal.events())
        if event == Event.STEP_ENDED and facts["name"] in NAMES
    )
    ended = list(journal.events())[cut][2]["name"]
    (other,) = set(NAMES) - {ended}
    lines = list(journal.events())
    del journal._lines[cut + 1 :]
    beginnings = {
        facts["name"] for event, _, facts in journal.events() if event == Event.STEP_STARTED
    }
    if other not in beginnings:
        beginning = {"phase": Phase.RESTORE, "name": other, "service": None}
        journal.append(Event.STEP_STARTED, lines[cut][1], beginning)
    facts = replay(journal)
    assert facts is not None
    assert obstacle(facts, journal.run_id, Here(facts.began, "")) is None
    assert [step.name for step in facts.cut()] == [other]
    later = FakeClock(lines[cut][1] + timedelta(minutes=7))
    runner = FakeRunner(later)
    record = resumed(journal, fake_tools(later, store=bench.store, runner=runner))
    assert record.verdict is Verdict.PASSED, record.reasons
    assert runner.plays[0] == other
    assert ended not in runner.plays


def test_steps_together_that_have_all_ended_are_not_taken_again() -> None:
    """A run killed after them goes on with what comes next."""
    bench = Bench(plan=together_plan())
    bench.run()
    journal = bench.journal
    lines = list(journal.events())
    cut = max(
        number
        for number, (event, _, facts) in enumerate(lines)
        if event == Event.STEP_ENDED and facts["name"] in NAMES
    )
    del journal._lines[cut + 1 :]
    later = FakeClock(lines[cut][1] + timedelta(minutes=7))
    runner = FakeRunner(later)
    record = resumed(journal, fake_tools(later, store=bench.store, runner=runner))
    assert record.verdict is Verdict.PASSED, record.reasons
    assert runner.plays == ["teardown"]


def test_the_longest_of_steps_together_counts() -> None:
    """A run takes at most the longest of them, and then those that come after."""
    plan = together_plan()
    deadlines = {step.name: step.deadline for step in plan.steps}
    turns = [[step.name for step in turn] for turn in in_turn(plan.steps_of(Phase.RESTORE))]
    assert turns == [list(NAMES)]
    assert (
        a_run_plan().longest
        == plan.longest
        == sum((each for name, each in deadlines.items() if name != NAMES[0]), timedelta())
    )
