"""What a journal's events add up to.

The live run and the recovery of a crashed one go through the same fold, so a record says the
same whether its process lived to write it or not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from pradrill.domain import actuals
from pradrill.domain.manual import Wait, sla_measures, waited_inside_rta
from pradrill.domain.model import Model
from pradrill.domain.outcome import CheckResult, GuardResult, Phase, StepResult
from pradrill.domain.record import Launch, Recovery, Refusal, RunRecord, RunState
from pradrill.domain.run_plan import FileHash, PlannedStep, RunPlan
from pradrill.domain.target import HostState
from pradrill.domain.timeline import Instant, Mark, Skew
from pradrill.domain.verdict import Evidence, Judgement, Verdict, exit_code, judge
from pradrill.errors import ExitCode


class Event(StrEnum):
    """The journal's vocabulary."""

    STARTED = "run_started"
    REFUSED = "run_refused"
    STEP_STARTED = "step_started"
    STEP_ENDED = "step_ended"
    MARK = "mark"
    GUARD = "guard"
    SKEW = "skew"
    BASELINE = "baseline"
    CHECK_PASS = "check_pass"  # noqa: S105 a pass of checks
    STABLE = "stable"
    READING = "recovery_point"
    ASKED = "asked"  # a person, who is waited for
    ANSWERED = "answered"  # or given up
    RESIDUE = "residue"
    SIGNAL = "signal"
    CLOCK = "clock_stepped"
    LOST = "run_lost"


class Reading(Model):
    """The recovery point as it was read."""

    point: Instant
    source: str
    catalogue: Instant | None = None
    backup_id: str | None = None


class CheckPass(Model):
    """One pass of checks."""

    number: int
    results: tuple[CheckResult, ...]


class Started(Model):
    """The journal's first fact: enough to tear the run down from another process."""

    plan: RunPlan
    launch: Launch
    versions: dict[str, str]
    environment: dict[str, str] = Field(default={}, description="the controller, in its own words")


class Facts(Model):
    """Everything that a run has shown so far."""

    started: Started
    began: datetime
    refusal: Refusal | None = None
    refused_because: tuple[str, ...] = ()
    touched: bool = Field(default=False, description="prepare has begun")
    steps: tuple[StepResult, ...] = ()
    begun: tuple[tuple[Phase, str], ...] = ()
    marks: dict[Mark, Instant] = {}
    guards: tuple[GuardResult, ...] = ()
    skew: dict[str, Skew] = {}
    baseline: dict[str, HostState] = {}
    passes: int = 0
    checks: dict[str, CheckResult] = {}
    stable: bool = False
    reading: Reading | None = None
    waits: tuple[Wait, ...] = ()
    residue: tuple[str, ...] = ()
    signal: int | None = None
    clock_stepped: float = 0.0
    lost: bool = Field(default=False, description="the process ended without a word")

    def after(self, event: Event, facts: dict[str, Any]) -> Facts:
        """Return the facts with one more event in."""
        return self.model_copy(update=_CHANGES[event](self, facts))

    @property
    def plan(self) -> RunPlan:
        """Return what was to be done."""
        return self.started.plan

    @property
    def state(self) -> RunState:
        """Return where the execution stands."""
        if self.lost:
            return RunState.CRASHED
        return RunState.INTERRUPTED if self.signal is not None else RunState.FINISHED

    def not_executed(self) -> tuple[PlannedStep, ...]:
        """Return the planned steps that never began."""
        return tuple(step for step in self.plan.steps if (step.phase, step.name) not in self.begun)

    def recovery(self) -> Recovery:
        """Return the measurements."""
        reading = self.reading
        return Recovery(
            marks=self.marks,
            recovery_point=reading.point if reading else None,
            recovery_point_from=reading.source if reading else "",
            catalogue_time=reading.catalogue if reading else None,
            backup_id=reading.backup_id if reading else None,
            rta=actuals.rta(self.marks),
            technical_rta=actuals.technical_rta(self.marks),
            rpa=actuals.rpa(self.marks, reading.point if reading else None),
            skew=self.skew,
            waited_for_people=waited_inside_rta(self.waits, self.marks),
            clock_stepped=self.clock_stepped,
        )

    def judgement(self) -> Judgement:
        """Return the verdict and why."""
        if self.refusal is not None:
            return Judgement(verdict=Verdict.INCONCLUSIVE, reasons=self.refused_because)
        recovery = self.recovery()
        judgement = judge(
            Evidence(
                completed=self.state is RunState.FINISHED,
                hosts=tuple(host.name for host in self.plan.hosts),
                steps=tuple(step for step in self.steps if step.phase is not Phase.TEARDOWN),
                not_executed=tuple(
                    step.name for step in self.not_executed() if step.phase is not Phase.TEARDOWN
                ),
                guards=self.guards,
                checks=tuple(self.checks.values()),
                stable=self.stable,
                rto=self.plan.objectives.rto,
                rpo=self.plan.objectives.rpo,
                rta=recovery.rta,
                rpa=recovery.rpa,
            )
        )
        if self.state is RunState.FINISHED:
            return judgement
        how = (
            "the run's process ended without a word (killed, or the machine went down)"
            if self.lost
            else f"the run was interrupted by signal {self.signal}"
        )
        return Judgement(verdict=Verdict.INCONCLUSIVE, reasons=(how, *judgement.reasons))

    def record(self, run_id: str, ended: datetime, evidence: tuple[FileHash, ...]) -> RunRecord:
        """Return the record of it all."""
        judgement = self.judgement()
        return RunRecord(
            run_id=run_id,
            launch=self.started.launch,
            plan=self.plan,
            state=self.state,
            refusal=self.refusal,
            verdict=judgement.verdict,
            reasons=judgement.reasons,
            exit_code=self._exit_code(judgement.verdict),
            signal=self.signal,
            started=self.began,
            ended=ended,
            recovery=self.recovery(),
            guards=self.guards,
            steps=self.steps,
            not_executed=self.not_executed(),
            checks=tuple(self.checks.values()),
            passes=self.passes,
            waits=self.waits,
            sla=sla_measures(self.waits),
            residue=self.residue,
            limits=self._limits(),
            versions=self.started.versions,
            evidence=evidence,
            environment=self.started.environment,
        )

    def _exit_code(self, verdict: Verdict) -> ExitCode:
        if self.refusal is not None and self.signal is None:
            busy = self.refusal is Refusal.BUSY
            return ExitCode.BUSY if busy else ExitCode.NOT_READY
        return exit_code(verdict, residue=bool(self.residue), signal=self.signal)

    def _disrupted_before_launch(self) -> bool:
        disrupted, declared = self.marks.get(Mark.DISRUPTION), self.marks.get(Mark.DECLARED)
        return disrupted is not None and declared is not None and disrupted.at < declared.at

    def _limits(self) -> tuple[str, ...]:
        drill = self.plan.drill
        limits = [
            "the checks prove what they check and nothing else; read their titles",
            "production was not switched over: name resolution, routing and users were not moved",
        ]
        if drill.scenario.disruption == "launch":
            what = (
                "the drill followed the disruption at once"
                if self._disrupted_before_launch()
                else "T0 is the launch of the drill"
            )
            limits.append(f"{what}: detection and decision took no time")
        if drill.standby.vm is not None:
            limits.append("the standby is a lab machine, not the one that a disaster would use")
        if any(wait.call is not None for wait in self.waits):
            limits.append(
                "a provider's times run from when the call was asked for, dialling included"
            )
        if "primary" not in self.skew:
            limits.append("the primary's clock was not compared with the controller's")
        return tuple(limits)


