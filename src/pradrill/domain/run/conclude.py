"""Conclude from a run's facts: its measurements, its verdict, its record."""

from __future__ import annotations

from datetime import datetime

from pradrill.domain.run import actuals
from pradrill.domain.run.facts import BranchFacts, Facts
from pradrill.domain.run.limits import limits
from pradrill.domain.run.machine import provisioning_inside_rta
from pradrill.domain.run.outcome import Phase, StepResult
from pradrill.domain.run.proof import not_executed, unlooked
from pradrill.domain.run.question import sla_measures, waited_inside_rta
from pradrill.domain.run.record import Recovery, Refusal, RunRecord, RunState, ServiceResult
from pradrill.domain.run.resumption import outage_inside_rta
from pradrill.domain.run.run_plan import Branch, FileHash, PlannedStep
from pradrill.domain.run.verdict import Evidence, Judgement, Verdict, exit_code, judge, together
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Elapsed, Instant, Mark, Skew
from pradrill.errors import ExitCode


def record_of(
    facts: Facts, run_id: str, ended: datetime, evidence: tuple[FileHash, ...]
) -> RunRecord:
    """Return the record of it all."""
    judged = _on_all(facts)
    return RunRecord(
        run_id=run_id,
        launch=facts.started.launch,
        plan=facts.plan,
        state=facts.state,
        refusal=facts.refusal,
        verdict=judged.verdict,
        reasons=judged.reasons,
        exit_code=_exit_code(facts, judged.verdict),
        signal=facts.signal,
        aborted=facts.aborted,
        started=facts.began,
        ended=ended,
        recovery=recovery(facts),
        services=services(facts),
        seen=facts.seen,
        guards=facts.guards,
        steps=facts.steps,
        not_executed=not_executed(facts),
        checks=tuple(check for branch in facts.branches() for check in branch.checks.values()),
        passes=sum(branch.passes for branch in facts.branches()),
        resumptions=facts.resumptions,
        waits=facts.waits,
        sla=sla_measures(facts.waits),
        residue=facts.residue,
        erased=tuple(dict.fromkeys(facts.erased)),
        egress={host: each for host, each in facts.egress.items() if each.loaded},
        files=facts.files,
        limits=limits(facts),
        versions=facts.started.versions,
        evidence=evidence,
        environment=facts.started.environment,
    )


def recovery(facts: Facts) -> Recovery:
    """Return the measurements of the whole: its last service, and its worst loss."""
    branches = facts.branches()
    readings = [branch.reading for branch in branches]
    points = [reading.point if reading else None for reading in readings]
    point = actuals.worst(points)
    oldest = min((each.earliest for each in points if each is not None), default=None)
    measures = [reading for reading in readings if reading is not None]
    governs = (each for each in measures if each.point and each.point.earliest == oldest)
    worst = next(governs, measures[0] if measures else None)
    backups = branches[0] if len(branches) == 1 else BranchFacts()
    whole = BranchFacts(
        marks=actuals.last([branch.marks for branch in branches]),
        reading=worst,
        catalogue=backups.catalogue,
        integrity=backups.integrity,
    )

    return _measured(facts, whole, point, facts.skew)


def recovery_of(facts: Facts, branch: Branch) -> Recovery:
    """Return the measurements of one branch."""
    branch_facts = facts.of(branch.service)
    point = branch_facts.reading.point if branch_facts.reading else None
    whole = _measured(facts, branch_facts, point, facts.skew_of(branch))
    names = {None, branch.service, *branch.after}
    waits = [wait for wait in facts.waits if wait.service in names]

    return whole.model_copy(
        update={"waited_for_people": waited_inside_rta(waits, branch_facts.marks)}
    )


def _measured(
    facts: Facts, branch_facts: BranchFacts, point: Instant | None, skew: dict[str, Skew]
) -> Recovery:
    reading = branch_facts.reading
    verified = branch_facts.marks.get(Mark.SERVICE_VERIFIED)
    before_verified = [
        each for each in facts.resumptions if verified is None or each.last < verified.at
    ]

    def bounded(actual: Elapsed | None, *, both: bool = False) -> Elapsed | None:
        """Give a figure room for what is not known of the controller's clock."""
        widened = actuals.with_clock_set(actual, facts.clock_steps, both=both)
        return actuals.with_outages(widened, facts.resumptions if both else before_verified)

    return Recovery(
        marks=branch_facts.marks,
        recovery_point=point,
        recovery_point_from=reading.source if reading else "",
        catalogue_time=reading.catalogue if reading else None,
        backup_id=reading.backup_id if reading else None,
        readings=reading.readings if reading else (),
        contradictions=reading.contradictions if reading else (),
        rta=bounded(actuals.rta(branch_facts.marks)),
        technical_rta=bounded(actuals.technical_rta(branch_facts.marks)),
        rpa=bounded(actuals.rpa(branch_facts.marks, point), both=True),
        skew=skew,
        waited_for_people=waited_inside_rta(facts.waits, branch_facts.marks),
        provisioning=provisioning_inside_rta(facts.steps, branch_facts.marks),
        outage=outage_inside_rta(facts.resumptions, branch_facts.marks),
        clock_stepped=facts.clock_stepped,
        clock_steps=facts.clock_steps,
        catalogue=branch_facts.catalogue,
        integrity=branch_facts.integrity,
    )


