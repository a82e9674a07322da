"""Say how a run whose process died can end: it goes on, or is torn down."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.questions.files import FilePeople
from pradrill.domain.run.facts import fold
from pradrill.domain.run.resumable import Here, obstacle
from pradrill.errors import UNREADABLE, RecordError
from pradrill.register.runs.store import FileRunStore
from pradrill.system.ownership import boot


def here() -> Here:
    """Return when and where a killed run would go on."""
    return Here(SteadyClock().now(), boot())


class Prospect(NamedTuple):
    """Whether `pradrill resume` may be tried of a killed run: nothing in it forbids that."""

    may_go_on: bool
    lasts: bool
    """It is so until the run's files are others, whatever the time and the boot."""


def prospect(store: FileRunStore, run_id: str) -> Prospect:
    """Return whether a killed run may go on."""
    with suppress(RecordError, *UNREADABLE):
        facts = fold(store.journal(run_id).events())
        if facts is None or FilePeople().aborted(store.runs / run_id) is not None:
            return Prospect(may_go_on=False, lasts=True)
        goes_on = facts.ended is not None or obstacle(facts, run_id, here()) is None
        return Prospect(goes_on, lasts=not goes_on or not facts.provisioned)
    return Prospect(may_go_on=False, lasts=False)


def way_out(store: FileRunStore, run_id: str) -> str:
    """Return the hint of what can be done with a killed run."""
    if prospect(store, run_id).may_go_on:
        return (
            f"Go on with it: pradrill resume {run_id}; or tear it down: pradrill teardown {run_id}."
        )
    return f"It cannot go on; tear it down: pradrill teardown {run_id}."
