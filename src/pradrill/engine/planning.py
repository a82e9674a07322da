"""Plan a run from its declaration: every step that it will take, as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from pradrill.domain.declared.drill import Drill, ServiceRecovery, Step
from pradrill.domain.declared.manual_step import ManualStep
from pradrill.domain.declared.plan import Plan, PrimaryIdentity
from pradrill.domain.declared.recovery_order import order
from pradrill.domain.run.host import MARKER, Host
from pradrill.domain.run.outcome import Phase, StepKind
from pradrill.domain.run.question import Call, CallStage
from pradrill.domain.run.run_plan import (
    Around,
    Branch,
    FileHash,
    PlannedHost,
    PlannedManual,
    PlannedPlaybook,
    PlannedStep,
    RunPlan,
    governing,
)
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code

_LOOK = timedelta(minutes=2)
_START = timedelta(minutes=5)

GUARDS = (
    reason(Code.GUARD_DR_ROLE),
    reason(Code.GUARD_HOST_KEY),
    reason(Code.GUARD_IDENTITY),
    reason(Code.GUARD_MARKER, path=MARKER),
    reason(Code.GUARD_REACH),
    reason(Code.GUARD_AGAIN),
)


def plan_run(  # noqa: PLR0913 every argument is a different kind of input
    drill: Drill,
    *,
    drill_file: Path,
    plan: Plan,
    hosts: Sequence[Host],
    primaries: dict[str, PrimaryIdentity],
    files: Sequence[FileHash],
    places: Mapping[str, tuple[str, ...]] | None = None,
    around: Around | None = None,
) -> RunPlan:
    """Resolve a drill; `hosts` is empty where the drill itself names the standby's.

    `places`: service of `recover` → its hosts. The plan's services depend on each other in no
    circle.
    """
    services = {name: plan.services[name] for name in drill.services}
    planned = tuple(
        PlannedHost(name=host.name, address=f"{host.address}:{host.port}", dr_role=host.dr_role)
        for host in hosts
    )

    planned += tuple(
        PlannedHost(name=name, address=None, dr_role="standby") for name in drill.standby.names
    )
    names = tuple(host.name for host in planned)
    locks = [drill.standby.lock_name(host.name, host.address) for host in planned]
    apart = tuple(
        Branch(service=name, hosts=(places or {}).get(name, names), after=after)
        for name, after in order(plan.services, tuple(drill.recover)).items()
    )

    return RunPlan(
        drill=drill,
        drill_file=drill_file,
        organisation=plan.organisation,
        plan_version=plan.plan,
        plan_approved=plan.approved,
        plan_owner=plan.owner,
        retention=plan.retention,
        notify=plan.notify,
        services=services,
        objectives=governing(services),
        hosts=planned,
        standby_key=tuple(sorted(locks)),
        primaries=primaries,
        steps=tuple(_steps(drill, plan, names, apart or (Branch(service=None, hosts=names),))),
        guards=(*GUARDS[:-1], *_of_egress(drill), *GUARDS[-1:]),
        destroys=_destroys(drill, names, apart),
        files=tuple(files),
        around=around,
        apart=apart,
    )


def _steps(
    drill: Drill, plan: Plan, names: tuple[str, ...], branches: Sequence[Branch]
) -> Iterator[PlannedStep]:
    """Give the steps that all share, and those of each branch, dependencies first."""

    def step(phase: Phase, name: str, kind: StepKind, deadline: timedelta) -> PlannedStep:
        return PlannedStep(phase=phase, name=name, kind=kind, hosts=names, deadline=deadline)

    for kind, name, deadline in _before(drill):
        yield step(Phase.READINESS, name, kind, deadline)
        if kind is StepKind.PRECONDITIONS:
            yield from _catalogues(drill, branches)
    for branch in branches:
        steps = drill.ways[branch.service].prepare
        yield from _declared(plan, branch, Phase.PREPARE, steps, drill.vars)
    yield step(Phase.PREPARE, "prove marker and isolation", StepKind.ISOLATION, _LOOK)
    for branch in branches:
        yield from _recovery(plan, branch, drill.ways[branch.service], drill.vars)
    yield from _declared(plan, Branch(service=None, hosts=()), Phase.VERIFY, drill.accept, {})
    name = "prove isolation before the teardown"
    yield step(Phase.TEARDOWN, name, StepKind.ISOLATION_AGAIN, _LOOK)
    if drill.standby.watch_files:
        yield step(Phase.TEARDOWN, "read which files were opened", StepKind.FILES_AGAIN, _LOOK)
    for branch in reversed(branches):
        teardown = drill.ways[branch.service].teardown
        yield from _declared(plan, branch, Phase.TEARDOWN, teardown, drill.vars)

    for kind, name, deadline in _at_last(drill):
        yield step(Phase.TEARDOWN, name, kind, deadline)


def _catalogues(drill: Drill, branches: Sequence[Branch]) -> Iterator[PlannedStep]:
    """Give the readings of the backups."""
    for branch in branches:
        backups = drill.ways[branch.service].recovery_point
        if backups is not None:
            name, deadline = "read the backup catalogue", backups.deadline
            yield _step(branch, Phase.READINESS, name, StepKind.CATALOGUE, deadline)


def _before(drill: Drill) -> Iterator[tuple[StepKind, str, timedelta]]:
    """Yield what is done before anything on the standby is changed."""
    yield StepKind.PRECONDITIONS, "check the preconditions", _LOOK
    if (making := drill.standby.provisioning) is not None:
        yield StepKind.PROVISION, "provision the standby", making.provision.deadline
    yield StepKind.START, "start the standby", _START
    yield StepKind.IDENTITY, "prove the standby's identity", _LOOK
    if drill.standby.denied is not None:
        yield StepKind.EGRESS, "deny the way out", _LOOK
    if drill.standby.watch_files:
        yield StepKind.FILES, "watch which files are opened", _LOOK


def _at_last(drill: Drill) -> Iterator[tuple[StepKind, str, timedelta]]:
    """Yield what is done once the playbooks of the teardown are through."""
    if drill.standby.denied is not None:
        yield StepKind.EGRESS_AGAIN, "open the way out again", _LOOK
    if drill.standby.captured:
        yield StepKind.CAPTURE, "read what the network has seen", _LOOK
    if drill.standby.leaves_residue:
        yield StepKind.RESIDUE, "look for residue", _LOOK
    yield StepKind.STOP, "release the standby", _START
    if (making := drill.standby.provisioning) is not None:
        name = "revert the machines" if making.reverts else "destroy the machines"
        yield StepKind.DESTROY, name, making.end.deadline + making.listing.deadline


def _recovery(
    plan: Plan, branch: Branch, way: ServiceRecovery, variables: Mapping[str, Any]
) -> Iterator[PlannedStep]:
    """Give what recovers one branch, once those that it comes after are verified."""
    yield from _declared(plan, branch, Phase.RESTORE, way.restore, variables)
    verify = Phase.VERIFY
    newest = sum((each.deadline for each in way.verify.readings.values()), timedelta())
    yield _step(branch, verify, "check the service", StepKind.CHECKS, way.verify.deadline)
    yield _step(branch, verify, "prove isolation again", StepKind.ISOLATION_AGAIN, _LOOK)
    yield _step(branch, verify, "read the recovery point", StepKind.NEWEST_DATA, newest)

    if way.verify.canary is not None:
        deadline = way.verify.canary.deadline
        yield _step(branch, verify, "compare the canary", StepKind.CANARY, deadline)

    integrity = way.recovery_point.integrity if way.recovery_point else None
    if integrity is not None:
        name = "check the backups' integrity"
        yield _step(branch, verify, name, StepKind.INTEGRITY, integrity.deadline)


def _step(
    branch: Branch, phase: Phase, name: str, kind: StepKind, deadline: timedelta
) -> PlannedStep:
    return PlannedStep(
        phase=phase,
        name=name,
        kind=kind,
        hosts=branch.hosts,
        deadline=deadline,
        service=branch.service,
    )


def _declared(
    plan: Plan,
    branch: Branch,
    phase: Phase,
    steps: Sequence[Step],
    variables: Mapping[str, Any],
) -> Iterator[PlannedStep]:
    titles = [step.title for step in steps]
    for number, step in enumerate(steps, 1):
        name = step.title if titles.count(step.title) == 1 else f"{step.title} #{number}"
        if isinstance(step, ManualStep):
            yield from _manual(plan, branch, phase, name, step)
            continue

        yield PlannedPlaybook(
            phase=phase,
            name=name,
            hosts=branch.hosts,
            deadline=step.deadline,
            service=branch.service,
            playbook=step.playbook,
            vars={**variables, **step.vars},
            secrets=step.secrets,
            controller=step.controller,
            repeatable=step.repeatable,
            together=step.together,
        )


def _manual(
    plan: Plan, branch: Branch, phase: Phase, name: str, step: ManualStep
) -> Iterator[PlannedStep]:
    """Return the wait for a person; a call waits twice, for the response and the restoration."""
    asks = PlannedManual(
        phase=phase,
        name=name,
        hosts=(),
        deadline=step.deadline,
        service=branch.service,
        manual=step,
        repeatable=True,  # a person who is asked again says what is so
    )
    if step.call is None:
        yield asks
        return

    provider = plan.providers[step.call]
    promises = {
        CallStage.RESPONSE: provider.sla.response,
        CallStage.RESTORATION: provider.sla.restoration,
    }
    for stage, promised in promises.items():
        call = Call(
            provider=step.call, stage=stage, step=name, support=provider.support, promised=promised
        )
        yield asks.model_copy(update={"name": f"{name}: {stage}", "call": call})


def _of_egress(drill: Drill) -> Iterator[Reason]:
    """Say what goes out from the standby, where the drill denies the rest."""
    denied = drill.standby.denied
    if denied is not None and denied.allow:
        yield reason(Code.GUARD_EGRESS_BUT, endpoints=denied.allow)
    elif denied is not None:
        yield reason(Code.GUARD_EGRESS)
    if denied is not None and denied.mail_sink:
        yield reason(Code.GUARD_MAIL_SINK)


def _destroys(drill: Drill, names: tuple[str, ...], apart: Sequence[Branch]) -> tuple[Reason, ...]:
    if drill.standby.throw_away:
        return drill.standby.thrown_away

    whose = [(branch.hosts, [str(branch.service)]) for branch in apart]
    return (
        *(
            reason(Code.DATA_REPLACED, host=hosts, services=services)
            for hosts, services in whose or [(names, list(drill.services))]
        ),
        *(
            reason(Code.PATH_REMOVED, path=str(path), host=names)
            for path in drill.standby.absent_after_teardown
        ),
    )
