"""The standby: what stands in the way, reaching it, proving what it is and what it reaches."""

from __future__ import annotations

from pradrill.domain.run.event import Event
from pradrill.domain.run.host import Host, HostFacts
from pradrill.domain.run.outcome import Guard, GuardOutcome, GuardResult, Phase, StepOutcome
from pradrill.domain.run.proof import is_standby
from pradrill.domain.run.run_plan import PlannedStep
from pradrill.domain.values.timeline import Mark
from pradrill.engine.context import Context, StepEnd
from pradrill.engine.guards import (
    identity_guards,
    isolation_guards,
    marker_guard,
    reach_guards,
    same_machine_guard,
)
from pradrill.errors import PradrillError


def preconditions(context: Context, _step: PlannedStep) -> StepEnd:
    """Collect every precondition that does not hold; touch nothing."""
    problems = [*context.tools.unusable, *context.tools.standby.problems()]
    if problems:
        return StepEnd(StepOutcome.FAILED, "\n".join(problems))
    return StepEnd(StepOutcome.PASSED)


def start(context: Context, _step: PlannedStep) -> StepEnd:
    """Make the standby reachable: the recovery starts here."""
    context.mark(Mark.RECOVERY_STARTS, context.tools.clock.now())
    context.connect()
    return StepEnd(StepOutcome.PASSED)


def identity(context: Context, step: PlannedStep) -> StepEnd:
    """Prove that every host is a standby and no primary; note what it is like before."""
    paths = context.facts.plan.drill.standby.absent_after_teardown
    refused: list[GuardResult] = []
    identified: list[HostFacts] = []
    for host in context.there().hosts:
        facts = context.tools.probe.facts(host, context.there())
        identified.append(facts)
        context.note(Event.SKEW, host=host.name, skew=facts.skew)
        context.note(Event.HOST, host=host.name, seen=facts.seen())
        refused += _guard(context, step.phase, _identified(context, host, facts))
        state = context.tools.probe.state(host, context.there(), paths)
        context.note(Event.BASELINE, host=host.name, state=state)
    if not refused:
        context.bind(identified)
        for facts in identified:
            context.tenancy.take(context.there(), facts)
    return _guarded(refused)


def prove_anew(context: Context) -> None:
    """Prove after a crash what the hosts are that are reached now, and hold on to their leases.

    What was proven is the past. Raises BusyError when another run holds one of them.
    """
    proven: list[HostFacts] = []
    for host in context.there().hosts:
        try:
            facts = context.tools.probe.facts(host, context.there())
        except PradrillError as error:
            lost = GuardOutcome.UNPROVEN
            unknown = GuardResult(
                guard=Guard.SAME_MACHINE, host=host.name, outcome=lost, detail=error.message
            )
            _guard(context, Phase.TEARDOWN, [unknown])
            continue
        same = same_machine_guard(host, facts, context.facts.seen.get(host.name))
        _guard(context, Phase.TEARDOWN, [same, *_identified(context, host, facts)])
        if is_standby(context.facts, host.name):
            proven.append(facts)
    context.bind(proven)
    for facts in proven:
        context.tenancy.resume(context.there(), facts)


def isolation(context: Context, step: PlannedStep) -> StepEnd:
    """Prove the marker on each machine, and that production is out of its reach."""
    endpoints = context.facts.plan.drill.must_not_reach()
    refused: list[GuardResult] = []
    for host in context.there().hosts:
        facts = context.tools.probe.facts(host, context.there())
        reached = context.tools.probe.reaches(host, context.there(), endpoints)
        refused += _guard(context, step.phase, isolation_guards(facts, endpoints, reached))
    return _guarded(refused)


def isolation_again(context: Context, step: PlannedStep) -> StepEnd:
    """Prove once more that production is out of reach: a restore may have opened a way to it.

    A host that does not answer leaves it unproven, and the others are looked at all the same.
    """
    endpoints = context.facts.plan.drill.must_not_reach()
    refused: list[GuardResult] = []
    for host in context.there().hosts:
        if not is_standby(context.facts, host.name):
            continue  # not even looked at: it was not proven to this process
        try:
            reached = context.tools.probe.reaches(host, context.there(), endpoints)
        except PradrillError as error:
            reached = dict.fromkeys(endpoints, f"unknown: {error.message}")
        refused += _guard(context, step.phase, reach_guards(host.name, endpoints, reached))
    came = _guarded(refused)
    if any(guard.outcome is GuardOutcome.REFUSED for guard in refused):
        return came._replace(outcome=StepOutcome.FAILED)
    return came


def residue(context: Context, _step: PlannedStep) -> StepEnd:
    """Compare every host with what it was before."""
    context.tenancy.confirm()  # what another run does there is not what this one left
    paths = context.facts.plan.drill.standby.absent_after_teardown
    left: list[str] = []
    for host in context.there().hosts:
        if not is_standby(context.facts, host.name):
            continue  # that it was not torn down is told already
        try:
            now = context.tools.probe.state(host, context.there(), paths)
        except PradrillError as error:
            left.append(f"{host.name}: not verified, {error.message}")
            continue
        before = context.facts.baseline.get(host.name)
        if before is None:
            left.append(f"{host.name}: not verified, its state before is not known")
        else:
            left += [f"{host.name}: {what}" for what in now.left_by(before)]
    return context.left(left)


def release(context: Context, _step: PlannedStep) -> StepEnd:
    """Leave nothing of what reaching the standby took."""
    for line in context.tenancy.give_back():
        context.tools.progress.say(line)
    return context.left(list(context.tools.standby.stop(context.journal.run_id)))


def _identified(context: Context, host: Host, facts: HostFacts) -> list[GuardResult]:
    """Look at what a host is, and at its marker unless the run's own prepare step places it."""
    plan = context.facts.plan
    guards = identity_guards(
        host,
        facts,
        plan.primaries,
        services=plan.services,
        known_by_name=plan.drill.standby.known_by_name,
    )
    return guards if plan.drill.standby.marked_by_prepare else [*guards, marker_guard(facts)]


def _guard(context: Context, phase: Phase, results: list[GuardResult]) -> list[GuardResult]:
    """Note what guards found in a phase; return those that a run may not rest on."""
    for result in results:
        context.note_guard(result.model_copy(update={"phase": phase}))
    return [result for result in results if not result.holds]


def _guarded(refused: list[GuardResult]) -> StepEnd:
    if not refused:
        return StepEnd(StepOutcome.PASSED)
    lines = (f"{guard.host}: {guard.guard}: {guard.detail}" for guard in refused)
    return StepEnd(StepOutcome.UNKNOWN, "\n".join(lines))