def check_key(result: CheckResult) -> str:
    """Return the id of a check on a host, as the verification names it."""
    return f"{result.check}@{result.host}"


_Change = dict[str, Any]


def _step_started(was: Facts, facts: _Change) -> _Change:
    phase = Phase(facts["phase"])
    return {
        "begun": (*was.begun, (phase, facts["name"])),
        "touched": was.touched or phase in {Phase.PREPARE, Phase.RESTORE},
    }


def _check_pass(was: Facts, facts: _Change) -> _Change:
    done = CheckPass.model_validate(facts)
    seen = {check_key(result): result for result in done.results}
    return {"passes": done.number, "checks": {**was.checks, **seen}}


def _refused(_was: Facts, facts: _Change) -> _Change:
    return {"refusal": Refusal(facts["refusal"]), "refused_because": tuple(facts["because"])}


_CHANGES: dict[Event, Callable[[Facts, _Change], _Change]] = {
    Event.STARTED: lambda _was, _facts: {},
    Event.REFUSED: _refused,
    Event.STEP_STARTED: _step_started,
    Event.STEP_ENDED: lambda was, facts: {"steps": (*was.steps, StepResult.model_validate(facts))},
    Event.MARK: lambda was, facts: {
        "marks": {**was.marks, Mark(facts["mark"]): Instant.model_validate(facts["instant"])}
    },
    Event.GUARD: lambda was, facts: {"guards": (*was.guards, GuardResult.model_validate(facts))},
    Event.SKEW: lambda was, facts: {
        "skew": {**was.skew, facts["host"]: Skew.model_validate(facts["skew"])}
    },
    Event.BASELINE: lambda was, facts: {
        "baseline": {**was.baseline, facts["host"]: HostState.model_validate(facts["state"])}
    },
    Event.CHECK_PASS: _check_pass,
    Event.STABLE: lambda _was, _facts: {"stable": True},
    Event.READING: lambda _was, facts: {"reading": Reading.model_validate(facts)},
    Event.ASKED: lambda was, facts: {"waits": (*was.waits, Wait.model_validate(facts))},
    Event.ANSWERED: lambda was, facts: {"waits": (*was.waits[:-1], Wait.model_validate(facts))},
    Event.RESIDUE: lambda was, facts: {"residue": (*was.residue, *facts["left"])},
    Event.SIGNAL: lambda was, facts: {"signal": was.signal or facts["signal"]},
    Event.CLOCK: lambda _was, facts: {"clock_stepped": facts["seconds"]},
    Event.LOST: lambda _was, _facts: {"lost": True},
}
