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
from pradrill.domain.catalogue import CatalogueReading
from pradrill.domain.integrity import IntegrityResult
from pradrill.domain.manual import Wait, sla_measures, waited_inside_rta
from pradrill.domain.model import Model
from pradrill.domain.outcome import CheckResult, GuardResult, Phase, StepKey, StepResult
from pradrill.domain.people import Severity
from pradrill.domain.readings import Contradiction, DataReading
from pradrill.domain.record import (
    Launch,
    Recovery,
    Refusal,
    RunRecord,
    RunState,
    ServiceResult,
)
from pradrill.domain.run_plan import Branch, FileHash, PlannedStep, RunPlan
from pradrill.domain.target import HostState, SeenHost
from pradrill.domain.timeline import Instant, Mark, Skew
from pradrill.domain.verdict import Evidence, Judgement, Verdict, exit_code, judge, together
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
    HOST = "host"
    BASELINE = "baseline"
    CHECK_PASS = "check_pass"  # noqa: S105 a pass of checks
    STABLE = "stable"
    READING = "recovery_point"
    ASKED = "asked"  # a person, who is waited for
    ANSWERED = "answered"  # or given up
    CATALOGUE = "catalogue"
    INTEGRITY = "integrity"
    RESIDUE = "residue"
    SIGNAL = "signal"
    CLOCK = "clock_stepped"
    LOST = "run_lost"


OF_A_BRANCH = frozenset(
    {
        Event.MARK,
        Event.CHECK_PASS,
        Event.STABLE,
        Event.READING,
        Event.CATALOGUE,
        Event.INTEGRITY,
    }
)
"""Events that say whose branch they are of, in `service`, where services have branches apart."""


