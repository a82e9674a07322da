"""Look for what ended runs left on a standby: their leases, and processes that go on there.

The standby is proven first, as for a teardown; what another run holds is left alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pradrill.domain.run.egress import table_of
from pradrill.domain.run.host import HostFacts
from pradrill.domain.run.lease import Holder
from pradrill.domain.run.scope import MarkedProcess
from pradrill.domain.values.run_names import folder_prefix
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Context, Tools
from pradrill.engine.crashed_runs import replay
from pradrill.engine.repeated_teardown import Unkept, past
from pradrill.engine.standby_lock import hold_standby
from pradrill.engine.steps.standby import prove_identity_again
from pradrill.errors import BusyError, NotReadyError, PradrillError, RecordError
from pradrill.ports import Journal
from pradrill.system import scratch

_LOOK = " looked at"


class Left(NamedTuple):
    """A lease, a process, or what denies the way out, that a run has left on a host."""

    host: str
    run: str
    process: MarkedProcess | None = None
    table: str = ""

    def __str__(self) -> str:
        """Name it for a person."""
        if self.table:
            return f"{self.host}: table inet {self.table} of run {self.run}"
        what = "lease" if self.process is None else f"process {self.process.process}"
        return f"{self.host}: {what} of run {self.run}"


def left_on_standby(journal: Journal, tools: Tools, ended: Collection[str]) -> tuple[Left, ...]:
    """Return what the runs that have `ended` left on the standby of one of them; touch nothing.

    Raises PradrillError when it cannot be looked at: away, not proven, or held by a run.
    """
    with _proven(journal, tools) as (context, machines):
        return tuple(left for facts in machines for left in _left_on(context, facts, ended))


def remove_from_standby(
    journal: Journal, tools: Tools, leftovers: Collection[Left]
) -> tuple[Left, ...]:
    """Remove what was found there before; return what is still there. Raises as the look does."""
    ended = {left.run for left in leftovers}
    with _proven(journal, tools) as (context, machines):
        for facts in machines:
            removable = [left for left in _left_on(context, facts, ended) if left in leftovers]
            for run in dict.fromkeys(left.run for left in removable):
                _remove(context, facts, run)
        return tuple(left for facts in machines for left in _left_on(context, facts, ended))


@contextmanager
def _proven(journal: Journal, tools: Tools) -> Iterator[tuple[Context, Sequence[HostFacts]]]:
    """Reach the standby of a run, prove that it is what it was, and let go of it."""
    facts = replay(journal)
    if facts is None:
        raise RecordError(f"the run {journal.run_id} has no journal")
    with (
        tempfile.TemporaryDirectory(
            prefix=folder_prefix(journal.run_id + _LOOK), dir=scratch.base()
        ) as folder,
        hold_standby(tools.store, facts.plan, journal.run_id),
    ):
        looking = Path(folder).name  # under a name of its own: what the run has left stays
        unkept = Unkept(looking, Path(folder))
        context = Context(unkept, past(facts), tools, Cancellation())
        try:
            if problems := tools.standby.problems():
                raise NotReadyError("; ".join(map(str, problems)))
            context.connect()
            hosts = context.there().hosts
            machines = [tools.probe.facts(host, context.there()) for host in hosts]
            prove_identity_again(context, machines)
            yield context, machines
        finally:
            tools.standby.stop(looking)
            context.forget_folders()


def _left_on(context: Context, facts: HostFacts, ended: Collection[str]) -> Iterator[Left]:
    """Yield what is left on one host. Raises BusyError where a run holds it that has not ended."""
    tools, host, site = context.tools, context.host(facts.host), context.there()
    store, me = tools.store, tools.store.holder(context.journal.run_id)
    leases = tools.leases.look(host, site, me, machine_id=facts.machine_id) if tools.leases else ()

    def is_over(holder: Holder) -> bool:
        """Tell whether it is a run of this state that is known to have ended."""
        return holder.run in ended and holder == store.holder(holder.run)

    if holders := [lease.holder for lease in leases if lease.holds and not is_over(lease.holder)]:
        raise BusyError(f"{host.name} is held by {holders[0]}")
    for lease in leases:
        if is_over(lease.holder):
            yield Left(host.name, lease.holder.run)
    for each in tools.probe.marked(host, site):
        if each.run in ended:
            yield Left(host.name, each.run, each)
    whose = {table_of(run): run for run in ended}
    for table in tools.egress.tables(host, site) if tools.egress else ():
        if table in whose:
            yield Left(host.name, whose[table], table=table)


def _remove(context: Context, facts: HostFacts, run: str) -> None:
    """End a run's processes on a host, and give its lease back."""
    tools, host, site = context.tools, context.host(facts.host), context.there()
    of_run = site.model_copy(update={"run_id": run})
    tools.probe.end_strays(host, of_run, None, commands=False)
    if tools.leases is not None:
        holder = tools.store.holder(run)
        tools.leases.release(host, site, holder, machine_id=facts.machine_id)
    if tools.egress is None or table_of(run) not in tools.egress.tables(host, site):
        return
    if left := tools.egress.remove(host, of_run):
        raise PradrillError(f"{host.name}: what denies its way out stays: {', '.join(left)}")
