"""Tell what an incident showed of the plan's responsibilities: who saw it, answered, was told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from pradrill.domain.declared.provider import Provider
from pradrill.domain.declared.responsibility import Topic
from pradrill.domain.register.incident import DetectedBy, Incident, IncidentStage
from pradrill.domain.report.line_evidence import LineEvidence, Proof
from pradrill.domain.run.question import CallStage, SlaStanding
from pradrill.domain.values.reason import reason
from pradrill.domain.values.reason_code import Code


class ShownByIncident(NamedTuple):
    """What an incident showed of a line, and when."""

    line: str
    at: datetime
    evidence: LineEvidence


def shown_by_incident(
    incident: Incident, provider: Provider, now: datetime
) -> Iterator[ShownByIncident]:
    """Yield what it showed; announced maintenance shows only what somebody entered."""
    if not incident.is_maintenance:
        yield from _detection(incident)
        yield from _support(incident, provider, now)
        yield from _restore(incident)
    yield from _communication(incident)
    for step in incident.valid:
        if step.responsibility is not None:
            text = reason(Code.EXERCISED_BY_INCIDENT, who=step.by)
            yield ShownByIncident(step.responsibility, step.at, _evidence(Proof.SHOWN, text))


def _evidence(proof: Proof, text: object, seconds: float | None = None) -> LineEvidence:
    return LineEvidence.model_validate({"proof": proof, "text": text, "seconds": seconds})


def _detection(incident: Incident) -> Iterator[ShownByIncident]:
    opening = incident.opening
    if opening.source is DetectedBy.SUPERVISION:
        text = _evidence(Proof.SHOWN, reason(Code.SEEN_BY_SUPERVISION))
        yield ShownByIncident(Topic.SUPERVISION, opening.at, text)
    elif opening.source is DetectedBy.USER:
        text = _evidence(Proof.FAILED, reason(Code.SEEN_BY_A_USER))
        yield ShownByIncident(Topic.SUPERVISION, opening.at, text)


def _support(incident: Incident, provider: Provider, now: datetime) -> Iterator[ShownByIncident]:
    call = incident.first(IncidentStage.CALLED)
    for promise in incident.promises(provider, now):
        if promise.stage is not CallStage.RESPONSE or call is None:
            continue
        waited = (now - call.at).total_seconds()
        answered = promise.seconds is not None
        text = reason(
            Code.CALL_ANSWERED if answered else Code.CALL_UNANSWERED,
            stage=promise.stage,
            length=promise.seconds if answered else waited,
            kept=promise.standing,
        )
        is_bad = promise.standing is SlaStanding.NOT_MET or not answered
        proof = Proof.FAILED if is_bad else Proof.SHOWN
        yield ShownByIncident(Topic.SUPPORT, call.at, _evidence(proof, text, promise.seconds))


def _restore(incident: Incident) -> Iterator[ShownByIncident]:
    if incident.run_id is not None and incident.restored is not None:
        text = _evidence(Proof.SHOWN, reason(Code.RECOVERED_BY_RUN, name=incident.run_id))
        yield ShownByIncident(Topic.RESTORE, incident.restored, text)


def _communication(incident: Incident) -> Iterator[ShownByIncident]:
    step = incident.first(IncidentStage.INFORMED)
    if step is not None:
        length = max(0.0, (step.at - incident.began).total_seconds())
        text = reason(Code.PEOPLE_INFORMED, who=step.who or step.by, length=length)
        evidence = _evidence(Proof.SHOWN, text, length)
        yield ShownByIncident(Topic.COMMUNICATION, step.at, evidence)
