"""Show, for each line of the plan's table of who answers for what, what a run showed of it.

A line names a topic, of which a run may show something by itself, or is the company's own, which a
manual step may name. What nothing shows was not exercised: silence is never a proof. Of a line of
its own that no step names nothing is known, as in records of before lines were topics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from pradrill.domain.declared.responsibility import Topic, is_same_line, names
from pradrill.domain.report.accesses import accesses
from pradrill.domain.report.line_evidence import LineEvidence, Proof
from pradrill.domain.run.outcome import CheckOutcome, Phase, StepKind, StepOutcome, StepResult
from pradrill.domain.run.question import SlaMeasure, SlaStanding, Wait
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason, joined, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Mark


class LineShown(Model):
    """A line of a service's table: what, who, and what the run showed of it."""

    service: str
    what: str
    who: str
    evidence: tuple[LineEvidence, ...]


_NOT_EXERCISED = LineEvidence(proof=Proof.NOT_EXERCISED, text=reason(Code.NOT_EXERCISED))
_NOT_KNOWN = LineEvidence(proof=Proof.UNKNOWN, text=reason(Code.NO_TOPIC))


def responsibilities(record: RunRecord) -> tuple[LineShown, ...]:
    """Return every line of the services' tables with what the run showed of it."""
    return tuple(
        LineShown(
            service=name,
            what=what,
            who=", ".join(names(owners)),
            evidence=tuple(shown_by_run(record, name, what)),
        )
        for name, service in record.plan.services.items()
        for what, owners in service.responsibilities.items()
    )


def shown_by_run(record: RunRecord, service: str, line: str) -> Iterator[LineEvidence]:
    """Yield what a run showed of a line, or that it showed nothing."""
    topic = Topic.of(line)
    shows = _SHOWS.get(topic) if topic is not None else None
    measured = None if shows is None or record.refusal is not None else shows(record, service)
    by_people = list(_by_people(record, service, line))
    if measured is not None:
        yield measured
    yield from by_people
    if measured is None and not by_people:
        yield _NOT_KNOWN if topic is None else _NOT_EXERCISED


def _backup(record: RunRecord, service: str) -> LineEvidence | None:
    recovery, failed = record.recovery_of(service), _failed(record, service)
    if failed is not None:
        return LineEvidence(proof=Proof.FAILED, text=_ended(failed))
    if Mark.DATA_RESTORED not in recovery.marks or recovery.recovery_point is None:
        return None
    newest = recovery.recovery_point.at
    if not recovery.backup_id:
        return LineEvidence(
            proof=Proof.SHOWN, text=reason(Code.RESTORED_FROM_UNNAMED, instant=newest)
        )
    text = reason(Code.RESTORED_FROM, name=recovery.backup_id, instant=newest)
    return LineEvidence(proof=Proof.SHOWN, text=text)


def _restore(record: RunRecord, service: str) -> LineEvidence | None:
    if (failed := _failed(record, service)) is not None:
        return LineEvidence(proof=Proof.FAILED, text=_ended(failed))
    rta = record.recovery_of(service).rta
    if rta is None:
        return None
    text = reason(Code.VERIFIED_AFTER, length=rta.seconds)
    return LineEvidence(proof=Proof.SHOWN, text=text, seconds=rta.seconds)


def _machine(record: RunRecord, _service: str) -> LineEvidence | None:
    start = next((step for step in record.steps if step.kind is StepKind.START), None)
    if start is None:
        return None
    seconds = start.seconds
    if start.outcome is not StepOutcome.PASSED:
        return LineEvidence(
            proof=Proof.FAILED,
            text=reason(Code.STANDBY_SILENT, length=seconds),
            seconds=seconds,
        )
    return LineEvidence(
        proof=Proof.SHOWN, text=reason(Code.STANDBY_REACHED, length=seconds), seconds=seconds
    )


