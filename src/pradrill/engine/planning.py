"""From declaration to plan: every step that a run will take, as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

from pradrill.domain.drill import Drill, PlaybookStep
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
        steps=tuple(_steps(drill, names)),
        guards=GUARDS,
        destroys=_destroys(drill, names),
        files=tuple(files),
    )


def _steps(drill: Drill, names: tuple[str, ...]) -> Iterator[PlannedStep]:
    def step(phase: Phase, name: str, kind: StepKind, deadline: timedelta) -> PlannedStep:
        return PlannedStep(phase=phase, name=name, kind=kind, hosts=names, deadline=deadline)

    def playbooks(phase: Phase, declared: Sequence[PlaybookStep]) -> Iterator[PlannedStep]:
        for number, play in enumerate(declared, 1):
            titles = [other.title for other in declared]
            name = play.title if titles.count(play.title) == 1 else f"{play.title} #{number}"
            yield step(phase, name, StepKind.PLAYBOOK, play.deadline).model_copy(
                update={"playbook": play.playbook, "vars": play.vars, "secrets": play.secrets}
            )

    ready = Phase.READINESS
    yield step(ready, "check the preconditions", StepKind.PRECONDITIONS, _LOOK)
    yield step(ready, "start the standby", StepKind.START, _START)
    yield step(ready, "prove the standby's identity", StepKind.IDENTITY, _LOOK)
    yield from playbooks(Phase.PREPARE, drill.prepare)
    yield step(Phase.PREPARE, "prove marker and isolation", StepKind.ISOLATION, _LOOK)
    yield from playbooks(Phase.RESTORE, drill.restore)
    yield step(Phase.VERIFY, "check the service", StepKind.CHECKS, drill.verify.deadline)
    yield step(
        Phase.VERIFY,
        "read the recovery point",
        StepKind.NEWEST_DATA,
        sum((each.deadline for each in drill.verify.readings.values()), timedelta()),
    )
    if drill.verify.canary is not None:
        deadline = drill.verify.canary.deadline
        yield step(Phase.VERIFY, "compare the canary", StepKind.CANARY, deadline)
    yield from playbooks(Phase.TEARDOWN, drill.teardown)
    if drill.standby.vm is None:
        yield step(Phase.TEARDOWN, "look for residue", StepKind.RESIDUE, _LOOK)
    yield step(Phase.TEARDOWN, "release the standby", StepKind.STOP, _START)


def _destroys(drill: Drill, names: tuple[str, ...]) -> tuple[str, ...]:
    if drill.standby.vm is not None:
        return (f"the lab machine {drill.standby.vm} as the run changed it (a throw-away overlay)",)
    where = ", ".join(names)
    services = ", ".join(drill.services)
    return (
        f"what the restore playbooks replace on {where}: data and configuration of {services}",
        *(f"{path} on {where}" for path in drill.standby.absent_after_teardown),
    )
