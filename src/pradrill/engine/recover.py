"""What a killed run left behind: found, torn down, and recorded as CRASHED."""

from __future__ import annotations

from collections.abc import Callable

from pradrill.domain.facts import Event, Facts, Started
from pradrill.domain.record import RunRecord
from pradrill.domain.run_plan import RunPlan
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.run import Run, Tools
from pradrill.ports import Journal, RunStore


def recover_crashed(store: RunStore, tools_for: Callable[[RunPlan], Tools]) -> list[RunRecord]:
    """Tear down and record every run whose process is gone; return their records."""
    return [
        record
        for journal in store.crashed()
        if (record := _recover(journal, tools_for)) is not None
    ]


def _recover(journal: Journal, tools_for: Callable[[RunPlan], Tools]) -> RunRecord | None:
    facts = replay(journal)
    if facts is None:  # killed before its first fact was written: nothing was touched
        return None
    tools = tools_for(facts.plan)
    run = Run(journal, facts, tools, Cancellation())
    with tools.store.hold(facts.plan.standby_key, journal.run_id):
        run.note(Event.LOST)
        run.reconnect()
        run.tear_down()
    return run.seal()


def replay(journal: Journal) -> Facts | None:
    """Fold a journal into the facts that it tells; None when it does not even say what began."""
    facts: Facts | None = None
    for name, at, told in journal.events():
        event = Event(name)
        if event is Event.STARTED:
            facts = Facts(started=Started.model_validate(told), began=at)
        elif facts is not None:
            facts = facts.after(event, told)
    return facts
