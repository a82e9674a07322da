"""Resume a run in another process: prove again all that it rests on, then do the rest.

Until everything is proven, nothing is written into its journal and nothing changed on its standby:
a run that cannot go on stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pradrill.domain.run.event import Event
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.host import HostFacts
from pradrill.domain.run.outcome import StepKind
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.resumption import Resumption
from pradrill.domain.run.run_plan import FileHash
from pradrill.domain.values.timeline import ClockBase
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Context, Tools
from pradrill.engine.run import Run
from pradrill.engine.standby_lock import hold_standby
from pradrill.engine.steps.machines import find_again, recall
from pradrill.engine.steps.standby import (
    end_commands_surely,
    prove_identity_again,
    prove_isolation_again,
)
from pradrill.errors import ConfigurationError, NotReadyError, PradrillError, UnreachableError
from pradrill.ports import Journal
from pradrill.system import in_memory


class Resumer(NamedTuple):
    """Who goes on with a run, where and with what; and when its last fact was."""

    by: str
    controller: str
    last: datetime
    cut_since: Mapping[str, datetime]
    """Host → when the first of the steps began there that were cut in their middle."""
    steady: bool
    """Whether the clock of this process is the one that told that fact."""
    clock: ClockBase
    versions: Mapping[str, str]


def resume_run(
    journal: Journal, facts: Facts, tools: Tools, cancelled: Cancellation, resumer: Resumer
) -> RunRecord:
    """Go on with a killed run and return its record.

    Raises PradrillError when it cannot go on now, and then it is what it was. `facts` are those of
    its journal, with the plan as it was read again.
    """
    pending = _Pending(journal)
    before = facts.clock_stepped if resumer.steady else None
    context = Context(pending, facts, tools, cancelled, last_look=before)
    run = Run(context)
    has_machines = any(step.kind is StepKind.PROVISION for step in facts.steps)
    with hold_standby(tools.store, facts.plan, journal.run_id):
        keys: Path | None = None
        try:
            keys = recall(context) if has_machines else None
            _prove_again(context, resumer, keys)
            pending.keep()
        except UnreachableError as error:
            _let_go(context, keys)
            raise NotReadyError(
                error.message,
                hint=f"{error.hint or 'Mend the way to it.'} Then resume the run again.",
            ) from error
        except BaseException:
            _let_go(context, keys)
            raise
        tools.progress.begin(journal.run_id, facts.plan, facts.steps)
        run.carry_on()
    return run.seal()


def _prove_again(context: Context, resumer: Resumer, keys: Path | None) -> None:
    """Prove what the run rests on: secrets, files, machines, isolation, leases, a quiet standby.

    `keys`: the folder that stays of those which the process before has left.
    """
    tools, facts = context.tools, context.facts
    kinds = {step.kind for step in facts.steps}
    _sweep_controller(context, keys)
    problems = [*tools.unusable, *tools.standby.problems()]
    problems += tools.hypervisors.problems() if tools.hypervisors is not None else ()
    if problems:
        raise NotReadyError("; ".join(map(str, problems)), hint="Mend it, then resume again.")
    if edited := context.edited():
        raise ConfigurationError(
            f"edited since the run began: {', '.join(edited)}",
            hint="Put back what the run began with, then resume it again.",
        )
    machines: list[HostFacts] = []
    if keys is not None:
        find_again(context)
    if StepKind.START in kinds:
        context.connect()
    if StepKind.IDENTITY in kinds:
        machines = [tools.probe.facts(host, context.there()) for host in context.there().hosts]
    now = tools.clock.now()
    context.note(Event.RESUMED, _resumption(facts, resumer, now, machines))
    prove_identity_again(context, machines)
    if StepKind.ISOLATION in kinds:
        prove_isolation_again(context, machines)
    for each in machines:
        context.tenancy.hold_on(context.there(), each)
    if facts.touched:
        cut = {host: (now - since).total_seconds() for host, since in resumer.cut_since.items()}
        end_commands_surely(context, cut)
    if context.cancelled():
        raise KeyboardInterrupt  # before anything was done


def _resumption(
    facts: Facts, resumer: Resumer, now: datetime, machines: list[HostFacts]
) -> Resumption:
    """Say after what outage it goes on; across a restart, how sure that is.

    Then the one clock that may have gone on is the standby's: by how much the controller's has
    moved against it is by how much the outage may be wrong.
    """
    seconds = (now - resumer.last).total_seconds()
    if seconds < 0:
        raise NotReadyError(
            f"this machine's clock is {-seconds:.0f} s behind the run's last fact",
            hint="Set it right, then resume again.",
        )
    within = 0.0
    if not resumer.steady:
        moved = [
            abs(each.skew.seconds - facts.skew[each.host].seconds)
            + each.skew.within
            + facts.skew[each.host].within
            for each in machines
            if each.host in facts.skew
        ]
        if not moved:
            raise NotReadyError(
                "the machine was restarted, and nothing tells how long ago the run was cut",
                hint="Nothing was begun on its standby: launch its drill again.",
            )
        within = max(moved)
    return Resumption(
        by=resumer.by,
        controller=resumer.controller,
        last=resumer.last,
        resumed=now,
        seconds=seconds,
        steady=resumer.steady,
        within=within,
        clock=resumer.clock,
        versions=dict(resumer.versions),
    )


def _sweep_controller(context: Context, keys: Path | None) -> None:
    """End and remove here what the process before has left: its tools, connections, folders."""
    run_id = context.journal.run_id
    context.tools.runner.reap(run_id)
    context.tools.standby.stop(run_id)
    in_memory.sweep(run_id, keys)


def _let_go(context: Context, keys: Path | None) -> None:
    """Leave the run as it was found; its leases go on as long as they would have."""
    context.tenancy.leave()
    with suppress(PradrillError):
        context.tools.standby.stop(context.journal.run_id)
    context.forget_folders(keep=keys)


class _Pending:
    """A journal whose new facts wait until all is proven."""

    def __init__(self, journal: Journal) -> None:
        self.run_id = journal.run_id
        self.folder = journal.folder
        self._journal = journal
        self._waiting: list[tuple[str, datetime, Mapping[str, Any]]] | None = []

    def keep(self) -> None:
        """Write what has waited, and from here on everything at once. Raises RecordError."""
        for fact in self._waiting or ():
            self._journal.append(*fact)
        self._waiting = None

    def append(self, event: str, at: datetime, facts: Mapping[str, Any]) -> None:
        """Write one fact, or let it wait."""
        if self._waiting is None:
            self._journal.append(event, at, facts)
        else:
            self._waiting.append((event, at, facts))

    def events(self) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
        """Read back every fact that is written."""
        return self._journal.events()

    def evidence(self) -> tuple[FileHash, ...]:
        """Return every evidence file with its hash."""
        return self._journal.evidence()

    def seal(self, record: RunRecord) -> None:
        """Write the record."""
        self._journal.seal(record)

    def close(self) -> None:
        """Let go of the journal."""
        self._journal.close()
