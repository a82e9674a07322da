"""Hold the standby: each of its hosts apart, so that no two runs share one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from pradrill.domain.run.run_plan import RunPlan
from pradrill.ports import RunStore


@contextmanager
def hold_standby(store: RunStore, plan: RunPlan, run_id: str) -> Iterator[None]:
    """Hold every host of the plan's standby. Raises BusyError, and then none is held."""
    with ExitStack() as locks:
        for host in dict.fromkeys(plan.standby_key):  # two names of one are one
            locks.enter_context(store.hold(host, run_id))
        yield
