"""From declaration to plan: every step that a run will take, as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from pradrill.domain.drill import Drill, Step
from pradrill.domain.manual import Call, CallStage, ManualStep
from pradrill.domain.outcome import Phase, StepKind
from pradrill.domain.plan import Plan, PrimaryIdentity
from pradrill.domain.run_plan import FileHash, PlannedHost, PlannedStep, RunPlan, governing
from pradrill.domain.target import MARKER, Host

_LOOK = timedelta(minutes=2)
_START = timedelta(minutes=5)

GUARDS = (
    "the host carries dr_role: standby in the inventory",
    "the host key is the pinned one, and not a primary's",
    "the machine-id and the addresses are not a primary's",
    f"the machine carries the marker file {MARKER} with its own machine-id",
    "nothing in must_not_reach can be reached from inside the standby",
)


def plan_run(  # noqa: PLR0913 every argument is a different kind of input
    drill: Drill,
    *,
    drill_file: Path,
    plan: Plan,
    hosts: Sequence[Host],
    primaries: dict[str, PrimaryIdentity],
    files: Sequence[FileHash],
) -> RunPlan:
    """Resolve a drill; `hosts` is empty for a lab machine, which is known by its name."""
    services = {name: plan.services[name] for name in drill.services}
    planned = tuple(
        PlannedHost(name=host.name, address=f"{host.address}:{host.port}", dr_role=host.dr_role)
        for host in hosts
    )
    if drill.standby.vm is not None:
        planned = (PlannedHost(name=drill.standby.vm, address=None, dr_role="standby"),)
    names = tuple(host.name for host in planned)
    addresses = sorted(f"{host.address}:{host.port}" for host in hosts)
    return RunPlan(
        drill=drill,
        drill_file=drill_file,
        organisation=plan.organisation,
        plan_version=plan.plan,
        plan_approved=plan.approved,
        services=services,
        objectives=governing(services),
        hosts=planned,
        standby_key=f"vm:{drill.standby.vm}" if drill.standby.vm else ",".join(addresses),
        primaries=primaries,
        steps=tuple(_steps(drill, names, plan)),
        guards=GUARDS,
        destroys=_destroys(drill, names),
        files=tuple(files),
    )


def _steps(drill: Drill, names: tuple[str, ...], plan: Plan) -> Iterator[PlannedStep]:
    def step(phase: Phase, name: str, kind: StepKind, deadline: timedelta) -> PlannedStep:
        return PlannedStep(phase=phase, name=name, kind=kind, hosts=names, deadline=deadline)

    def declared(phase: Phase, steps: Sequence[Step]) -> Iterator[PlannedStep]:
        titles = [other.title for other in steps]
        for number, told in enumerate(steps, 1):
            name = told.title if titles.count(told.title) == 1 else f"{told.title} #{number}"
            if isinstance(told, ManualStep):
                yield from _manual(phase, name, told, plan)
                continue
            yield step(phase, name, StepKind.PLAYBOOK, told.deadline).model_copy(
                update={"playbook": told.playbook, "vars": told.vars, "secrets": told.secrets}
            )

    ready = Phase.READINESS
    yield step(ready, "check the preconditions", StepKind.PRECONDITIONS, _LOOK)
    yield step(ready, "start the standby", StepKind.START, _START)
    yield step(ready, "prove the standby's identity", StepKind.IDENTITY, _LOOK)
    yield from declared(Phase.PREPARE, drill.prepare)
    yield step(Phase.PREPARE, "prove marker and isolation", StepKind.ISOLATION, _LOOK)
    yield from declared(Phase.RESTORE, drill.restore)
    yield step(Phase.VERIFY, "check the service", StepKind.CHECKS, drill.verify.deadline)
    yield step(
        Phase.VERIFY,
        "read the recovery point",
        StepKind.NEWEST_DATA,
        drill.verify.newest_data.deadline,
    )
    yield from declared(Phase.VERIFY, drill.accept)
    yield from declared(Phase.TEARDOWN, drill.teardown)
    if drill.standby.vm is None:
        yield step(Phase.TEARDOWN, "look for residue", StepKind.RESIDUE, _LOOK)
    yield step(Phase.TEARDOWN, "release the standby", StepKind.STOP, _START)


def _manual(phase: Phase, name: str, told: ManualStep, plan: Plan) -> Iterator[PlannedStep]:
    """Return the wait for a person; a call waits twice, for the response and the restoration."""
    asks = PlannedStep(
        phase=phase,
        name=name,
        kind=StepKind.MANUAL,
        hosts=(),
        deadline=told.deadline,
        manual=told,
    )
    if told.call is None:
        yield asks
        return
    provider = plan.providers[told.call]
    promises = {
        CallStage.RESPONSE: provider.sla.response,
        CallStage.RESTORATION: provider.sla.restoration,
    }
    for stage, promised in promises.items():
        call = Call(
            provider=told.call, stage=stage, step=name, support=provider.support, promised=promised
        )
        yield asks.model_copy(update={"name": f"{name}: {stage}", "call": call})


def _destroys(drill: Drill, names: tuple[str, ...]) -> tuple[str, ...]:
    if drill.standby.vm is not None:
        return (f"the lab machine {drill.standby.vm} as the run changed it (a throw-away overlay)",)
    where = ", ".join(names)
    services = ", ".join(drill.services)
    return (
        f"what the restore playbooks replace on {where}: data and configuration of {services}",
        *(f"{path} on {where}" for path in drill.standby.absent_after_teardown),
    )
