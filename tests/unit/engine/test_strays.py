"""What is looked at, and when: processes of the run on its standby."""

from __future__ import annotations

from pradrill.domain.run.outcome import StepKind, StepOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.scope import Stray, Strays
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.run import run_drill
from pradrill.testing import FakeClock, FakeProbe, FakeRunner, a_start, fake_tools
from pradrill.testing.reasons import texts

DAEMON = Stray(pid=4711, name="sleep", start=99)
OTHER = Stray(pid=4712, name="nc", start=100)


def drilled(*strays: Strays, restore: StepOutcome = StepOutcome.PASSED) -> RunRecord:
    """Return the record of a drill on whose standby these are found, one look after another."""
    clock = FakeClock()
    runner = FakeRunner(clock, {"restore_moodle": restore})
    tools = fake_tools(clock, probe=FakeProbe(strays=strays), runner=runner)
    return run_drill(a_start(), tools, Cancellation(), disruption=None)


def waited(record: RunRecord) -> float:
    """Return how long the look for residue took."""
    return next(step.seconds for step in record.steps if step.kind is StepKind.RESIDUE)


def test_a_quiet_drill_looks_once() -> None:
    """Where nothing was cut and nothing goes on, nobody waits for a second look."""
    assert waited(drilled()) == 0


def test_a_cut_restore_is_looked_at_twice() -> None:
    """Nothing is seen at first: what was given up may still show itself."""
    record = drilled(Strays(), Strays(ours=(DAEMON,)), restore=StepOutcome.TIMED_OUT)
    assert waited(record) >= 3
    assert any(
        "sleep (4711) of this run still ran, and was ended" in x for x in texts(record.residue)
    )


def test_what_was_ended_and_what_stays_is_told() -> None:
    """Ended is residue, too; what is new and the run's by no mark counts when it stays."""
    first = Strays(ours=(DAEMON,), others=(OTHER, OTHER.model_copy(update={"pid": 5})))
    record = drilled(first, Strays(others=(OTHER,)))
    lines = [each.partition(": ")[2] for each in texts(record.residue)]
    assert lines == [
        "process sleep (4711) of this run still ran, and was ended",
        "process nc (4712) was not there before",
    ]
    assert waited(record) >= 3


def test_what_cannot_be_ended_is_told_so() -> None:
    """As another user's process, where sudo asks for a password."""
    stays = Strays(ours=(DAEMON,), stayed=(DAEMON,))
    assert any("could not be ended" in each for each in texts(drilled(stays, stays).residue))