class Reading(Model):
    """The recovery point as it was read."""

    point: Instant | None
    source: str
    catalogue: Instant | None = None
    backup_id: str | None = None
    readings: tuple[DataReading, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    remarks: tuple[str, ...] = Field(default=(), description="what the readings do not prove")


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
    primaries: dict[str, Skew] = Field(
        default={}, description="service → its primary's clock, measured just before"
    )


class Shown(Model):
    """What one branch of the recovery has shown; a run without branches apart has one."""

    marks: dict[Mark, Instant] = {}
    passes: int = 0
    checks: dict[str, CheckResult] = {}
    stable: bool = False
    reading: Reading | None = None
    catalogue: CatalogueReading | None = None
    integrity: IntegrityResult | None = None


class Facts(Model):
    """Everything that a run has shown so far."""

    started: Started
    began: datetime
    refusal: Refusal | None = None
    refused_because: tuple[str, ...] = ()
    touched: bool = Field(default=False, description="prepare has begun")
    steps: tuple[StepResult, ...] = ()
    begun: tuple[StepKey, ...] = ()
    marks: dict[Mark, Instant] = Field(default={}, description="those of the whole run")
    shown: dict[str | None, Shown] = Field(default={}, description="branch (its service) → its own")
    guards: tuple[GuardResult, ...] = ()
    skew: dict[str, Skew] = {}
    seen: dict[str, SeenHost] = {}
    baseline: dict[str, HostState] = {}
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
        return tuple(step for step in self.plan.steps if step.key not in self.begun)

    def of(self, service: str | None) -> Shown:
        """Return what a branch has shown, with the marks of the whole run among its own."""
        own = self.shown.get(service, Shown())
        return own.model_copy(update={"marks": {**self.marks, **own.marks}})

    def held_by(self, branch: Branch) -> tuple[str, ...]:
        """Return the services whose end kept a branch from beginning to restore."""
        begun = any(key[0] is Phase.RESTORE and key[2] == branch.service for key in self.begun)
        return () if begun else tuple(name for name in branch.after if not self.of(name).stable)

    def recovery(self) -> Recovery:
        """Return the measurements of the whole: its last service, and its worst loss."""
        branches = self._branches()
        readings = [own.reading for own in branches]
        points = [reading.point if reading else None for reading in readings]
        point = actuals.worst(points)
        oldest = min((each.earliest for each in points if each is not None), default=None)
        told = [reading for reading in readings if reading is not None]
        governs = (each for each in told if each.point and each.point.earliest == oldest)
        worst = next(governs, told[0] if told else None)
        marks = actuals.last([own.marks for own in branches])
        backups = branches[0] if len(branches) == 1 else Shown()
        return self._measured(marks, worst, point, self.skew, backups)

    def recovery_of(self, branch: Branch) -> Recovery:
        """Return the measurements of one branch."""
        own = self.of(branch.service)
        skew = self.skew_of(branch)
        point = own.reading.point if own.reading else None
        measured = self._measured(own.marks, own.reading, point, skew, own)
        mine = {None, branch.service, *branch.after}
        waits = [wait for wait in self.waits if wait.service in mine]
        return measured.model_copy(
            update={"waited_for_people": waited_inside_rta(waits, own.marks)}
        )

    def skew_of(self, branch: Branch) -> dict[str, Skew]:
        """Return the clocks that a branch's instants come from: its hosts', its primary's."""
        if branch.service is None:
            return self.skew
        mine = {*branch.hosts, "primary", f"primary of {branch.service}"}
        return {host: skew for host, skew in self.skew.items() if host in mine}

    def _measured(
        self,
        marks: dict[Mark, Instant],
        reading: Reading | None,
        point: Instant | None,
        skew: dict[str, Skew],
        backups: Shown,
    ) -> Recovery:
        return Recovery(
            marks=marks,
            recovery_point=point,
            recovery_point_from=reading.source if reading else "",
            catalogue_time=reading.catalogue if reading else None,
            backup_id=reading.backup_id if reading else None,
            readings=reading.readings if reading else (),
            contradictions=reading.contradictions if reading else (),
            rta=actuals.rta(marks),
            technical_rta=actuals.technical_rta(marks),
            rpa=actuals.rpa(marks, point),
            skew=skew,
            waited_for_people=waited_inside_rta(self.waits, marks),
            clock_stepped=self.clock_stepped,
            catalogue=backups.catalogue,
            integrity=backups.integrity,
        )

    def services(self) -> dict[str, ServiceResult]:
        """Return each service's own result."""
        results = {}
        for name in self.plan.services:
            branch = self.plan.branch(name)
            judgement = self.judgement_of(name)
            results[name] = ServiceResult(
                verdict=judgement.verdict,
                reasons=judgement.reasons,
                recovery=self.recovery_of(branch),
                hosts=branch.hosts,
                held_by=self.held_by(branch),
            )
        return results

    def judgement(self) -> Judgement:
        """Return the verdict on the whole and why: no better than that on any service."""
        if self.refusal is not None:
            return Judgement(verdict=Verdict.INCONCLUSIVE, reasons=self.refused_because)
        return self._ended(together({name: self._judged(name) for name in self.plan.services}))

    def judgement_of(self, service: str) -> Judgement:
        """Return the verdict on one service and why."""
        if self.refusal is not None:
            return Judgement(verdict=Verdict.INCONCLUSIVE, reasons=self.refused_because)
        return self._ended(self._judged(service))

    def _judged(self, service: str) -> Judgement:
        """Weigh one service's evidence, and what all share, against its own objectives."""
        branch = self.plan.branch(service)
        own, recovery = self.of(branch.service), self.recovery_of(branch)
        goals = self.plan.services[service].objectives

        def concerns(step: PlannedStep | StepResult) -> bool:
            return step.phase is not Phase.TEARDOWN and step.service in {None, branch.service}

        return judge(
            Evidence(
                completed=self.state is RunState.FINISHED,
                hosts=branch.hosts,
                steps=tuple(step for step in self.steps if concerns(step)),
                not_executed=tuple(step.name for step in self.not_executed() if concerns(step)),
                held_by=self.held_by(branch),
                guards=tuple(guard for guard in self.guards if guard.host in branch.hosts),
                checks=tuple(own.checks.values()),
                stable=own.stable,
                rto=goals.rto,
                rpo=goals.rpo,
                rta=recovery.rta,
                rpa=recovery.rpa,
                contradictions=tuple(
                    each.text
                    for each in recovery.contradictions
                    if each.severity is Severity.CRITICAL
                ),
            )
        )

    def _ended(self, judgement: Judgement) -> Judgement:
        """Return the judgement of a run that came to its end, or say that it did not."""
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
            services=self.services(),
            seen=self.seen,
            guards=self.guards,
            steps=self.steps,
            not_executed=self.not_executed(),
            checks=tuple(check for own in self._branches() for check in own.checks.values()),
            passes=sum(own.passes for own in self._branches()),
            waits=self.waits,
            sla=sla_measures(self.waits),
            residue=self.residue,
            limits=self._limits(),
            versions=self.started.versions,
            evidence=evidence,
            environment=self.started.environment,
        )

    def _branches(self) -> list[Shown]:
        return [self.of(branch.service) for branch in self.plan.branches]

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
        if drill.standby.machines:
            limits.append("the standby is a lab machine, not the one that a disaster would use")
        if any(wait.call is not None for wait in self.waits):
            limits.append(
                "a provider's times run from when the call was asked for, dialling included"
            )
        limits += [
            f"{other}, on which {', '.join(needing)} depends, is not in the drill: it was assumed "
            "available"
            for other, needing in self.plan.assumed.items()
        ]
        if not any(host == "primary" or host.startswith("primary of ") for host in self.skew):
            limits.append("the primary's clock was not compared with the controller's")
        for reading in (own.reading for own in self._branches() if own.reading is not None):
            limits += reading.remarks
            limits += [
                f"readings of the recovery point contradict each other: {each.text}"
                for each in reading.contradictions
            ]
        return tuple(limits)