def _network(record: RunRecord, service: str) -> LineEvidence | None:
    machine = _machine(record, service)
    if machine is None or machine.proof is not Proof.SHOWN:
        return machine
    alone = reason(Code.STANDBY_REACHED_ALONE, length=machine.seconds)
    return machine.model_copy(update={"text": alone})


def _support(record: RunRecord, service: str) -> LineEvidence | None:
    provider = record.plan.services[service].provider
    measures = [m for m in record.sla if provider is None or m.provider == provider]
    if not measures:
        return None
    text = joined(map(_promise, measures))
    bad = any(m.standing is SlaStanding.NOT_MET or m.seconds is None for m in measures)
    proof = Proof.FAILED if bad else Proof.SHOWN
    return LineEvidence(proof=proof, text=text, seconds=measures[-1].seconds)


def _checks(record: RunRecord, service: str) -> LineEvidence | None:
    checks = [check for check in record.checks if check.service in {None, service}]
    mandatory = [check for check in checks if check.mandatory]
    green = sum(check.outcome is CheckOutcome.PASSED for check in mandatory)
    if not mandatory:
        return None
    proof = Proof.SHOWN if green == len(mandatory) else Proof.FAILED
    return LineEvidence(
        proof=proof, text=reason(Code.CHECKS_PASSED, count=green, number=len(mandatory))
    )


def _accesses(record: RunRecord, service: str) -> LineEvidence | None:
    """Return what shows that the accesses which the run used are gone; one that stays is told."""
    evidence = [
        each
        for line in accesses(record)
        if line.service == service
        for each in line.evidence
        if each.proof in {Proof.SHOWN, Proof.FAILED}
    ]
    return next((each for each in evidence if each.proof is Proof.FAILED), None) or next(
        iter(evidence), None
    )


def _by_people(record: RunRecord, service: str, line: str) -> Iterator[LineEvidence]:
    """Yield what people did in the manual steps that name the line."""
    for wait in record.waits:
        names_it = wait.responsibility is not None and is_same_line(wait.responsibility, line)
        if names_it and wait.service in {None, service} and wait.seconds is not None:
            proof, text = _result_of(wait, wait.seconds)
            yield LineEvidence(proof=proof, text=text, seconds=wait.seconds)


def _result_of(wait: Wait, seconds: float) -> tuple[Proof, Reason]:
    if wait.answer is not None and wait.answer.yes:
        who = wait.answer.by
        return Proof.SHOWN, reason(Code.DONE_BY_PERSON, step=wait.step, length=seconds, who=who)
    return Proof.FAILED, reason(Code.NOT_DONE_BY_PERSON, step=wait.step, length=seconds)


def _promise(measure: SlaMeasure) -> Reason:
    stage, standing = measure.stage, measure.standing
    if measure.seconds is None:
        return reason(Code.CALL_UNANSWERED, stage=stage, length=measure.waited, kept=standing)
    return reason(Code.CALL_ANSWERED, stage=stage, length=measure.seconds, kept=standing)


def _ended(step: StepResult) -> Reason:
    return reason(Code.RESTORE_ENDED, step=step.name, ended=step.outcome)


def _failed(record: RunRecord, service: str) -> StepResult | None:
    """Return the restore step of a service that failed, if one did."""
    bad = {StepOutcome.FAILED, StepOutcome.TIMED_OUT}
    steps = (step for step in record.steps if step.service in {None, service})
    return next((s for s in steps if s.phase is Phase.RESTORE and s.outcome in bad), None)


_SHOWS: Mapping[Topic, Callable[[RunRecord, str], LineEvidence | None]] = {
    Topic.POWER_AND_NETWORK: _network,
    Topic.MACHINES: _machine,
    Topic.APPLICATIONS: _checks,
    Topic.BACKUPS: _backup,
    Topic.RESTORE: _restore,
    Topic.SUPPORT: _support,
    Topic.ACCESSES: _accesses,
}
"""The topics of which a run shows something by itself."""
