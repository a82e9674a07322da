"""Judge the evidence: a pure function. There is no default."""

from __future__ import annotations

import signal as signals
from collections.abc import Mapping
from datetime import timedelta

from pydantic import Field

from pradrill.domain.run.ending import Verdict as Verdict  # noqa: PLC0414 this module judges it
from pradrill.domain.run.guard import Guard, GuardKind
from pradrill.domain.run.outcome import (
    CheckOutcome,
    CheckResult,
    GuardOutcome,
    GuardResult,
    Phase,
    StepKind,
    StepOutcome,
    StepResult,
)
from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Elapsed, Provenance
from pradrill.errors import ExitCode


class Evidence(Model):
    """All that a verdict may rest on."""

    completed: bool = Field(description="the run came to its end by itself")
    hosts: tuple[str, ...]
    steps: tuple[StepResult, ...] = Field(description="teardown's left out: it has its own code")
    not_executed: tuple[str, ...] = Field(description="planned steps that never began")
    held_by: tuple[str, ...] = Field(description="services whose end kept it from beginning")
    brought_data: bool = Field(
        description="its machines were made of a backup: making them was the restore"
    )
    guards: tuple[GuardResult, ...]
    unlooked: tuple[tuple[str, Phase, Guard], ...] = Field(
        description="host, phase and name of guards that a drill looks at and the run did not"
    )
    checks: tuple[CheckResult, ...]
    stable: bool = Field(description="every mandatory check stayed green for stable_for")
    rto: timedelta
    rpo: timedelta
    rta: Elapsed | None
    rpa: Elapsed | None
    contradictions: tuple[Reason, ...] = Field(
        description="why the instants that the RPA rests on cannot be trusted"
    )


class Judgement(Model):
    """A verdict and why."""

    verdict: Verdict
    reasons: tuple[Reason, ...] = Field(min_length=1)


def judge(evidence: Evidence) -> Judgement:
    """Weigh the evidence: FAILED before INCONCLUSIVE before MISSED before PASSED."""
    for verdict, reasons in (
        (Verdict.FAILED, _failures(evidence)),
        (Verdict.INCONCLUSIVE, _gaps(evidence)),
        (Verdict.MISSED, _missed(evidence)),
    ):
        if reasons:
            return Judgement(verdict=verdict, reasons=tuple(reasons))
    mandatory = sum(check.mandatory for check in evidence.checks)
    return Judgement(verdict=Verdict.PASSED, reasons=(reason(Code.STAYED_GREEN, count=mandatory),))


def together(services: Mapping[str, Judgement]) -> Judgement:
    """Return the verdict on the whole: the worst on any service, with whose reasons they are."""
    worst = max((each.verdict for each in services.values()), key=_FROM_BEST.index, default=None)
    if worst is None:
        return Judgement(verdict=Verdict.INCONCLUSIVE, reasons=(reason(Code.NO_SERVICE),))
    reasons = [
        each
        for judgement in services.values()
        if judgement.verdict is worst
        for each in judgement.reasons
    ]
    return Judgement(
        verdict=worst,
        reasons=tuple(
            _of_services(each, services)
            for number, each in enumerate(reasons)
            if each not in reasons[:number]
        ),
    )


def _of_services(why: Reason, services: Mapping[str, Judgement]) -> Reason:
    """Return a reason with the services that it is of, unless it is of all."""
    whose = [name for name, judgement in services.items() if why in judgement.reasons]
    if len(whose) == len(services):
        return why
    return reason(Code.OF_SERVICES, whose=whose, because=why)


def _failures(evidence: Evidence) -> list[Reason]:
    reasons = [
        _of_step(step)
        for step in evidence.steps
        if step.outcome in _FAILING and step.kind not in _SAID_BY_ITSELF
    ]
    reasons += [_of_opening(guard) for guard in evidence.guards if opened(guard)]
    return reasons + [
        reason(Code.CHECK_FAILED, check=check.check, host=check.host, title=check.title)
        for check in evidence.checks
        if check.mandatory and check.outcome is CheckOutcome.FAILED
    ]


def _of_opening(guard: GuardResult) -> Reason:
    """Say what was open once data was restored: production itself, or the way out."""
    if guard.guard.kind is GuardKind.EGRESS:
        return reason(Code.EGRESS_OPENED, host=guard.host, because=guard.detail)
    return reason(Code.PRODUCTION_REACHED, host=guard.host, guard=guard.guard)


def _of_step(step: StepResult) -> Reason:
    """Say that a step failed, and why if that is known."""
    bare, because = _FAILING[step.outcome]
    if step.detail:
        return reason(because, phase=step.phase, step=step.name, because=step.detail)
    return reason(bare, phase=step.phase, step=step.name)


def _of_ending(step: StepResult) -> Reason:
    """Say how a step ended, and why if that is known."""
    if step.detail:
        return reason(
            Code.STEP_ENDED_BECAUSE,
            phase=step.phase,
            step=step.name,
            ended=step.outcome,
            because=step.detail,
        )
    return reason(Code.STEP_ENDED, phase=step.phase, step=step.name, ended=step.outcome)


