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
from pradrill.domain.timeline import Elapsed, Mark, Provenance
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
    parts: tuple[Comparison, ...] = ()
    """Of the whole: each service's own. They decide, for the whole has no objective in the plan."""

    @property
    def standing(self) -> Standing:
        """Tell whether the objective is met; an assumed or contradictory actual tells nothing."""
        if self.parts:
            found = {part.standing for part in self.parts}
            order = (Standing.NOT_MET, Standing.UNKNOWN, Standing.MET)
            return next(standing for standing in order if standing in found)
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
        if self.parts:
            return text
        if text != self.objective_told or self.actual.seconds == self.objective.total_seconds():
            return text
        return wording.tenth(self.actual.seconds, up=self.standing is Standing.NOT_MET)

    @property
    def objective_told(self) -> str:
        """Write the objective; of the whole, the strictest and the widest."""
        found = sorted({part.objective for part in self.parts} or {self.objective})
        return " to ".join(wording.short(each) for each in dict.fromkeys((found[0], found[-1])))

    @property
    def interval(self) -> str:
        """Write the bounds between which the true value lies, rounded outwards."""
        if self.actual is None:
            return wording.NOT_MEASURED
        low, high = self.actual.low, self.actual.high
        return f"{wording.tenth(low, up=False)} to {wording.tenth(high, up=True)}"

    @property
    def left(self) -> float:
        """Return the seconds that the upper bound leaves of the objective."""
        high = float("inf") if self.actual is None else self.actual.high
        return self.objective.total_seconds() - high

    @property
    def margin(self) -> str:
        """Write what the upper bound leaves of the objective; negative when exceeded.

        Of the whole, what it leaves of the one that is nearest to being exceeded.
        """
        if self.actual is None:
            return wording.NOT_MEASURED
        if self.parts:
            lefts = [(part.left, part.margin) for part in self.parts]
            return min(lefts)[1]
        return wording.tenth(self.objective.total_seconds() - self.actual.high, up=False)


def comparisons(record: RunRecord) -> tuple[Comparison, Comparison]:
    """Return RTA against RTO, then RPA against RPO."""
    goals = record.plan.objectives
    rows = services(record)
    rtas, rpas = (tuple(row.comparisons[which] for row in rows) for which in (0, 1))
    return (
        Comparison("RTA", "RTO", record.recovery.rta, goals.rto, goals.rto_of, rtas),
        Comparison("RPA", "RPO", record.recovery.rpa, goals.rpo, goals.rpo_of, rpas),
    )


class ServiceRow(NamedTuple):
    """One of several services that were recovered apart, ready to be shown."""

    name: str
    verdict: Verdict
    comparisons: tuple[Comparison, Comparison]
    verified: str
    """When it was verified, or that it was not."""
    reasons: tuple[str, ...]


def services(record: RunRecord) -> tuple[ServiceRow, ...]:
    """Return a row a service, dependencies first; none when all were recovered as one."""
    rows = []
    for branch in record.plan.apart:
        name = str(branch.service)
        result = record.services.get(name)
        if result is None:
            continue
        goals = record.plan.services[name].objectives
        t5 = result.recovery.marks.get(Mark.SERVICE_VERIFIED)
        pair = (
            Comparison("RTA", "RTO", result.recovery.rta, goals.rto, name),
            Comparison("RPA", "RPO", result.recovery.rpa, goals.rpo, name),
        )
        when = "not verified" if t5 is None else wording.at_tenth(t5.at)
        rows.append(ServiceRow(name, result.verdict, pair, when, result.reasons))
    return tuple(rows)


def held(record: RunRecord) -> tuple[str, ...]:
    """Say which services were not recovered because of others, and of which."""
    return tuple(
        f"{name} was not recovered: {', '.join(result.held_by)}, which it depends on, "
        f"{'was' if len(result.held_by) == 1 else 'were'} not verified"
        for name, result in record.services.items()
        if result.held_by
    )


def named(step: StepResult | PlannedStep) -> str:
    """Return a step's name with its service's, where services are recovered apart."""
    return step.name if step.service is None else f"{step.service}: {step.name}"


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
    ways = record.plan.drill.ways.values()
    stable = " or ".join(dict.fromkeys(format_duration(way.verify.stable_for) for way in ways))
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
    passed = {step.key for step in record.steps if _passed(step, Phase.TEARDOWN)}
    planned = {step.key for step in record.plan.steps_of(Phase.TEARDOWN)}
    return wording.TEARDOWN["clean" if planned and planned <= passed else "unknown"]


def _passed(step: StepResult, phase: Phase) -> bool:
    return step.phase is phase and step.outcome is StepOutcome.PASSED


def unended(record: RunRecord) -> tuple[PlannedStep, ...]:
    """Return the planned steps that began and whose end is not on record."""
    told = {step.key for step in record.steps} | {step.key for step in record.not_executed}
    return tuple(step for step in record.plan.steps if step.key not in told)


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
