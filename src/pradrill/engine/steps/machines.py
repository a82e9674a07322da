"""Make the standby's machines for the run, and end them with it, whatever becomes of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pradrill.domain.run.machine import MachineAddress, addresses_in, expiry, tag_of
from pradrill.domain.run.outcome import PlaybookResult, StepKind, StepOutcome
from pradrill.domain.run.run_plan import PlannedStep
from pradrill.domain.values import identity
from pradrill.domain.values.reason import Reason, ReasonError, ReasonOrText, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.run_names import folder_prefix
from pradrill.domain.values.timeline import Mark
from pradrill.engine.context import Context, StepEnd, planned
from pradrill.engine.hypervisors import Hypervisors, reached, why_ended
from pradrill.engine.steps.backups import POINT, other_backup, selected
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds, MachineSeeds
from pradrill.system import in_memory, scratch

_LOOK = 1.0  # seconds between two looks whether machines answer
_APART = 3.0  # seconds between two looks at what is left
_TRIES = 2
_LAUNCH_AGAIN = "Tear it down: pradrill teardown {run_id}; then launch its drill again."


def provision(context: Context, step: PlannedStep) -> StepEnd:
    """Have the machines made with keys that are known before, and wait until they answer.

    That it was begun is in the journal by now: from here on they are ended on every path.
    """
    context.mark(Mark.RECOVERY_STARTS, context.tools.clock.now())
    if edited := context.edited():
        return StepEnd(StepOutcome.UNKNOWN, reason(Code.EDITED_BEFORE, files=edited))

    run_id, deadline = context.journal.run_id, context.tools.clock.now() + step.deadline
    seeds = planned(context.tools.seeds, "an identity for its machines")
    identities = seeds.sow(in_memory.folder(run_id), run_id)
    given: dict[str, Any] = {
        "pradrill_run": run_id,
        "pradrill_tag": tag_of(run_id),
        "pradrill_expires": _expiry(context),
        "pradrill_machines": [seed.model_dump(mode="json") for seed in identities],
    }
    point = selected(context)
    if point is not None:
        given[POINT] = point.id
    with reached(context.tools, context.facts.plan, run_id, context.say) as hypervisors:
        result = hypervisors.play(
            hypervisors.making.provision,
            given,
            context.evidence(step),
            cancelled=context.cancelled,
        )

    more = {"failures": result.failures, "values": result.values}
    if result.outcome is not StepOutcome.PASSED:
        return StepEnd(result.outcome, result.detail, more)
    if edited := context.edited():
        why = reason(Code.EDITED_DURING_PLAYBOOK, files=edited)
        return StepEnd(StepOutcome.UNKNOWN, why, more)
    try:
        addresses = addresses_in(result.values, [seed.name for seed in identities])
        if other := other_backup(point, result.values):
            return StepEnd(StepOutcome.UNKNOWN, other, more)
        _refuse_primary(context, addresses)
    except ReasonError as error:
        return StepEnd(StepOutcome.UNKNOWN, error.reason, more)

    seeds.settle(addresses)

    return _until_they_answer(context, seeds, deadline)._replace(more=more)


def _refuse_primary(context: Context, addresses: Mapping[str, MachineAddress]) -> None:
    """Raise ReasonError when an address is a primary's: nothing even connects to there."""
    primaries = context.facts.plan.primaries.values()
    texts = [text for primary in primaries for text in primary.addresses]
    theirs = {identity.plain_address(text) for text in identity.valid(identity.address, texts)}
    for name, each in addresses.items():
        if identity.plain_address(each.address) in theirs:
            why = reason(Code.PRIMARY_SHARED, what=[f"address {each.address}"])
            raise ReasonError(reason(Code.ON_HOST, host=name, left=why))


def _until_they_answer(context: Context, seeds: MachineSeeds, deadline: datetime) -> StepEnd:
    """Wait until each machine lets us in: its first boot is a part of making it."""
    clock = context.tools.clock
    while True:
        left = (deadline - clock.now()).total_seconds()
        silent = seeds.silent(Bounds(max(left, _LOOK), context.cancelled))
        if not silent:
            return StepEnd(StepOutcome.PASSED)
        if context.cancelled():
            return StepEnd(StepOutcome.CANCELLED)
        if clock.now() >= deadline:
            return StepEnd(StepOutcome.TIMED_OUT, reason(Code.MACHINES_SILENT, host=list(silent)))
        clock.sleep(_LOOK)


