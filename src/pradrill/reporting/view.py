"""What every report derives from a record: objectives against actuals, order, plain statements."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from pradrill.domain.duration import format_duration
from pradrill.domain.outcome import CheckOutcome, CheckResult, Phase, StepOutcome, StepResult
from pradrill.domain.record import RunRecord, RunState
from pradrill.domain.run_plan import PlannedStep
from pradrill.domain.timeline import Elapsed, Provenance
from pradrill.domain.verdict import Verdict
from pradrill.reporting import wording


class Standing(StrEnum):
    """How an actual stands against its objective."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "unknown"


class Comparison(NamedTuple):
    """An actual beside its objective, ready to be shown."""

    actual_name: str
    objective_name: str
    actual: Elapsed | None
    objective: timedelta
    objective_of: str

    @property
    def standing(self) -> Standing:
        """Tell whether the objective is met; an assumed or contradictory actual tells nothing."""
        if self.actual is None or self.actual.high < 0:
            return Standing.UNKNOWN
        if self.actual.provenance is Provenance.ASSUMED:
            return Standing.UNKNOWN
        return Standing.MET if self.actual.meets(self.objective) else Standing.NOT_MET

    @property
    def told(self) -> str:
        """Write the actual; more finely when it would read the same as its objective."""
        if self.actual is None:
            return wording.NOT_MEASURED
        text = wording.short(self.actual.seconds)
        if text != self.objective_told or self.actual.seconds == self.objective.total_seconds():
            return text
        return wording.tenth(self.actual.seconds, up=self.standing is Standing.NOT_MET)

    @property
    def objective_told(self) -> str:
        """Write the objective."""
        return wording.short(self.objective)

    @property
    def interval(self) -> str:
        """Write the bounds between which the true value lies, rounded outwards."""
        if self.actual is None:
            return wording.NOT_MEASURED
        low, high = self.actual.low, self.actual.high
        return f"{wording.tenth(low, up=False)} to {wording.tenth(high, up=True)}"

    @property
    def margin(self) -> str:
        """Write what the upper bound leaves of the objective; negative when exceeded."""
        if self.actual is None:
            return wording.NOT_MEASURED
        return wording.tenth(self.objective.total_seconds() - self.actual.high, up=False)


def comparisons(record: RunRecord) -> tuple[Comparison, Comparison]:
    """Return RTA against RTO, then RPA against RPO."""
    goals = record.plan.objectives
    return (
        Comparison("RTA", "RTO", record.recovery.rta, goals.rto, goals.rto_of),
        Comparison("RPA", "RPO", record.recovery.rpa, goals.rpo, goals.rpo_of),
    )


def headline(record: RunRecord) -> str:
    """Return the verdict in one short phrase, with what qualifies it."""
    if record.refusal is not None:
        return f"{record.verdict} (refused: {record.refusal.replace('_', ' ')})"
    if record.state is not RunState.FINISHED:
        return f"{record.verdict} ({record.state.lower()})"
    if record.residue and record.verdict is Verdict.PASSED:
        return f"{record.verdict} (residue)"
    return record.verdict.value


def notes(record: RunRecord) -> tuple[str, ...]:
    """Return the sentences that a reader of the verdict must not miss."""
    said = []
    if record.launch.dry_run:
        said.append("Dry run: nothing was carried out.")
    if record.refusal is not None:
        said.append(wording.REFUSED[record.refusal])
    elif record.state in wording.UNFINISHED:
        by = f" Signal: {signal_name(record.signal)}." if record.signal is not None else ""
        said.append(wording.UNFINISHED[record.state] + by)
    if record.residue:
        said.append("The standby was not left as declared: see the teardown.")
    return tuple(said)


def signal_name(number: int) -> str:
    """Name a signal, as in "SIGTERM (15)"."""
    try:
        return f"{signal.Signals(number).name} ({number})"
    except ValueError:
        return str(number)


def clock_rule(record: RunRecord) -> str:
    """Say in two sentences what the figures mean and when an objective is met."""
    stable = format_duration(record.plan.drill.verify.stable_for)
    return (
        "RTA = T5 - T0: from the disruption to the start of the first period in which every "
        f"mandatory check is green and stays so for {stable}; RPA = T0 - recovery point: the age, "
        "at the disruption, of the newest data proved present after the restore. "
        "An objective is met only if the upper bound of the interval meets it."
    )


def teardown(record: RunRecord) -> str:
    """Say what is known of the teardown, and no more."""
    if record.residue:
        return wording.TEARDOWN["residue"]
    reached = {step.phase for step in record.steps} - {Phase.READINESS, Phase.TEARDOWN}
    if record.refusal is not None or (not reached and record.state is not RunState.CRASHED):
        return wording.TEARDOWN["untouched"]
    passed = {step.name for step in record.steps if _passed(step, Phase.TEARDOWN)}
    planned = {step.name for step in record.plan.steps_of(Phase.TEARDOWN)}
    return wording.TEARDOWN["clean" if planned and planned <= passed else "unknown"]


def _passed(step: StepResult, phase: Phase) -> bool:
    return step.phase is phase and step.outcome is StepOutcome.PASSED


def unended(record: RunRecord) -> tuple[PlannedStep, ...]:
    """Return the planned steps that began and whose end is not on record."""
    told = {(step.phase, step.name) for step in record.steps}
    told |= {(step.phase, step.name) for step in record.not_executed}
    return tuple(step for step in record.plan.steps if (step.phase, step.name) not in told)


def sorted_checks(record: RunRecord) -> tuple[CheckResult, ...]:
    """Return the checks, those without a green answer first."""
    return tuple(sorted(record.checks, key=lambda check: check.outcome is CheckOutcome.PASSED))


def red_checks(record: RunRecord) -> tuple[CheckResult, ...]:
    """Return the checks that did not pass, mandatory ones first."""
    red = [check for check in record.checks if check.outcome is not CheckOutcome.PASSED]
    return tuple(sorted(red, key=lambda check: not check.mandatory))


def red_steps(record: RunRecord) -> tuple[StepResult, ...]:
    """Return the steps that did not pass."""
    return tuple(step for step in record.steps if step.outcome is not StepOutcome.PASSED)


def counted(record: RunRecord) -> str:
    """Count the checks by outcome, as in "12 checks: 10 passed, 2 failed"."""
    if not record.checks:
        return "No check was carried out."
    tally = Counter(check.outcome for check in record.checks)
    parts = ", ".join(f"{tally[outcome]} {outcome}" for outcome in CheckOutcome if tally[outcome])
    total = len(record.checks)
    times = f"{record.passes} pass{'es' if record.passes != 1 else ''}"
    return f"{total} check{'s' if total != 1 else ''}: {parts} (last answers of {times})."


def outcome(value: StrEnum) -> str:
    """Write an outcome in words."""
    return value.value.replace("_", " ")
