"""Describe what a run would do, in plain words: `pradrill plan` and `run --dry-run`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pradrill.domain.declared import recovery_order as order
from pradrill.domain.declared.playbook_step import PlaybookStep
from pradrill.domain.declared.standby_kind import StandbyKind
from pradrill.domain.run.outcome import Phase, StepKind
from pradrill.domain.run.run_plan import PlannedManual, PlannedPlaybook, PlannedStep, RunPlan
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.terms import word
from pradrill.reporting.text.questions import called


class PlanLine(NamedTuple):
    """A paragraph of the plan."""

    text: str
    indent: int = 0
    title: bool = False


def plan_lines(plan: RunPlan) -> Iterator[PlanLine]:
    """Say everything that the run would do, on what, against which objectives."""
    drill, goals = plan.drill, plan.objectives
    yield PlanLine(f"{drill.drill}: {drill.scenario.name}", title=True)
    approved = plan.plan_approved or "not stated"
    disruption = drill.scenario.disruption
    since = "the launch" if isinstance(disruption, str) else wording.at(disruption)
    yield PlanLine(f"{plan.titles} of {plan.organisation}, {word(drill.kind)}")

    if not plan.apart:
        yield PlanLine(f"RTO {wording.short(goals.rto)} (of {goals.rto_of}), counted from {since}")
        yield PlanLine(f"RPO {wording.short(goals.rpo)} (of {goals.rpo_of})")

    yield PlanLine(f"plan version {plan.plan_version}, approved: {approved}")
    yield PlanLine(f"drill file {plan.drill_file}")
    if plan.apart:
        yield from _order(plan, since)

    for other, needing in plan.assumed.items():
        yield PlanLine(
            f"assumed available, not drilled: {other}, on which {', '.join(needing)} depends"
        )

    yield PlanLine("Standby hosts", title=True)
    for host in plan.hosts:
        address = host.address or "address known once the machine is up"
        yield PlanLine(f"{host.name}, {address}, dr_role: {host.dr_role or 'none'}", 2)

    yield PlanLine(f"Steps (at most {wording.short(plan.longest)} in all)", title=True)
    part: tuple[Phase, str | None] | None = None
    for number, step in enumerate(plan.steps, 1):
        if (step.phase, step.service) != part:
            part = step.phase, step.service
            yield PlanLine(": ".join(filter(None, part)), 2)

        yield from _step(number, step, drill.standby)

    yield PlanLine("Guards: each must be proven, or the run stops", title=True)
    for guard in plan.guards:
        yield PlanLine(guard.text, 2)

    for endpoint in drill.must_not_reach():
        yield PlanLine(f"production that the standby must not reach: {endpoint}", 2)
    yield PlanLine("What will be destroyed", title=True)
    for what in plan.destroys:
        yield PlanLine(what.text, 2)


def _order(plan: RunPlan, since: str) -> Iterator[PlanLine]:
    """Say which services are recovered side by side, and which wait for others."""
    yield PlanLine("Order of recovery", title=True)
    yield PlanLine(f"each begins once those before it are verified; RTO counted from {since}", 2)

    after = {str(branch.service): branch.after for branch in plan.apart}
    for number, together in enumerate(order.levels(after), 1):
        yield PlanLine(f"{number}. {'at the same time' if len(together) > 1 else 'alone'}", 2)
        for name in together:
            goals, hosts = plan.services[name].objectives, ", ".join(plan.branch(name).hosts)
            waits = f", after {', '.join(after[name])}" if after[name] else ""
            objectives = f"RTO {wording.short(goals.rto)}, RPO {wording.short(goals.rpo)}"
            yield PlanLine(f"{name} on {hosts}{waits}: {objectives}", 5)


def _step(number: int, step: PlannedStep, standby: StandbyKind) -> Iterator[PlanLine]:
    hosts = "" if step.kind is StepKind.MANUAL else f" on {', '.join(step.hosts) or 'no host'}"
    allowed = wording.short(step.deadline)
    beside = f", together ({step.together})" if step.together else ""
    yield PlanLine(f"{number}. {step.name} ({step.kind}){hosts}, at most {allowed}{beside}", 4)
    match step:
        case PlannedManual():
            yield from _question_lines(step)
        case PlannedPlaybook():
            yield from _played(step)
        case _:
            yield from _machine_lines(step, standby)


def _machine_lines(step: PlannedStep, standby: StandbyKind) -> Iterator[PlanLine]:
    """Name the playbooks that make machines, or end and list them."""
    making = standby.provisioning
    if making is None or step.kind not in {StepKind.PROVISION, StepKind.DESTROY}:
        return
    ends = step.kind is StepKind.DESTROY
    for each in [making.end, making.listing] if ends else [making.provision]:
        yield from _played(each)
    if standby.brings_data and not ends:
        yield PlanLine("the machines come with the data: this is the restore, and T4 its end", 7)


def _question_lines(step: PlannedManual) -> Iterator[PlanLine]:
    yield PlanLine(f"{step.manual.who}: {wording.line(step.manual.instruction)}", 7)
    if step.call is not None:
        yield PlanLine(called(step.call), 7)


def _played(step: PlannedPlaybook | PlaybookStep) -> Iterator[PlanLine]:
    yield PlanLine(str(step.playbook), 7)
    for name, value in step.vars.items():
        yield PlanLine(f"{name} = {wording.clean(value)}", 7)
    for name, source in step.secrets.items():
        yield PlanLine(f"{name} = the secret {source}", 7)
