"""A teardown that does not reach its host is tried again; a sealed run's is repeated."""

from __future__ import annotations

import pytest

from pradrill.domain.run.outcome import PlaybookResult, StepOutcome
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.repeated_teardown import repeat_teardown
from pradrill.engine.run import run_drill
from pradrill.errors import UnreachableError, UsageError
from pradrill.ports import Play
from pradrill.testing import (
    FakeClock,
    FakeProbe,
    FakeRunner,
    FakeStandby,
    FakeStore,
    a_start,
    fake_tools,
    played,
)


class Away:
    """A host that a teardown does not reach the first few times."""

    def __init__(self, clock: FakeClock, times: int) -> None:
        self.tried = 0
        self._clock = clock
        self._times = times

    def __call__(self, _play: Play) -> PlaybookResult:
        """Be away, or torn down."""
        self.tried += 1
        if self.tried > self._times:
            return played(self._clock, StepOutcome.PASSED, seconds=1)
        if self.tried % 2:
            raise UnreachableError("it does not answer")
        return played(self._clock, StepOutcome.UNREACHABLE, seconds=1)


@pytest.mark.parametrize(("away", "left"), [(2, False), (99, True)])
def test_a_teardown_that_does_not_reach_its_host_is_tried_again(away: int, left: bool) -> None:
    """It is tried each time later, within its deadline and not for ever."""
    clock = FakeClock()
    host = Away(clock, away)
    tools = fake_tools(clock, runner=FakeRunner(clock, {"teardown": host}))
    record = run_drill(a_start(), tools, Cancellation(), disruption=None)
    assert bool(record.residue) is left
    assert 3 <= host.tried <= 6
    step = next(step for step in record.steps if "teardown" in step.name)
    assert step.deadline is not None
    assert step.seconds <= step.deadline + 60  # the fake's own minute


@pytest.mark.parametrize(("times", "left"), [(1, False), (9, True)])
def test_a_teardown_of_which_nothing_is_known_is_tried_once_more(times: int, left: bool) -> None:
    """As when its Ansible is ended by kill -9; more than once more would be of no use."""
    clock = FakeClock()
    tried: list[Play] = []

    def lost(play: Play) -> PlaybookResult:
        tried.append(play)
        is_lost = len(tried) <= times
        return played(clock, StepOutcome.UNKNOWN if is_lost else StepOutcome.PASSED, seconds=1)

    tools = fake_tools(clock, runner=FakeRunner(clock, {"teardown": lost}))
    record = run_drill(a_start(), tools, Cancellation(), disruption=None)
    assert bool(record.residue) is left
    assert len(tried) == 2


def test_a_failed_teardown_is_not_tried_again() -> None:
    """What was carried out and failed would fail once more."""
    clock = FakeClock()
    runner = FakeRunner(clock, {"teardown": StepOutcome.FAILED})
    run_drill(a_start(), fake_tools(clock, runner=runner), Cancellation(), disruption=None)
    assert runner.plays.count("teardown") == 1


def test_a_repeated_teardown_proves_its_standby_anew_and_tells_what_is_left() -> None:
    """The run's record and journal stay as they are."""
    clock, store = FakeClock(), FakeStore()
    runner = FakeRunner(clock, {"teardown": StepOutcome.FAILED})
    tools = fake_tools(clock, runner=runner, store=store)
    run_drill(a_start(), tools, Cancellation(), disruption=None)
    (journal,) = store.journals
    before = list(journal.events())
    standby, again = FakeStandby(), FakeRunner(clock)
    assert repeat_teardown(journal, tools._replace(standby=standby, runner=again)) == ()
    assert again.plays == ["teardown"]
    assert standby.calls == ["start", "stop"]
    assert list(journal.events()) == before
    silent = FakeProbe()
    silent.unreachable = True
    untouched = FakeRunner(clock)
    left = repeat_teardown(journal, tools._replace(probe=silent, runner=untouched))
    assert any("not torn down" in each for each in left), left
    assert untouched.plays == []


def test_a_run_that_changed_nothing_has_no_teardown_to_repeat() -> None:
    """It is refused before anything is reached."""
    clock, store = FakeClock(), FakeStore()
    tools = fake_tools(clock, standby=FakeStandby(problems=["no key"]), store=store)
    run_drill(a_start(), tools, Cancellation(), disruption=None)
    standby = FakeStandby()
    with pytest.raises(UsageError, match="changed nothing"):
        repeat_teardown(store.journals[0], tools._replace(standby=standby))
    assert standby.calls == []