def services(facts: Facts) -> dict[str, ServiceResult]:
    """Return each service's own result."""
    results = {}
    for name in facts.plan.services:
        branch = facts.plan.branch(name)
        judged = _on_service(facts, name)
        results[name] = ServiceResult(
            verdict=judged.verdict,
            reasons=judged.reasons,
            recovery=recovery_of(facts, branch),
            hosts=branch.hosts,
            held_by=facts.held_by(branch),
        )

    return results


def _on_all(facts: Facts) -> Judgement:
    """Return the verdict on the whole and why: no better than that on any service."""
    if facts.refusal is not None:
        return Judgement(verdict=Verdict.INCONCLUSIVE, reasons=facts.refused_because)
    return _ended(facts, together({name: _judged(facts, name) for name in facts.plan.services}))


def _on_service(facts: Facts, service: str) -> Judgement:
    """Return the verdict on one service and why."""
    if facts.refusal is not None:
        return Judgement(verdict=Verdict.INCONCLUSIVE, reasons=facts.refused_because)
    return _ended(facts, _judged(facts, service))


def _judged(facts: Facts, service: str) -> Judgement:
    """Weigh one service's evidence, and what all share, against its own objectives."""
    branch = facts.plan.branch(service)
    branch_facts, measured = facts.of(branch.service), recovery_of(facts, branch)
    goals = facts.plan.services[service].objectives

    def concerns(step: PlannedStep | StepResult) -> bool:
        return step.phase is not Phase.TEARDOWN and step.service in {None, branch.service}

    return judge(
        Evidence(
            completed=facts.state is RunState.FINISHED,
            hosts=branch.hosts,
            steps=tuple(step for step in facts.steps if concerns(step)),
            not_executed=tuple(step.name for step in facts.not_executed() if concerns(step)),
            held_by=facts.held_by(branch),
            brought_data=facts.brought_data,
            guards=tuple(guard for guard in facts.guards if guard.host in branch.hosts),
            unlooked=tuple(
                (host, phase, guard)
                for host in branch.hosts
                for phase, guard in unlooked(facts, host)
            ),
            checks=tuple(branch_facts.checks.values()),
            stable=branch_facts.stable,
            rto=goals.rto,
            rpo=goals.rpo,
            rta=measured.rta,
            rpa=measured.rpa,
            contradictions=tuple(
                each.text for each in measured.contradictions if each.severity is Severity.CRITICAL
            ),
        )
    )


def _ended(facts: Facts, judgement: Judgement) -> Judgement:
    """Return the judgement of a run that came to its end, or say that it did not."""
    if facts.state is RunState.FINISHED:
        return judgement
    return Judgement(verdict=Verdict.INCONCLUSIVE, reasons=(_how_ended(facts), *judgement.reasons))


def _how_ended(facts: Facts) -> Reason:
    """Say what ended a run that did not come to its end."""
    if facts.lost:
        return reason(Code.KILLED)
    if facts.aborted is not None:
        return reason(Code.ABORTED, who=facts.aborted.by)
    return reason(Code.STOPPED_BY_SIGNAL, number=facts.signal)


def _exit_code(facts: Facts, verdict: Verdict) -> ExitCode:
    if facts.aborted is not None and facts.signal is None and not facts.lost:
        return ExitCode.INTERRUPTED
    if facts.refusal is not None and facts.signal is None:
        if facts.residue and facts.provisioned:  # a run that has left a machine has touched much
            return exit_code(verdict, residue=True, signal=None)
        busy = facts.refusal is Refusal.BUSY
        return ExitCode.BUSY if busy else ExitCode.NOT_READY
    return exit_code(verdict, residue=bool(facts.residue), signal=facts.signal)
