"""Tell what must be proven of a host, and what may work on it: the unproven is not touched.

Proofs are of one process: after a crash they are the past, and are made anew before a teardown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pradrill.domain.run.facts import Facts
from pradrill.domain.run.guard import Guard, GuardKind
from pradrill.domain.run.outcome import Phase, StepKind, StepOutcome
from pradrill.domain.run.run_plan import NotExecuted, NotRun, PlannedStep, RunPlan

_MARKER = Guard(kind=GuardKind.MARKER)


def identity_of(plan: RunPlan) -> list[Guard]:
    """Return the guards that prove what a host is, its marker aside."""
    return [
        Guard(kind=GuardKind.DR_ROLE),
        Guard(kind=GuardKind.HOST_KEY),
        *(Guard(kind=GuardKind.NOT_PRIMARY_OF, of=name) for name in plan.services),
    ]


def isolation_of(plan: RunPlan) -> list[Guard]:
    """Return the guards that prove that production is out of a host's reach."""
    endpoints = plan.drill.must_not_reach()
    denied = plan.drill.standby.denied is not None
    return [
        *(Guard(kind=GuardKind.MUST_NOT_REACH, of=endpoint) for endpoint in endpoints),
        *([Guard(kind=GuardKind.EGRESS)] if denied else []),
    ]


def is_standby(facts: Facts, host: str, *, marked: bool = True) -> bool:
    """Tell whether it is proven what the host is; unless `marked`, its marker may still lack."""
    last = facts.standing.get(host, {})
    needed = {*identity_of(facts.plan), *([_MARKER] if marked else [])}
    return needed <= last.keys() and all(
        result.holds for result in last.values() if not result.of_isolation
    )


def is_cleared(facts: Facts, host: str) -> bool:
    """Tell whether the host is a proven standby, and production was last out of its reach."""
    last = facts.standing.get(host, {})
    reaches_nothing = all(name in last and last[name].holds for name in isolation_of(facts.plan))
    return reaches_nothing and is_standby(facts, host)


def workable(facts: Facts, phase: Phase, hosts: Sequence[str]) -> tuple[str, ...]:
    """Return those of the hosts that a playbook of the phase may work on.

    A machine of the lab is the run's own overlay and carries no marker before its first prepare
    step has placed it; every other host has its marker before anything works on it.
    """
    if phase is Phase.PREPARE:
        marked = not facts.plan.drill.standby.marked_by_prepare
        return tuple(host for host in hosts if is_standby(facts, host, marked=marked))
    if phase is Phase.TEARDOWN:
        return tuple(host for host in hosts if _may_be_torn_down(facts, host))
    return tuple(host for host in hosts if is_cleared(facts, host))


def worked_on(facts: Facts, host: str) -> bool:
    """Tell whether a playbook, or a person, has begun to change the host."""
    return any(
        step.works and host in facts.plan.branch(step.service).hosts
        for step in facts.plan.steps
        if step.key in facts.begun
    )


def was_cut(facts: Facts) -> bool:
    """Tell whether something on the standby was given up before it had come to its end."""
    given_up = {
        StepOutcome.TIMED_OUT,
        StepOutcome.CANCELLED,
        StepOutcome.UNREACHABLE,
        StepOutcome.UNKNOWN,
    }
    works = {step.key for step in facts.plan.steps if step.works}
    ended = {step.key for step in facts.steps}
    cut = any(step.key in works and step.outcome in given_up for step in facts.steps)
    untouchable = facts.lost or bool(facts.resumptions)
    return untouchable or cut or not works.isdisjoint(set(facts.begun) - ended)


def _may_be_torn_down(facts: Facts, host: str) -> bool:
    """Tell whether a teardown playbook may run on the host.

    Production in reach does not stop it where a playbook of this run has worked: that host was
    proven a standby, and what was begun there is to be put back, the sooner the more it reaches.
    Where nothing but guards has run, production in reach says that the host may not be what it
    seems, and there is nothing to put back: it is left alone.
    """
    return is_standby(facts, host) and (worked_on(facts, host) or is_cleared(facts, host))


def not_executed(facts: Facts) -> tuple[NotExecuted, ...]:
    """Return the planned steps that never began, and what kept playbooks from their hosts."""
    return tuple(
        NotExecuted(**dict(step), not_run=_not_run(facts, step)) for step in facts.not_executed()
    )


def _not_run(facts: Facts, step: PlannedStep) -> NotRun | None:
    if step.kind is not StepKind.PLAYBOOK:
        return None
    hosts = facts.plan.branch(step.service).hosts
    if workable(facts, step.phase, hosts) != hosts:
        return NotRun.NEVER_PROVEN
    return NotRun.NOTHING_BEGUN if step.phase is Phase.TEARDOWN and not facts.touched else None


def demanded(plan: RunPlan) -> Iterator[tuple[Phase, Guard]]:
    """Yield the guards that a whole drill looks at on each host, phase by phase."""
    isolation = isolation_of(plan)
    marker = [] if plan.drill.standby.marked_by_prepare else [_MARKER]
    guards: dict[Phase, list[Guard]] = {
        Phase.READINESS: [*identity_of(plan), *marker],
        Phase.PREPARE: [_MARKER, *isolation],
        Phase.VERIFY: isolation,
        Phase.TEARDOWN: isolation,
    }
    for phase, names in guards.items():
        yield from ((phase, name) for name in names)


def unlooked(facts: Facts, host: str) -> list[tuple[Phase, Guard]]:
    """Return the guards that a whole drill looks at on a host and that this run did not."""
    looks = {(each.phase, each.guard) for each in facts.guards if each.host == host}
    return [each for each in demanded(facts.plan) if each not in looks]
