"""Repeat the teardown of a sealed run: what it left is removed, its record stays as it is."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pradrill.domain.run.event import Event
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import FileHash
from pradrill.domain.values.run_names import folder_prefix
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Context, Tools
from pradrill.engine.crashed_runs import replay
from pradrill.engine.run import Run
from pradrill.engine.standby_lock import hold_standby
from pradrill.errors import UsageError
from pradrill.ports import Journal
from pradrill.system import scratch


class Unkept:
    """Facts that go into no run: what is to be kept of them becomes an entry of the register."""

    def __init__(self, run_id: str, folder: Path) -> None:
        self.run_id = run_id
        self.folder = folder

    def append(self, event: str, at: datetime, facts: Mapping[str, Any]) -> None:
        """Keep nothing."""

    def events(self) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
        """Return nothing: none was kept."""
        return iter(())

    def evidence(self) -> tuple[FileHash, ...]:
        """Return nothing: it goes with the command."""
        return ()

    def seal(self, record: RunRecord) -> None:
        """Leave the run's record as it is."""

    def close(self) -> None:
        """Let go of nothing."""


def repeat_teardown(journal: Journal, tools: Tools) -> tuple[str, ...]:
    """Tear a sealed run down as after a crash; return what is left, or why that is not known.

    Identity, marker and lease are proven anew. Raises BusyError, and UsageError for a run that
    has changed nothing.
    """
    facts = replay(journal)
    if facts is None or not (facts.has_effects or facts.provisioned):
        raise UsageError(
            f"the run {journal.run_id} has changed nothing on its standby",
            hint="Name a run that has: pradrill runs.",
        )

    with tempfile.TemporaryDirectory(
        prefix=folder_prefix(journal.run_id), dir=scratch.base(), ignore_cleanup_errors=True
    ) as folder:
        unkept = Unkept(journal.run_id, Path(folder))
        with hold_standby(tools.store, facts.plan, journal.run_id):
            run = Run(Context(unkept, past(facts), tools, Cancellation()))
            run.reconnect()
            run.tear_down()

        return tuple(each.text for each in run.context.facts.residue)


def past(facts: Facts) -> Facts:
    """Return a run's facts without what is only true of its own time.

    Its proofs are gone, and of other processes on the standby nobody knows since when they run.
    """
    baseline = {
        host: state.model_copy(update={"uptime": None}) for host, state in facts.baseline.items()
    }
    nothing = {"residue": (), "unseen": (), "erased": (), "ended": None}
    past = facts.model_copy(update={"baseline": baseline, **nothing})
    return past.after(Event.LOST, {})
