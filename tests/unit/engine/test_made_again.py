"""A run on a machine that was made for it goes on in another process, or says why it does not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.support.bench import Bench
from tests.support.killed import Killed
from tests.unit.engine.test_machines import RUN, bench
from tests.unit.engine.test_resuming import OUTAGE, last_of, resumed

from pradrill.domain.run.event import Event
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.machine import expiry, tag_of
from pradrill.domain.run.outcome import Phase
from pradrill.domain.run.record import RunState
from pradrill.domain.run.resumable import Here, obstacle, waits_to_go_on
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import ClockBase
from pradrill.engine.crashed_runs import replay
from pradrill.errors import NotReadyError
from pradrill.testing import FakeClock, FakeJournal, FakeProbe, FakeProgress, FakeStore
from pradrill.testing.builders import START
from pradrill.testing.fake_machines import (
    FakeCloud,
    FakeSeeds,
    a_made_machine,
    a_provisioned_plan,
)

HERE = Here(START + OUTAGE, "b")


def plan() -> RunPlan:
    """Return a drill whose steps may be taken again."""
    whole = a_provisioned_plan()
    steps = tuple(each.model_copy(update={"repeatable": True}) for each in whole.steps)
    return whole.model_copy(update={"steps": steps})


def killed(step: str = "restore_moodle") -> tuple[FakeStore, FakeJournal, Facts]:
    """Return a run that was killed where a step had begun."""

    def kill(name: str) -> None:
        if name == step:
            raise Killed

    drill, _ = bench(plan=plan(), progress=FakeProgress(kill))
    with pytest.raises(Killed):
        drill.run()
    journal = drill.journal
    events = list(journal.events())
    torn = next(n for n, (_, _, facts) in enumerate(events) if facts.get("phase") == Phase.TEARDOWN)
    del journal._lines[torn:]  # which a killed process has not begun
    phase = next(each.phase for each in plan().steps if each.name == step)
    beginning = {"phase": phase, "name": step, "service": None}
    journal.append(Event.STEP_STARTED, last_of(journal), beginning)
    facts = replay(journal)
    assert facts is not None
    clock = ClockBase(boot="b", at_boot=START)
    started = facts.started.model_copy(update={"clock": clock})
    return drill.store, journal, facts.model_copy(update={"started": started})


def other_process(journal: FakeJournal, store: FakeStore, **fakes: Any) -> tuple[Bench, FakeCloud]:
    """Return another process, some minutes later, and the machine of the one before."""
    clock = FakeClock(last_of(journal) + OUTAGE)
    cloud = FakeCloud(clock)
    cloud.machines = {"ours": tag_of(RUN)}
    seeds = FakeSeeds()
    usual = {"probe": FakeProbe(facts=a_made_machine(RUN)), "standby": seeds, "seeds": seeds}
    bench_fakes = {**usual, "hypervisors": FakeSeeds(), **fakes}
    return Bench(cloud.playbooks, clock=clock, store=store, plan=plan(), **bench_fakes), cloud


def test_a_killed_run_goes_on_on_the_machine_that_was_made_for_it() -> None:
    """Found by its tag, spoken to by the keys it was given; nothing is made again, and it goes."""
    store, journal, facts = killed()
    assert obstacle(facts, RUN, HERE) is None
    assert waits_to_go_on(facts, RUN, HERE)
    second, cloud = other_process(journal, store)
    record = resumed(journal, second.tools)
    assert (record.state, record.verdict) == (RunState.FINISHED, Verdict.PASSED), record.reasons
    assert second.runner.plays == ["listing", "restore_moodle", "destroy", "listing"]
    assert cloud.machines == {}
    assert record.recovery.outage >= OUTAGE.total_seconds()


def test_what_is_not_the_machine_of_before_leaves_the_run_as_it_was() -> None:
    """No keys any more, no machine of that tag, another machine: nothing is written, keys stay."""
    store, journal, _ = killed()
    before = list(journal._lines)
    forgetful = FakeSeeds()
    forgetful.keys = None
    another = FakeProbe(facts=a_made_machine("another-run"))
    for fakes, why in (
        ({"seeds": forgetful, "standby": forgetful}, "are gone"),
        ({"probe": another}, "marker"),
    ):
        second, _ = other_process(journal, store, **fakes)
        with pytest.raises(NotReadyError, match=why):
            resumed(journal, second.tools)
    second, cloud = other_process(journal, store)
    cloud.machines = {"theirs": "pradrill-0123456789ab"}
    with pytest.raises(
        NotReadyError, match=f"no machine carries the run's tag any more: {tag_of(RUN)}"
    ):
        resumed(journal, second.tools)
    assert (journal._lines, store.holders) == (before, {})


def test_a_run_that_was_cut_while_its_machine_was_made_does_not_go_on() -> None:
    """Neither does one whose keys a restart took along, or whose machine another may end by now."""
    _, _, facts = killed("provision the standby")
    problem = obstacle(facts, RUN, HERE)
    assert problem is not None
    assert problem.why == "its machines were being made"

    _, _, facts = killed()
    over = expiry(facts.began, (step.deadline for step in facts.plan.steps))
    late = Here(over - timedelta(minutes=1), "b")
    for here, why in ((late, "its machines are over at"), (Here(HERE.now, "c"), "was restarted")):
        problem = obstacle(facts, RUN, here)
        assert problem is not None
        assert why in problem.why
        assert not waits_to_go_on(facts, RUN, here)
