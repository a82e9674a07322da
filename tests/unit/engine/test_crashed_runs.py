"""Runs that were killed: torn down, recorded as CRASHED, and none of them in another's way."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.killed import Killed

from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.event import Event
from pradrill.domain.run.outcome import StepOutcome
from pradrill.domain.run.record import RunState
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.run.verdict import Verdict
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Tools
from pradrill.engine.crashed_runs import Recovered, recover_crashed, replay
from pradrill.engine.run import run_drill
from pradrill.errors import BusyError, ConfigurationError, PradrillError, RecordError
from pradrill.testing import (
    FakeClock,
    FakeJournal,
    FakeProgress,
    FakeRunner,
    FakeStandby,
    FakeStore,
    a_drill,
    a_run_plan,
    a_start,
    fake_tools,
)
from pradrill.testing.reasons import texts


def kill_at(store: FakeStore, step: str, **plan: Any) -> FakeJournal:
    """Run a drill up to where a step has begun; its process is gone, its journal as it was."""

    def kill(name: str) -> None:
        if name == step:
            raise Killed

    before = len(store.journals)
    tools = fake_tools(store=store, progress=FakeProgress(kill))
    with pytest.raises(Killed):
        run_drill(a_start(plan=a_run_plan(**plan)), tools, Cancellation(), disruption=None)
    journal = store.journals[before]
    events = list(journal.events())
    # the finally of a living process has torn the run down: a killed one's journal ends before
    names = [(event, facts.get("name")) for event, _, facts in events]
    cut = names.index((Event.STEP_STARTED, _next(step))) if _next(step) else len(events)
    del journal._lines[cut:]
    journal.close()
    return journal


def _next(step: str) -> str | None:
    """Return the first step that the teardown of a living process would have begun."""
    steps = [planned.name for planned in a_run_plan().steps]
    touched = steps.index(step) > steps.index("prepare")
    return "teardown" if touched else "release the standby"


class Sweeper:
    """Recovers crashed runs with fakes, which it keeps."""

    def __init__(self, store: FakeStore, does: dict[str, Any] | None = None, **fakes: Any) -> None:
        self.store = store
        self.does = does
        self.fakes = fakes
        self.plays: list[list[str]] = []
        self.runners: list[FakeRunner] = []
        self.standbys: list[FakeStandby] = []

    def tools_for(self, plan: RunPlan) -> Tools:
        """Return fresh fakes."""
        del plan
        clock = FakeClock()
        self.runners.append(FakeRunner(clock, self.does))
        self.standbys.append(self.fakes.get("standby") or FakeStandby())
        return fake_tools(
            clock, store=self.store, runner=self.runners[-1], standby=self.standbys[-1]
        )

    def sweep(self, tools_for: Callable[[RunPlan], Tools] | None = None) -> Recovered:
        """Recover what can be."""
        return recover_crashed(self.store, tools_for or self.tools_for)


@pytest.mark.parametrize(
    "step", ["prove marker and isolation", "restore_moodle", "check the service"]
)
def test_a_killed_run_is_torn_down_and_recorded(step: str) -> None:
    """What a run killed after prepare had touched is put back, and it is CRASHED, exit 12."""
    store = FakeStore()
    journal = kill_at(store, step)
    sweeper = Sweeper(store)
    recovered = sweeper.sweep()
    assert recovered.left == {}
    (record,) = recovered.records
    assert record == journal.record
    assert (record.state, record.verdict) == (RunState.CRASHED, Verdict.INCONCLUSIVE)
    assert record.exit_code == 12
    assert sweeper.runners[0].plays == ["teardown"]
    assert sweeper.runners[0].reaped == [journal.run_id]
    assert sweeper.standbys[0].calls == ["start", "stop"]
    assert record.residue == ()


def test_a_run_killed_before_prepare_has_nothing_to_put_back() -> None:
    """An untouched standby is released and not played at."""
    store = FakeStore()
    kill_at(store, "prove the standby's identity")
    sweeper = Sweeper(store)
    (record,) = sweeper.sweep().records
    assert record.state is RunState.CRASHED
    assert sweeper.runners[0].plays == []
    assert sweeper.standbys[0].calls == ["stop"]


def test_a_recovered_run_is_not_found_again() -> None:
    """Once recorded it is history."""
    store = FakeStore()
    kill_at(store, "restore_moodle")
    Sweeper(store).sweep()
    assert Sweeper(store).sweep() == Recovered([], {})


def test_a_recovered_record_is_what_its_journal_says() -> None:
    """The crashed run's record can be made again from its journal, like a live one's."""
    store = FakeStore()
    journal = kill_at(store, "restore_moodle")
    (record,) = Sweeper(store).sweep().records
    facts = replay(journal)
    assert facts is not None
    assert record_of(facts, record.run_id, record.ended, ()) == record


def test_a_teardown_that_does_not_pass_is_recorded() -> None:
    """The standby of a killed run that could not be put back is told as residue."""
    store = FakeStore()
    kill_at(store, "restore_moodle")
    (record,) = Sweeper(store, {"teardown": StepOutcome.UNREACHABLE}).sweep().records
    assert any("teardown ended unreachable" in left for left in texts(record.residue))


def test_a_standby_that_cannot_be_reached_is_recorded() -> None:
    """Not being able to connect for the teardown is residue, not silence."""
    store = FakeStore()
    kill_at(store, "restore_moodle")
    standby = FakeStandby(fails=PradrillError("no host key is pinned"))
    (record,) = Sweeper(store, standby=standby).sweep().records
    assert any("was not torn down" in left for left in texts(record.residue))
    assert standby.calls[-1] == "stop"


def test_a_standby_whose_state_before_is_unknown_is_not_believed() -> None:
    """Without a baseline in the journal, nothing can be said of what is left."""
    store = FakeStore()
    journal = kill_at(store, "restore_moodle")
    journal._lines[:] = [line for line in journal._lines if '"baseline"' not in line]
    (record,) = Sweeper(store).sweep().records
    assert any("its state before is not known" in left for left in texts(record.residue))


def test_one_busy_standby_does_not_stop_the_others() -> None:
    """A crashed run whose standby is held is left for later; the next one is torn down now."""
    store = FakeStore()
    busy = kill_at(store, "restore_moodle", standby_key="held")
    free = kill_at(store, "restore_moodle", standby_key="free")
    store.holders["held"] = "a run that is under way"
    sweeper = Sweeper(store)
    recovered = sweeper.sweep()
    assert [record.run_id for record in recovered.records] == [free.run_id]
    assert isinstance(recovered.left[busy.run_id], BusyError)
    assert sum(len(runner.plays) for runner in sweeper.runners) == 1
    del store.holders["held"]
    assert [record.run_id for record in sweeper.sweep().records] == [busy.run_id]


def test_one_run_without_its_tools_does_not_stop_the_others() -> None:
    """An inventory that was removed since concerns its own run only."""
    store = FakeStore()
    unusable = kill_at(store, "restore_moodle", drill=a_drill(drill="gone"))
    kill_at(store, "restore_moodle")
    sweeper = Sweeper(store)

    def tools_for(plan: RunPlan) -> Tools:
        if plan.drill.drill == "gone":
            raise ConfigurationError("the inventory does not exist")
        return sweeper.tools_for(plan)

    recovered = sweeper.sweep(tools_for)
    assert len(recovered.records) == 1
    assert list(recovered.left) == [unusable.run_id]


@pytest.mark.parametrize(
    "damage",
    [
        '["an_event_of_tomorrow", "2026-03-10T02:00:00+00:00", {}]',
        '["mark", "2026-03-10T02:00:00+00:00", {"mark": "T9"}]',
        '["step_started", "2026-03-10T02:00:00+00:00", {}]',
        '["run_started", "2026-03-10T02:00:00+00:00", {"plan": 3}]',
    ],
)
def test_one_journal_that_is_not_understood_does_not_stop_the_others(damage: str) -> None:
    """A journal damaged, or of another version, is told and the other runs are torn down."""
    store = FakeStore()
    damaged = kill_at(store, "restore_moodle")
    damaged._lines.append(damage)
    kill_at(store, "restore_moodle")
    recovered = Sweeper(store).sweep()
    assert len(recovered.records) == 1
    assert isinstance(recovered.left[damaged.run_id], RecordError)
    assert recovered.left[damaged.run_id].hint


def test_a_full_disk_does_not_keep_a_standby_from_being_put_back() -> None:
    """The teardown is done, the record is not written, and the run is found again."""
    store = FakeStore()
    journal = kill_at(store, "restore_moodle")
    journal._room = len(journal._lines)
    sweeper = Sweeper(store)
    recovered = sweeper.sweep()
    assert sweeper.runners[0].plays == ["teardown"]
    assert isinstance(recovered.left[journal.run_id], RecordError)
    assert store.crashed() == [journal]


def test_a_run_killed_before_its_first_fact_stops_nothing() -> None:
    """A folder without a fact names no standby: there is nothing to tear down."""
    store = FakeStore()
    store.open("moodle", FakeClock().now()).close()
    assert Sweeper(store).sweep() == Recovered([], {})
