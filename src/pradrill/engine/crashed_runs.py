"""Find what a killed run left behind, tear it down, and record the run as CRASHED."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.event import Event
from pradrill.domain.run.facts import Facts, fold
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Context, Tools
from pradrill.engine.run import Run, seal
from pradrill.engine.standby_lock import hold_standby
from pradrill.errors import UNREADABLE, PradrillError, RecordError
from pradrill.ports import Journal, RunStore


class Recovered(NamedTuple):
    """What became of the crashed runs."""

    records: list[RunRecord]
    left: dict[str, PradrillError]
    """Run id → why it could not be torn down now; it is found again next time."""


def recover_crashed(
    store: RunStore, tools_for: Callable[[RunPlan], Tools], spare: Collection[str] = ()
) -> Recovered:
    """Tear down and record every run whose process is gone, whatever becomes of the others.

    Those to `spare` are left as they are. One that had come to its end is recorded as it ended.
    """
    recovered = Recovered([], {})
    for journal in store.crashed(spare):
        try:
            record = _recover(journal, tools_for)
        except PradrillError as error:
            recovered.left[journal.run_id] = error
        else:
            recovered.records.extend([record] if record is not None else [])
        finally:
            journal.close()

    return recovered


def _recover(journal: Journal, tools_for: Callable[[RunPlan], Tools]) -> RunRecord | None:
    facts = replay(journal)
    if facts is None:  # killed before its first fact was written: nothing was touched
        return None
    if facts.ended is not None:  # killed just before its record: nothing else is left to do
        return seal(journal, facts)

    tools = tools_for(facts.plan)
    with hold_standby(tools.store, facts.plan, journal.run_id):
        run = Run(Context(journal, facts, tools, Cancellation()))
        run.context.note(Event.LOST)
        tools.progress.begin(journal.run_id, facts.plan, facts.steps)
        run.reconnect()
        run.tear_down()

    return run.seal()


def replay(journal: Journal) -> Facts | None:
    """Fold a journal into the facts that it tells; None when it does not even say what began.

    Raises RecordError for facts that this version does not understand, and for those that no
    record can be made of: its standby would be torn down for it by every command.
    """
    try:
        facts = fold(journal.events())
        if facts is not None:
            record_of(facts, journal.run_id, facts.began, ())
    except UNREADABLE as error:
        raise RecordError(
            f"the journal of run {journal.run_id} cannot be understood",
            hint="It was damaged or written by another version; look at its standby yourself.",
        ) from error

    return facts