def recall(context: Context) -> Path:
    """Return the folder of the keys that a process before has given to the run's machines.

    They are in memory alone. Raises NotReadyError when they are gone.
    """
    run_id = context.journal.run_id
    seeds = planned(context.tools.seeds, "an identity for its machines")
    keys = seeds.recall(in_memory.folders(run_id))
    if keys is None:
        raise NotReadyError(
            "the keys of the run's machines were in this controller's memory, and are gone",
            hint=_LAUNCH_AGAIN.format(run_id=run_id),
        )
    return keys


def find_again(context: Context) -> None:
    """Find by their tag the machines that a process before has made. Raises NotReadyError.

    Whether they are those is proven by their keys, as soon as they are spoken to.
    """
    run_id, facts = context.journal.run_id, context.facts
    with (
        tempfile.TemporaryDirectory(prefix=folder_prefix(run_id), dir=scratch.base()) as folder,
        reached(context.tools, facts.plan, run_id, context.say) as hypervisors,
    ):
        if not hypervisors.machines(tag_of(run_id), Path(folder, "listing")):
            raise NotReadyError(
                f"no machine carries the run's tag any more: {tag_of(run_id)}",
                hint=_LAUNCH_AGAIN.format(run_id=run_id),
            )
    making = next(step for step in facts.steps if step.kind is StepKind.PROVISION)
    seeds = planned(context.tools.seeds, "an identity for its machines")
    seeds.settle(addresses_in(making.values, facts.plan.drill.standby.names))


def _expiry(context: Context) -> str:
    facts = context.facts
    over = expiry(facts.began, (step.deadline for step in facts.plan.steps))
    return over.isoformat(timespec="seconds")


def destroy(context: Context, step: PlannedStep) -> StepEnd:
    """End the machines that carry the run's tag, and see that a listing has none of them.

    Where making them was cut, what was under way may still come: it is looked at twice. What an
    end that was cut still does there is ended before the next: it would act on what comes after.
    """
    if edited := _edited(context):
        why = reason(Code.EDITED_BEFORE_END, files=edited, run=context.journal.run_id)
        return StepEnd(StepOutcome.UNKNOWN, why)

    run_id, plays = context.journal.run_id, _Evidence(context, step)
    with reached(context.tools, context.facts.plan, run_id, context.say) as hypervisors:
        if not context.facts.has_machines or context.facts.lost or context.attempt > 1:
            hypervisors.end_commands()
        for attempt in range(1, _TRIES + 1):
            ended = hypervisors.end(tag_of(run_id), plays.next())
            left = _left(hypervisors, ended, run_id, plays)
            if not left and not context.facts.has_machines:
                context.tools.clock.sleep(_APART)
                left = _left(hypervisors, ended, run_id, plays)
            if not left:
                return context.left((), erased=_erasure(context))
            if ended.outcome is StepOutcome.UNREACHABLE:
                return StepEnd(ended.outcome, ended.detail)
            if attempt < _TRIES:
                hypervisors.end_commands()
                context.tools.clock.sleep(_APART)
    return context.left(left)


def _left(
    hypervisors: Hypervisors, ended: PlaybookResult, run_id: str, plays: _Evidence
) -> list[ReasonOrText]:
    """Say what is left: machines that are listed, and all that a playbook did not get to."""
    left: list[ReasonOrText] = []
    if ended.outcome is not StepOutcome.PASSED:
        because = why_ended(hypervisors.making.end, ended)
        left.append(reason(Code.MACHINES_NOT_ENDED, because=because))
    try:
        machines = hypervisors.machines(tag_of(run_id), plays.next())
    except ReasonError as error:
        return [*left, reason(Code.MACHINES_UNKNOWN, because=error.reason)]
    return [*left, *(reason(Code.MACHINE_LEFT, name=each.machine) for each in machines)]


def _erasure(context: Context) -> list[Reason]:
    standby = context.facts.plan.drill.standby
    making = planned(standby.provisioning, "playbooks that make machines")
    code = Code.MACHINES_CLEAN if making.reverts else Code.MACHINES_GONE
    return [reason(code, names=standby.where), reason(Code.NOT_OVERWRITTEN)]


def _edited(context: Context) -> list[str]:
    """Return the files that were edited of those which end machines: others do not matter now."""
    plan = context.facts.plan
    making = planned(plan.drill.standby.provisioning, "playbooks that make machines")
    edited = context.tools.edits(plan, (making.end.playbook, making.listing.playbook))
    return [str(file) for file in edited]


class _Evidence:
    """Where a step's playbooks write, one after the other."""

    def __init__(self, context: Context, step: PlannedStep) -> None:
        self._context = context
        self._step = step
        self._count = context.attempt * 100 - 100

    def next(self) -> Path:
        """Return a folder that does not exist yet."""
        self._count += 1
        return self._context.again(self._count).evidence(self._step)