def _gaps(evidence: Evidence) -> list[Reason]:
    reasons = [] if evidence.completed else [reason(Code.RUN_NOT_ENDED)]
    reasons += [] if evidence.hosts else [reason(Code.NO_HOST)]
    reasons += [
        _of_ending(step) for step in evidence.steps if step.outcome is not StepOutcome.PASSED
    ]
    reasons += [reason(Code.NOT_RECOVERED, other=name) for name in evidence.held_by]
    if evidence.held_by:
        return reasons  # which says it all: nothing of it was tried

    reasons += [reason(Code.STEP_NOT_EXECUTED, step=name) for name in evidence.not_executed]
    restored = any(
        step.phase is Phase.RESTORE or (evidence.brought_data and step.kind is StepKind.PROVISION)
        for step in evidence.steps
    )
    reasons += [] if restored else [reason(Code.NOTHING_RESTORED)]

    guarded = {guard.host for guard in evidence.guards}
    reasons += [reason(Code.NO_GUARD, host=host) for host in evidence.hosts if host not in guarded]
    reasons += [
        reason(
            Code.GUARD_NOT_HELD,
            guard=guard.guard,
            host=guard.host,
            seen=guard.outcome,
            because=guard.detail,
        )
        for guard in evidence.guards
        if not guard.holds
    ]

    mandatory = [check for check in evidence.checks if check.mandatory]
    reasons += [] if mandatory else [reason(Code.NO_MANDATORY_CHECK)]
    reasons += [
        reason(
            Code.CHECK_UNANSWERED,
            check=check.check,
            host=check.host,
            answered=check.outcome,
            because=check.detail,
        )
        for check in mandatory
        if check.outcome in {CheckOutcome.ERRORED, CheckOutcome.SKIPPED}
    ]

    reasons += [
        reason(Code.NO_CHECK_ON_HOST, host=host)
        for host in evidence.hosts
        if not any(check.host == host for check in mandatory)
    ]

    reasons += [] if evidence.stable else [reason(Code.NOT_STABLE)]
    reasons += [reason(Code.RPA_NOT_TRUSTED, because=each) for each in evidence.contradictions]
    reasons += _unmeasured("RTA", evidence.rta) + _unmeasured("RPA", evidence.rpa)

    return reasons or [  # said only where nothing else says that the run did not come so far
        reason(Code.GUARD_NOT_LOOKED_AT, guard=guard, host=host, phase=phase)
        for host, phase, guard in evidence.unlooked
    ]


def opened(guard: GuardResult) -> bool:
    """Tell whether a guard saw a host's isolation broken after its data was restored."""
    late = guard.phase in {Phase.VERIFY, Phase.TEARDOWN}
    return late and guard.of_isolation and guard.outcome is GuardOutcome.REFUSED


def _unmeasured(name: str, actual: Elapsed | None) -> list[Reason]:
    if actual is None:
        return [reason(Code.NOT_MEASURED, actual=name)]
    if actual.high < 0 or not actual.low <= actual.seconds <= actual.high:
        return [reason(Code.OUT_OF_BOUNDS, actual=name)]
    if actual.provenance is Provenance.ASSUMED:
        return [reason(Code.ASSUMED, actual=name)]
    return []


def _missed(evidence: Evidence) -> list[Reason]:
    reasons = []
    for name, objective, actual in (
        ("RTA", evidence.rto, evidence.rta),
        ("RPA", evidence.rpo, evidence.rpa),
    ):
        if actual is None:  # which is a gap, too, and said as one
            reasons.append(reason(Code.NOT_MEASURED, actual=name))
        elif not actual.meets(objective):
            missed = reason(  # the bound exactly: rounded, it may read as the objective
                Code.OBJECTIVE_MISSED,
                actual=name,
                length=actual.seconds,
                bound=actual.high,
                objective=objective,
            )

            reasons.append(missed)

    return reasons


_FAILING = {
    StepOutcome.FAILED: (Code.STEP_FAILED, Code.STEP_FAILED_BECAUSE),
    StepOutcome.TIMED_OUT: (Code.STEP_LATE, Code.STEP_LATE_BECAUSE),
}
_SAID_BY_ITSELF = {StepKind.CHECKS, StepKind.ISOLATION_AGAIN}
"""Kinds of steps whose checks and guards are reasons themselves."""

_FROM_BEST = (Verdict.PASSED, Verdict.MISSED, Verdict.INCONCLUSIVE, Verdict.FAILED)
_VERDICT_CODES = {
    Verdict.PASSED: ExitCode.PASSED,
    Verdict.MISSED: ExitCode.MISSED,
    Verdict.FAILED: ExitCode.FAILED,
    Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
}


def exit_code(verdict: Verdict, *, residue: bool, signal: int | None = None) -> ExitCode:
    """Return the process's answer: interrupted > verdict > residue > 0 (14 is the store's)."""
    if signal is not None:
        return ExitCode.TERMINATED if signal == signals.SIGTERM else ExitCode.INTERRUPTED
    code = _VERDICT_CODES[verdict]
    return ExitCode.RESIDUE if code is ExitCode.PASSED and residue else code
