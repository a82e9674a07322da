"""A system's clock that is set in the middle of a run: nothing is ordered by it, all is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from pradrill.domain.register.findings_of_run import findings_of
from pradrill.domain.run.outcome import PlaybookResult, StepOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Mark
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.clock_steps import ClockWatch, Stretch
from pradrill.engine.crashed_runs import replay
from pradrill.engine.run import run_drill
from pradrill.ports import Play
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.text.summary import summary
from pradrill.testing import (
    FakeClock,
    FakeRunner,
    FakeStore,
    FakeVerification,
    FakeVerifier,
    a_start,
    after,
    fake_tools,
    played,
)

STEPS = [-10_800.0, 86_400.0]


def in_the_restore(seconds: float) -> tuple[RunRecord, FakeStore]:
    """Run a drill in whose restore, half way, somebody sets the clock."""
    clock, store = FakeClock(), FakeStore()

    def restore(_play: Play) -> PlaybookResult:
        before = played(clock, StepOutcome.PASSED)
        clock.step(seconds)
        clock.sleep(30)
        return before.model_copy(update={"ended": clock.wall()})

    runner = FakeRunner(clock, {"restore_moodle": restore})
    tools = fake_tools(clock, runner=runner, store=store)
    return run_drill(a_start(), tools, Cancellation(), disruption=None), store


@pytest.mark.parametrize("seconds", STEPS)
def test_no_mark_is_out_of_order_after_the_clock_was_set(seconds: float) -> None:
    """T0 to T5 follow one another, and each lies in its step."""
    record, store = in_the_restore(seconds)
    marks = [record.recovery.marks[mark].at for mark in Mark if mark in record.recovery.marks]
    assert marks == sorted(marks)
    restore = next(step for step in record.steps if step.name == "restore_moodle")
    restored = record.recovery.marks[Mark.DATA_RESTORED]
    assert restore.started <= restored.earliest <= restored.at <= restore.ended
    assert replay(store.journals[0]) is not None


@pytest.mark.parametrize(
    ("seconds", "severity"),
    [(-10_800.0, Severity.MAJOR), (86_400.0, Severity.MAJOR), (2.0, Severity.MINOR)],
)
def test_a_clock_that_was_set_is_a_finding_and_is_shown(seconds: float, severity: Severity) -> None:
    """One finding, in the record's journal at once, and a line of the summary in both languages."""
    record, _ = in_the_restore(seconds)
    (step,) = record.recovery.clock_steps
    assert step.seconds == seconds
    (finding,) = [each for each in findings_of(record) if each.key == "clock/moodle"]
    assert finding.severity is severity
    assert "The controller's clock was set" in " ".join(summary(record, Path("/x"), None).split())
    with speaking("fr"):
        assert "horloge du contrôleur a été réglée" in summary(record, Path("/x"), None)


def test_what_the_clock_touches_is_known_less_well() -> None:
    """The loss is off by the step either way; the duration only by time that may have stood still.

    So no objective is met by a figure that a step may have flattered.
    """
    still, _ = in_the_restore(0.0)
    back, _ = in_the_restore(-600.0)
    ahead, _ = in_the_restore(600.0)
    assert still.recovery.rpa is not None
    assert still.recovery.rta is not None
    for moved in (back, ahead):
        assert moved.recovery.rpa is not None
        assert moved.recovery.rpa.high == still.recovery.rpa.high + 600
        assert moved.recovery.rpa.low == still.recovery.rpa.low - 600
    assert back.recovery.rta is not None
    assert ahead.recovery.rta is not None
    assert back.recovery.rta.high == still.recovery.rta.high
    assert ahead.recovery.rta.high == still.recovery.rta.high + 600


@pytest.mark.parametrize("seconds", STEPS)
def test_a_clock_that_is_set_during_a_pass_of_checks_makes_t5_its_late_bound(
    seconds: float,
) -> None:
    """What was read of the clock in that pass says no more than that it was in it."""
    clock = FakeClock()
    verification = FakeVerification(clock, seconds=4.0)
    answer = verification.run

    def set_meanwhile(*words: object, **more: object) -> object:
        clock.step(seconds if not verification.requests else 0.0)
        return answer(*words, **more)  # type: ignore[arg-type]

    verification.run = set_meanwhile  # type: ignore[method-assign,assignment]
    tools = fake_tools(clock, verifier=FakeVerifier(verification))
    record = run_drill(a_start(), tools, Cancellation(), disruption=None)
    verified = record.recovery.marks[Mark.SERVICE_VERIFIED]
    checked = next(step for step in record.steps if step.name == "check the service")
    assert verified.at >= record.recovery.marks[Mark.DATA_RESTORED].at
    assert (verified.at - checked.started).total_seconds() == 4.0


def test_drift_is_no_step_and_is_followed() -> None:
    """What NTP corrects by and by moves instants by what it came to, and is no finding."""
    clock = FakeClock()
    watch, during = ClockWatch(clock), Stretch(clock)
    for _ in range(3_600):
        clock.sleep(1)
        clock.step(0.0005)
        assert watch.look() is None
    instant = during.instant(clock.wall())
    assert instant.latest == clock.now()
    assert (instant.latest - instant.earliest).total_seconds() <= 1.81


def test_an_instant_outside_of_its_stretch_is_somewhere_in_it() -> None:
    """A clock that was set there and back leaves no trace but instants that cannot be."""
    clock = FakeClock()
    during = Stretch(clock)
    clock.sleep(10)
    instant = during.instant(after(-7_200))
    assert (instant.earliest, instant.latest) == (after(0), after(10))
