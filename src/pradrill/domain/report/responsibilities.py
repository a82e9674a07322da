"""The plan's table of who answers for what, and what a run showed of each line.

A line names a topic, of which a run may show something by itself, or is the company's own, which a
manual step may name. What nothing shows was not exercised: silence is never a proof. Of a line of
its own that no step names nothing is known, as in records of before lines were topics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from pradrill.domain.declared.responsibility import Topic
from pradrill.domain.run.outcome import CheckOutcome, Phase, StepKind, StepOutcome, StepResult
from pradrill.domain.run.question import SlaMeasure, Standing, Wait
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason, joined, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Mark


class LineOutcome(StrEnum):
    """What a run showed of a responsibility."""

    SHOWN = "shown"
    FAILED = "failed"
    NOT_EXERCISED = "not exercised"
    UNKNOWN = "not known"


class LineEvidence(Model):
    """What a run showed of a line. `told` is what it is, `seconds` its figure if it has one."""

    proof: LineOutcome
    told: Reason
    seconds: float | None = None


class LineShown(Model):
    """A line of a service's table: what, who, and what the run showed of it."""

    service: str
    what: str
    who: str
    shown: tuple[LineEvidence, ...]


_NOT_EXERCISED = LineEvidence(proof=LineOutcome.NOT_EXERCISED, told=reason(Code.NOT_EXERCISED))
_NOT_KNOWN = LineEvidence(proof=LineOutcome.UNKNOWN, told=reason(Code.NO_TOPIC))


def responsibilities(record: RunRecord) -> tuple[LineShown, ...]:
    """Return every line of the services' tables with what the run showed of it."""
    return tuple(
        LineShown(service=name, what=what, who=who, shown=tuple(_line(record, name, what)))
        for name, service in record.plan.services.items()
        for what, who in service.responsibilities.items()
    )


def _line(record: RunRecord, service: str, line: str) -> Iterator[LineEvidence]:
    topic = Topic.of(line)
    shows = _SHOWS.get(topic) if topic is not None else None
    measured = None if shows is None or record.refusal is not None else shows(record, service)
    done = list(_by_people(record, service, line))
    if measured is not None:
        yield measured
    yield from done
    if measured is None and not done:
        yield _NOT_KNOWN if topic is None else _NOT_EXERCISED


def _backup(record: RunRecord, service: str) -> LineEvidence | None:
    recovery, failed = record.recovery_of(service), _failed(record, service)
    if failed is not None:
        return LineEvidence(proof=LineOutcome.FAILED, told=_ended(failed))
    if Mark.DATA_RESTORED not in recovery.marks or recovery.recovery_point is None:
        return None
    newest = recovery.recovery_point.at
    if not recovery.backup_id:
        return LineEvidence(
            proof=LineOutcome.SHOWN, told=reason(Code.RESTORED_FROM_UNNAMED, instant=newest)
        )
    told = reason(Code.RESTORED_FROM, name=recovery.backup_id, instant=newest)
    return LineEvidence(proof=LineOutcome.SHOWN, told=told)


def _restore(record: RunRecord, service: str) -> LineEvidence | None:
    if (failed := _failed(record, service)) is not None:
        return LineEvidence(proof=LineOutcome.FAILED, told=_ended(failed))
    rta = record.recovery_of(service).rta
    if rta is None:
        return None
    told = reason(Code.VERIFIED_AFTER, length=rta.seconds)
    return LineEvidence(proof=LineOutcome.SHOWN, told=told, seconds=rta.seconds)


def _machine(record: RunRecord, _service: str) -> LineEvidence | None:
    start = next((step for step in record.steps if step.kind is StepKind.START), None)
    if start is None:
        return None
    took = start.seconds
    if start.outcome is not StepOutcome.PASSED:
        return LineEvidence(
            proof=LineOutcome.FAILED, told=reason(Code.STANDBY_SILENT, length=took), seconds=took
        )
    return LineEvidence(
        proof=LineOutcome.SHOWN, told=reason(Code.STANDBY_REACHED, length=took), seconds=took
    )


def _network(record: RunRecord, service: str) -> LineEvidence | None:
    seen = _machine(record, service)
    if seen is None or seen.proof is not LineOutcome.SHOWN:
        return seen
    alone = reason(Code.STANDBY_REACHED_ALONE, length=seen.seconds)
    return seen.model_copy(update={"told": alone})


def _support(record: RunRecord, service: str) -> LineEvidence | None:
    provider = record.plan.services[service].provider
    measures = [m for m in record.sla if provider is None or m.provider == provider]
    if not measures:
        return None
    told = joined(map(_promise, measures))
    bad = any(m.standing is Standing.NOT_MET or m.seconds is None for m in measures)
    proof = LineOutcome.FAILED if bad else LineOutcome.SHOWN
    return LineEvidence(proof=proof, told=told, seconds=measures[-1].seconds)


def _checks(record: RunRecord, service: str) -> LineEvidence | None:
    mine = [check for check in record.checks if check.service in {None, service}]
    mandatory = [check for check in mine if check.mandatory]
    green = sum(check.outcome is CheckOutcome.PASSED for check in mandatory)
    if not mandatory:
        return None
    proof = LineOutcome.SHOWN if green == len(mandatory) else LineOutcome.FAILED
    return LineEvidence(
        proof=proof, told=reason(Code.CHECKS_PASSED, count=green, number=len(mandatory))
    )


def _by_people(record: RunRecord, service: str, line: str) -> Iterator[LineEvidence]:
    """Yield what people did in the manual steps that name the line."""
    for wait in record.waits:
        of_service = wait.service in {None, service}
        if of_service and wait.responsibility == line and wait.seconds is not None:
            proof, told = _done(wait, wait.seconds)
            yield LineEvidence(proof=proof, told=told, seconds=wait.seconds)


def _done(wait: Wait, took: float) -> tuple[LineOutcome, Reason]:
    if wait.answer is not None and wait.answer.yes:
        who = wait.answer.by
        return LineOutcome.SHOWN, reason(Code.DONE_BY_PERSON, step=wait.step, length=took, who=who)
    return LineOutcome.FAILED, reason(Code.NOT_DONE_BY_PERSON, step=wait.step, length=took)


def _promise(measure: SlaMeasure) -> Reason:
    stage, kept = measure.stage, measure.standing
    if measure.seconds is None:
        return reason(Code.CALL_UNANSWERED, stage=stage, length=measure.waited, kept=kept)
    return reason(Code.CALL_ANSWERED, stage=stage, length=measure.seconds, kept=kept)


def _ended(step: StepResult) -> Reason:
    return reason(Code.RESTORE_ENDED, step=step.name, ended=step.outcome)


def _failed(record: RunRecord, service: str) -> StepResult | None:
    """Return the restore step of a service that failed, if one did."""
    bad = {StepOutcome.FAILED, StepOutcome.TIMED_OUT}
    mine = (step for step in record.steps if step.service in {None, service})
    return next((s for s in mine if s.phase is Phase.RESTORE and s.outcome in bad), None)


_SHOWS: Mapping[Topic, Callable[[RunRecord, str], LineEvidence | None]] = {
    Topic.POWER_AND_NETWORK: _network,
    Topic.MACHINES: _machine,
    Topic.APPLICATIONS: _checks,
    Topic.BACKUPS: _backup,
    Topic.RESTORE: _restore,
    Topic.SUPPORT: _support,
}
"""The topics of which a run shows something by itself."""
