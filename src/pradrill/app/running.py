"""Find the run that somebody means, while its process is alive."""

from __future__ import annotations

from pradrill.app.killed_runs import way_out
from pradrill.errors import UsageError
from pradrill.ports import Journal
from pradrill.register.runs.folders import the_one
from pradrill.register.runs.store import FileRunStore


def running(store: FileRunStore, run: str, *, in_vain: str, hint: str) -> Journal:
    """Return the run that is meant, if its process lives. Raises UsageError.

    `in_vain`: what does not come of it, now that the run has ended.
    """
    alive = {journal.run_id: journal for journal in store.running()}
    if (run_id := the_one([*alive], run)) is not None:
        return alive[run_id]
    if killed := [run_id for run_id in store.killed() if run in run_id]:
        raise UsageError(
            f"the run {killed[-1]} has ended, it was killed: {in_vain}",
            hint=way_out(store, killed[-1]),
        )
    if any(run in folder.name for folder in store.sealed()):
        raise UsageError(f"the run {run} has ended: {in_vain}", hint=hint)
    raise UsageError(f"no run is named {run}", hint="List them: pradrill runs.")
