"""Say how a run whose process died can end: it goes on, or is torn down."""

from __future__ import annotations

from contextlib import suppress

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


def may_go_on(store: FileRunStore, run_id: str) -> bool:
    """Tell whether `pradrill resume` may be tried of a killed run: nothing in it forbids that."""
    with suppress(RecordError, *UNREADABLE):
        facts = fold(store.journal(run_id).events())
        if facts is None or FilePeople().aborted(store.runs / run_id) is not None:
            return False
        return facts.ended is not None or obstacle(facts, run_id, here()) is None
    return False


def way_out(store: FileRunStore, run_id: str) -> str:
    """Return the hint of what can be done with a killed run."""
    if may_go_on(store, run_id):
        return (
            f"Go on with it: pradrill resume {run_id}; or tear it down: pradrill teardown {run_id}."
        )
    return f"It cannot go on; tear it down: pradrill teardown {run_id}."