def check_key(result: CheckResult) -> str:
    """Return the id of a check on a host, as the verification names it."""
    return f"{result.check}@{result.host}"


_Change = dict[str, Any]


def _step_started(was: Facts, facts: _Change) -> _Change:
    phase = Phase(facts["phase"])
    return {
        "begun": (*was.begun, (phase, facts["name"], facts.get("service"))),
        "touched": was.touched or phase in {Phase.PREPARE, Phase.RESTORE},
    }


def _mark(was: Facts, facts: _Change) -> _Change:
    mark = {Mark(facts["mark"]): Instant.model_validate(facts["instant"])}
    if facts.get("service") is None:
        return {"marks": {**was.marks, **mark}}
    return _of_branch(lambda own, _facts: {"marks": {**own.marks, **mark}})(was, facts)


def _of_branch(
    change: Callable[[Shown, _Change], _Change],
) -> Callable[[Facts, _Change], _Change]:
    """Make a change of what one branch has shown a change of the facts."""

    def fold(was: Facts, facts: _Change) -> _Change:
        service = facts.get("service")
        told = {key: value for key, value in facts.items() if key != "service"}
        own = was.shown.get(service, Shown())
        return {"shown": {**was.shown, service: own.model_copy(update=change(own, told))}}

    return fold


def _check_pass(was: Facts, facts: _Change) -> _Change:
    service = facts.get("service")

    def seen(own: Shown, told: _Change) -> _Change:
        done = CheckPass.model_validate(told)
        answers = [result.model_copy(update={"service": service}) for result in done.results]
        checks = {check_key(result): result for result in answers}
        return {"passes": done.number, "checks": {**own.checks, **checks}}

    return _of_branch(seen)(was, facts)


def _refused(_was: Facts, facts: _Change) -> _Change:
    return {"refusal": Refusal(facts["refusal"]), "refused_because": tuple(facts["because"])}


_CHANGES: dict[Event, Callable[[Facts, _Change], _Change]] = {
    Event.STARTED: lambda _was, _facts: {},
    Event.REFUSED: _refused,
    Event.STEP_STARTED: _step_started,
    Event.STEP_ENDED: lambda was, facts: {"steps": (*was.steps, StepResult.model_validate(facts))},
    Event.MARK: _mark,
    Event.GUARD: lambda was, facts: {"guards": (*was.guards, GuardResult.model_validate(facts))},
    Event.SKEW: lambda was, facts: {
        "skew": {**was.skew, facts["host"]: Skew.model_validate(facts["skew"])}
    },
    Event.HOST: lambda was, facts: {
        "seen": {**was.seen, facts["host"]: SeenHost.model_validate(facts["seen"])}
    },
    Event.BASELINE: lambda was, facts: {
        "baseline": {**was.baseline, facts["host"]: HostState.model_validate(facts["state"])}
    },
    Event.CHECK_PASS: _check_pass,
    Event.STABLE: _of_branch(lambda _own, _facts: {"stable": True}),
    Event.READING: _of_branch(lambda _own, facts: {"reading": Reading.model_validate(facts)}),
    Event.CATALOGUE: _of_branch(
        lambda _own, facts: {"catalogue": CatalogueReading.model_validate(facts)}
    ),
    Event.INTEGRITY: _of_branch(
        lambda _own, facts: {"integrity": IntegrityResult.model_validate(facts)}
    ),
    Event.ASKED: lambda was, facts: {"waits": (*was.waits, Wait.model_validate(facts))},
    Event.ANSWERED: lambda was, facts: {"waits": (*was.waits[:-1], Wait.model_validate(facts))},
    Event.RESIDUE: lambda was, facts: {"residue": (*was.residue, *facts["left"])},
    Event.SIGNAL: lambda was, facts: {"signal": was.signal or facts["signal"]},
    Event.CLOCK: lambda _was, facts: {"clock_stepped": facts["seconds"]},
    Event.LOST: lambda _was, _facts: {"lost": True},
}
