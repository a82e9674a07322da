"""The verdict: a pure function of the evidence. There is no default."""

from __future__ import annotations

import signal as signals
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from pydantic import Field

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
from pradrill.domain.values.duration import approximate, format_duration
from pradrill.domain.values.model import Model
from pradrill.domain.values.timeline import Elapsed, Provenance
from pradrill.errors import ExitCode


class Verdict(StrEnum):
    """What a run proved."""

    PASSED = "PASSED"
    MISSED = "MISSED"
    FAILED = "FAILED"
    INCONCLUSIVE = "INCONCLUSIVE"


class Evidence(Model):
    """All that a verdict may rest on."""

    completed: bool = Field(description="the run came to its end by itself")
    hosts: tuple[str, ...]
    steps: tuple[StepResult, ...] = Field(description="teardown's left out: it has its own code")
    not_executed: tuple[str, ...] = Field(description="planned steps that never began")
    held_by: tuple[str, ...] = Field(description="services whose end kept it from beginning")
    guards: tuple[GuardResult, ...]
    unlooked: tuple[tuple[str, Phase, str], ...] = Field(
        description="host, phase and name of guards that a drill looks at and the run did not"
    )
    checks: tuple[CheckResult, ...]
    stable: bool = Field(description="every mandatory check stayed green for stable_for")
    rto: timedelta
    rpo: timedelta
    rta: Elapsed | None
    rpa: Elapsed | None
    contradictions: tuple[str, ...] = Field(
        description="why the instants that the RPA rests on cannot be trusted"
    )


class Judgement(Model):
    """A verdict and why."""

    verdict: Verdict
    reasons: tuple[str, ...] = Field(min_length=1)


def judge(evidence: Evidence) -> Judgement:
    """Weigh the evidence: FAILED before INCONCLUSIVE before MISSED before PASSED."""
    for verdict, reasons in (
        (Verdict.FAILED, _failures(evidence)),
        (Verdict.INCONCLUSIVE, _gaps(evidence)),
        (Verdict.MISSED, _missed(evidence)),
    ):
        if reasons:
            return Judgement(verdict=verdict, reasons=tuple(reasons))
    return Judgement(
        verdict=Verdict.PASSED,
        reasons=(
            f"{_count(evidence.checks)} stayed green, both objectives are met with upper bounds",
        ),
    )


def together(services: Mapping[str, Judgement]) -> Judgement:
    """Return the verdict on the whole: the worst on any service, with whose reasons they are."""
    worst = max((each.verdict for each in services.values()), key=_FROM_BEST.index, default=None)
    if worst is None:
        return Judgement(verdict=Verdict.INCONCLUSIVE, reasons=("no service was to be recovered",))
    whose: dict[str, list[str]] = {}
    for name, judgement in services.items():
        for reason in judgement.reasons if judgement.verdict is worst else ():
            whose.setdefault(reason, []).append(name)
    return Judgement(
        verdict=worst,
        reasons=tuple(
            reason if len(names) == len(services) else f"{', '.join(names)}: {reason}"
            for reason, names in whose.items()
        ),
    )


def _count(checks: tuple[CheckResult, ...]) -> str:
    mandatory = sum(check.mandatory for check in checks)
    return f"{mandatory} mandatory check{'s' if mandatory != 1 else ''}"


def _failures(evidence: Evidence) -> list[str]:
    verbs = {StepOutcome.FAILED: "failed", StepOutcome.TIMED_OUT: "was not done at its deadline"}
    reasons = [
        f"{step.phase} step {step.name} {verbs[step.outcome]}"
        + (f": {step.detail}" if step.detail else "")
        for step in evidence.steps
        if step.outcome in verbs and step.kind not in _SAID_BY_ITSELF
    ]
    reasons += [
        f"production was within reach of {guard.host} once its data was restored: {guard.guard}"
        for guard in evidence.guards
        if opened(guard)
    ]
    return reasons + [
        f"check {check.check} failed on {check.host}: {check.title}"
        for check in evidence.checks
        if check.mandatory and check.outcome is CheckOutcome.FAILED
    ]


def _gaps(evidence: Evidence) -> list[str]:
    reasons = [] if evidence.completed else ["the run did not come to its end"]
    reasons += [] if evidence.hosts else ["no host took part"]
    reasons += [
        f"{step.phase} step {step.name}: {step.outcome.value.replace('_', ' ')}"
        + (f": {step.detail}" if step.detail else "")
        for step in evidence.steps
        if step.outcome is not StepOutcome.PASSED
    ]
    reasons += [
        f"it was not recovered: {name}, which it depends on, was not verified"
        for name in evidence.held_by
    ]
    if evidence.held_by:
        return reasons  # which says it all: nothing of it was tried
    reasons += [f"step {name} was not executed" for name in evidence.not_executed]
    restored = any(step.phase is Phase.RESTORE for step in evidence.steps)
    reasons += [] if restored else ["nothing was restored"]
    guarded = {guard.host for guard in evidence.guards}
    reasons += [f"no guard was proven on {host}" for host in evidence.hosts if host not in guarded]
    reasons += [
        f"guard {guard.guard} on {guard.host} is {guard.outcome}: {guard.detail}"
        for guard in evidence.guards
        if not guard.holds
    ]
    mandatory = [check for check in evidence.checks if check.mandatory]
    reasons += [] if mandatory else ["no mandatory check was carried out"]
    reasons += [
        f"check {check.check} on {check.host} was {check.outcome}: {check.detail}"
        for check in mandatory
        if check.outcome in {CheckOutcome.ERRORED, CheckOutcome.SKIPPED}
    ]
    reasons += [
        f"no check was carried out on {host}"
        for host in evidence.hosts
        if not any(check.host == host for check in mandatory)
    ]
    reasons += [] if evidence.stable else ["the service was not seen stable"]
    reasons += [f"the RPA cannot be trusted: {text}" for text in evidence.contradictions]
    reasons += _unmeasured("RTA", evidence.rta) + _unmeasured("RPA", evidence.rpa)
    return reasons or [  # said only where nothing else says that the run did not come so far
        f"guard {guard} was not looked at on {host} in {phase}"
        for host, phase, guard in evidence.unlooked
    ]


def opened(guard: GuardResult) -> bool:
    """Tell whether a guard saw production in reach of a host after its data was restored."""
    late = guard.phase in {Phase.VERIFY, Phase.TEARDOWN}
    return late and guard.of_isolation and guard.outcome is GuardOutcome.REFUSED


def _unmeasured(name: str, actual: Elapsed | None) -> list[str]:
    if actual is None:
        return [f"the {name} could not be measured"]
    if actual.high < 0 or not actual.low <= actual.seconds <= actual.high:
        return [f"the {name} is negative, or not within its bounds: instants contradict each other"]
    if actual.provenance is Provenance.ASSUMED:
        return [f"the {name} rests on an assumption, not on a measurement"]
    return []


def _missed(evidence: Evidence) -> list[str]:
    reasons = []
    for name, objective, actual in (
        ("RTA", evidence.rto, evidence.rta),
        ("RPA", evidence.rpo, evidence.rpa),
    ):
        if actual is None or not actual.meets(objective):
            found = "unknown"
            if actual is not None:  # the bound exactly: rounded, it may read as the objective
                found = f"{approximate(actual.seconds)}, at most {format_duration(actual.high)}"
            reasons.append(f"the {name} is {found}; the objective is {format_duration(objective)}")
    return reasons


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
