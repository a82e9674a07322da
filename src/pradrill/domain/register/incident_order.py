"""Judge whether the instants of an incident stand in an order that can be."""

from __future__ import annotations

from pradrill.domain.register.incident import Incident, IncidentStage


def disorder(incident: Incident) -> str | None:
    """Say which instant of an incident lies before what it must follow; None: all is in order."""
    if incident.is_maintenance:
        return _of_maintenance(incident)
    call, closing = incident.first(IncidentStage.CALLED), incident.closing
    wrong = {
        "only maintenance is announced with its end: --kind maintenance": incident.until
        is not None,
        "it was detected before it had begun": incident.began > incident.opening.at,
        "nobody had called the provider before it answered": incident.answered is not None
        and (call is None or incident.answered < call.at),
        "all worked again before it had begun": incident.restored is not None
        and incident.restored < incident.began,
        "it was closed before it was detected": closing is not None
        and closing.at < incident.opening.at,
    }
    return next((because for because, holds in wrong.items() if holds), None)


def _of_maintenance(incident: Incident) -> str | None:
    """Say what announced maintenance lacks, or which of its instants cannot be."""
    if not any(step.began for step in incident.valid) or incident.until is None:
        return "maintenance is announced from --began to --until"
    if incident.until <= incident.began:
        return "it was to end before it began"
    if incident.restored and incident.restored < incident.began:
        return "all worked again before it had begun"
    return None
