"""The standby: what stands in the way, reaching it, proving what it is and what it reaches."""

from __future__ import annotations

from pradrill.domain.events import Event
from pradrill.domain.outcome import GuardOutcome, GuardResult, StepOutcome
from pradrill.domain.run_plan import PlannedStep
from pradrill.domain.target import HostFacts
from pradrill.domain.timeline import Mark
from pradrill.engine.context import Came, Context
from pradrill.engine.guards import identity_guards, isolation_guards
from pradrill.errors import PradrillError


def preconditions(context: Context, _step: PlannedStep) -> Came:
    """Collect every precondition that does not hold; touch nothing."""
    problems = context.tools.standby.problems()
    if problems:
        return Came(StepOutcome.FAILED, "\n".join(problems))
    return Came(StepOutcome.PASSED)


def start(context: Context, _step: PlannedStep) -> Came:
    """Make the standby reachable: the recovery starts here."""
    context.mark(Mark.RECOVERY_STARTS, context.tools.clock.now())
    context.connect()
    return Came(StepOutcome.PASSED)


def identity(context: Context, _step: PlannedStep) -> Came:
    """Prove that every host is a standby and no primary; note what it is like before."""
    paths = context.facts.plan.drill.standby.absent_after_teardown
    refused: list[GuardResult] = []
    identified: list[HostFacts] = []
    for host in context.there().hosts:
        facts = context.tools.probe.facts(host, context.there())
        identified.append(facts)
        context.note(Event.SKEW, host=host.name, skew=facts.skew.model_dump(mode="json"))
        context.note(Event.HOST, host=host.name, seen=facts.seen().model_dump(mode="json"))
        refused += _guard(context, identity_guards(host, facts, context.facts.plan.primaries))
        state = context.tools.probe.state(host, context.there(), paths)
        context.note(Event.BASELINE, host=host.name, state=state.model_dump(mode="json"))
    if not refused:
        context.bind(identified)
    return _guarded(refused)


def isolation(context: Context, _step: PlannedStep) -> Came:
    """Prove the marker on each machine, and that production is out of its reach."""
    endpoints = context.facts.plan.drill.must_not_reach()
    refused: list[GuardResult] = []
    for host in context.there().hosts:
        facts = context.tools.probe.facts(host, context.there())
        reached = context.tools.probe.reaches(host, context.there(), endpoints)
        refused += _guard(context, isolation_guards(facts, endpoints, reached))
    return _guarded(refused)


def residue(context: Context, _step: PlannedStep) -> Came:
    """Compare every host with what it was before."""
    paths = context.facts.plan.drill.standby.absent_after_teardown
    left: list[str] = []
    for host in context.there().hosts:
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


def release(context: Context, _step: PlannedStep) -> Came:
    """Leave nothing of what reaching the standby took."""
    return context.left(list(context.tools.standby.stop()))


def _guard(context: Context, results: list[GuardResult]) -> list[GuardResult]:
    for result in results:
        context.note(Event.GUARD, **result.model_dump(mode="json"))
    return [result for result in results if result.outcome is not GuardOutcome.PROVEN]


def _guarded(refused: list[GuardResult]) -> Came:
    if not refused:
        return Came(StepOutcome.PASSED)
    lines = (f"{guard.host}: {guard.guard}: {guard.detail}" for guard in refused)
    return Came(StepOutcome.UNKNOWN, "\n".join(lines))
