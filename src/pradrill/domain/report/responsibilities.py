"""Show, for each line of the plan's table of responsibilities, what a run proved of it.

Lines are in the company's own words, French or English, so they are recognised by their words. A
line that is not recognised was not exercised: silence is never a proof.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import NamedTuple

from pradrill.domain.run.outcome import CheckOutcome, Phase, StepKind, StepOutcome, StepResult
from pradrill.domain.run.question import SlaMeasure, SlaStanding, Wait
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason, joined, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Mark


class Topic(StrEnum):
    """What a line of the table is about."""

    BACKUP = "backup"
    RESTORE = "restore"
    MACHINE = "machine"
    NETWORK = "network"
    SUPPORT = "support"
    CHECKS = "checks"
    OTHER = "other"


class Proof(StrEnum):
    """What a run showed of a responsibility."""

    SHOWN = "shown"
    FAILED = "failed"
    NOT_EXERCISED = "not exercised"


class TopicEvidence(Model):
    """What a run showed of a topic. `text` is what it is, `seconds` its figure if it has one."""

    topic: Topic
    proof: Proof
    text: Reason
    seconds: float | None = None


class LineShown(Model):
    """A line of a service's table: what, who, and what the run showed of it."""

    service: str
    what: str
    who: str
    evidence: tuple[TopicEvidence, ...]


_WORDS: Mapping[Topic, str] = {
    Topic.BACKUP: r"backups?|sauvegardes?",
    Topic.RESTORE: r"restores?|restor\w+|recover\w*|restaurations?|reprise",
    Topic.MACHINE: r"vms?|machines?|servers?|serveurs?|host\w*|heberge\w*|hardware|materiels?",
    Topic.NETWORK: r"networks?|reseaux?|firewalls?|routing|routage",
    Topic.SUPPORT: r"support|assistance|astreintes?|helpdesk|hotline",
    Topic.CHECKS: r"checks?|tests?|applications?|verif\w+|recette",
}
_NOT_EXERCISED = reason(Code.NOT_EXERCISED)


def responsibilities(record: RunRecord) -> tuple[LineShown, ...]:
    """Return every line of the services' tables with what the run showed of it."""
    return tuple(
        LineShown(service=name, what=what, who=who, evidence=tuple(_line(record, name, what)))
        for name, service in record.plan.services.items()
        for what, who in service.responsibilities.items()
    )


def _line(record: RunRecord, service: str, what: str) -> Iterator[TopicEvidence]:
    words = _words(what)
    topics = [
        topic
        for topic, pattern in _WORDS.items()
        if any(re.fullmatch(pattern, word) for word in words)
    ]
    if not topics:
        yield _by_people(record, service, words)

    for topic in topics:
        evidence = _SAY[topic](record, service) if record.refusal is None else None
        proof, text, seconds = evidence or _Seen(Proof.NOT_EXERCISED, _NOT_EXERCISED)
        yield TopicEvidence(topic=topic, proof=proof, text=text, seconds=seconds)


class _Seen(NamedTuple):
    proof: Proof
    text: Reason
    seconds: float | None = None


def _backup(record: RunRecord, service: str) -> _Seen | None:
    recovery, failed = record.recovery_of(service), _failed(record, service)
    if failed is not None:
        return _Seen(Proof.FAILED, _ended(failed))
    if Mark.DATA_RESTORED not in recovery.marks or recovery.recovery_point is None:
        return None

    newest = recovery.recovery_point.at
    if not recovery.backup_id:
        return _Seen(Proof.SHOWN, reason(Code.RESTORED_FROM_UNNAMED, instant=newest))

    text = reason(Code.RESTORED_FROM, name=recovery.backup_id, instant=newest)
    return _Seen(Proof.SHOWN, text)


def _restore(record: RunRecord, service: str) -> _Seen | None:
    if (failed := _failed(record, service)) is not None:
        return _Seen(Proof.FAILED, _ended(failed))
    rta = record.recovery_of(service).rta
    if rta is None:
        return None
    return _Seen(Proof.SHOWN, reason(Code.VERIFIED_AFTER, length=rta.seconds), rta.seconds)


def _machine(record: RunRecord, _service: str) -> _Seen | None:
    start = next((step for step in record.steps if step.kind is StepKind.START), None)
    if start is None:
        return None

    length = start.seconds
    if start.outcome is not StepOutcome.PASSED:
        return _Seen(Proof.FAILED, reason(Code.STANDBY_SILENT, length=length), length)
    return _Seen(Proof.SHOWN, reason(Code.STANDBY_REACHED, length=length), length)


def _network(record: RunRecord, service: str) -> _Seen | None:
    evidence = _machine(record, service)
    if evidence is None or evidence.proof is not Proof.SHOWN:
        return evidence
    return evidence._replace(text=reason(Code.STANDBY_REACHED_ALONE, length=evidence.seconds))


def _support(record: RunRecord, service: str) -> _Seen | None:
    provider = record.plan.services[service].provider
    measures = [m for m in record.sla if provider is None or m.provider == provider]
    if not measures:
        return None

    text = joined(map(_promise, measures))
    bad = any(m.standing is SlaStanding.NOT_MET or m.seconds is None for m in measures)

    return _Seen(Proof.FAILED if bad else Proof.SHOWN, text, measures[-1].seconds)


def _checks(record: RunRecord, service: str) -> _Seen | None:
    checks = [check for check in record.checks if check.service in {None, service}]
    mandatory = [check for check in checks if check.mandatory]
    green = sum(check.outcome is CheckOutcome.PASSED for check in mandatory)
    if not mandatory:
        return None

    proof = Proof.SHOWN if green == len(mandatory) else Proof.FAILED
    return _Seen(proof, reason(Code.CHECKS_PASSED, count=green, number=len(mandatory)))


def _by_people(record: RunRecord, service: str, words: set[str]) -> TopicEvidence:
    """Return what a person did for a line that nothing else recognises, by the step's name."""
    for wait in record.waits:
        if wait.service not in {None, service}:
            continue
        if words & _words(wait.step) and wait.seconds is not None:
            proof, text = _by_person(wait, wait.seconds)
            return TopicEvidence(topic=Topic.OTHER, proof=proof, text=text, seconds=wait.seconds)

    return TopicEvidence(topic=Topic.OTHER, proof=Proof.NOT_EXERCISED, text=_NOT_EXERCISED)


def _by_person(wait: Wait, length: float) -> tuple[Proof, Reason]:
    if wait.answer is not None and wait.answer.yes:
        who = wait.answer.by
        return Proof.SHOWN, reason(Code.DONE_BY_PERSON, step=wait.step, length=length, who=who)
    return Proof.FAILED, reason(Code.NOT_DONE_BY_PERSON, step=wait.step, length=length)


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


def _words(text: str) -> set[str]:
    """Return a text's words of two letters or more, in lower case and without accents."""
    plain = unicodedata.normalize("NFKD", text.lower())
    bare = "".join(char for char in plain if not unicodedata.combining(char))
    return {word for word in re.findall(r"\w{2,}", bare) if word not in _SMALL}


_SMALL = frozenset(
    {"and", "the", "of", "for", "to", "et", "le", "la", "les", "de", "des", "du", "un"}
)
_SAY: Mapping[Topic, Callable[[RunRecord, str], _Seen | None]] = {
    Topic.BACKUP: _backup,
    Topic.RESTORE: _restore,
    Topic.MACHINE: _machine,
    Topic.NETWORK: _network,
    Topic.SUPPORT: _support,
    Topic.CHECKS: _checks,
}
