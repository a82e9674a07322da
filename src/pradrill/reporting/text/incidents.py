"""Describe incidents in plain words, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from pradrill.domain.register.incident import Incident, IncidentStage, IncidentStep, Promise
from pradrill.domain.run.question import SlaStanding
from pradrill.domain.values.duration import format_duration
from pradrill.domain.values.timeline import Provenance
from pradrill.reporting.language import formats as wording

_NAMED = 5
"""So many earlier incidents of a kind are named."""


def incident_line(incident: Incident, now: datetime, earlier: Sequence[str]) -> str:
    """Say in a line what it is, how grave, for how long, and whether it comes again."""
    unqualified = "maintenance" if incident.is_maintenance else "not qualified"
    parts = [
        incident.incident,
        incident.severity.value if incident.severity else unqualified,
        ", ".join(incident.services),
        wording.line(incident.opening.title, 120),
        _duration(incident, now),
        _recurring(earlier),
    ]
    return "  ".join(part for part in parts if part)


def _recurring(earlier: Sequence[str]) -> str:
    """Name the last of those before it, and count the others."""
    if not earlier:
        return ""
    more = len(earlier) - _NAMED
    others = f" and {more} before" if more > 0 else ""
    return f"recurring: after {', '.join(earlier[-_NAMED:])}{others}"


def incident_lines(
    incident: Incident, now: datetime, earlier: Sequence[str], promises: Sequence[Promise]
) -> Iterator[str]:
    """Say all that is known of an incident: its steps, and what its provider promised."""
    yield incident_line(incident, now, earlier)
    if not incident.is_maintenance:
        yield f"    T0 {wording.at(incident.began)}" + (
            "" if any(step.began for step in incident.valid) else " (when it was detected)"
        )
    for number, step in enumerate(incident.steps, 1):
        is_opening = step.stage is IncidentStage.DETECTED
        stage = "announced" if is_opening and incident.is_maintenance else step.stage.value
        yield from _step_lines(number, step, stage, counts=number not in incident.corrected)
    if incident.sightings:
        yield f"    opened again by its key: {incident.sightings} times"
    if incident.is_maintenance and incident.until is not None:
        span = f"{wording.at(incident.began)} to {wording.at(incident.until)}"
        yield f"    announced from {span}"
    if incident.restored is not None:
        yield f"    T5 {wording.at(incident.restored)}"

    for promise in promises:
        yield f"    {_promise(incident, promise)}"
    if incident.closing and incident.lessons is None and not incident.is_maintenance:
        yield "    closed without lessons: nobody wrote down what was learned"


def _step_lines(number: int, step: IncidentStep, stage: str, *, counts: bool) -> Iterator[str]:
    later = (
        "" if step.provenance is Provenance.MEASURED else f", entered {wording.at(step.entered)}"
    )
    remark = "" if counts else " (corrected later: does not count)"
    by = wording.line(step.by, 80)
    yield f"    {number}. {stage} {wording.at(step.at)} by {by}{later}{remark}"
    for name, value in _facts(step):
        for line in wording.clean(value).splitlines():
            yield f"       {name}{line}"


def _facts(step: IncidentStep) -> Iterator[tuple[str, str]]:
    if step.corrects:
        yield "stands in for step ", str(step.corrects)
    for name, value in (
        ("", step.title if step.stage is IncidentStage.DETECTED else ""),
        ("seen first by: ", step.source and step.source.value),
        ("severity: ", step.severity and step.severity.value),
        ("provider: ", step.provider),
        ("cause: ", step.cause),
        ("who: ", step.who),
        ("ticket: ", step.ticket),
        ("answered: ", step.answered and wording.at(step.answered)),
        ("restored: ", step.restored and wording.at(step.restored)),
        ("recovered by the run ", step.run_id),
        ("responsibility: ", step.responsibility),
        ("lessons: ", step.lessons),
        ("", step.text),
    ):
        if value:
            yield name, value


def _promise(incident: Incident, promise: Promise) -> str:
    """Say what was promised, and what came of it."""
    provider = wording.line(incident.provider or "the provider", 60)
    what = f"{provider}, {promise.stage.value}"
    if promise.promised is None:
        return f"{what}: nothing is promised"
    measured = "not yet" if promise.seconds is None else f"after {format_duration(promise.seconds)}"
    standing = "" if promise.standing is SlaStanding.UNKNOWN else f": {promise.standing.value}"
    return f"{what}: promised in {format_duration(promise.promised)}, {measured}{standing}"


def _duration(incident: Incident, now: datetime) -> str:
    if incident.is_maintenance and incident.lasted is None and incident.until is not None:
        return f"announced: {wording.at(incident.began)} to {wording.at(incident.until)}"
    if incident.lasted is not None:
        lasted = f"lasted {format_duration(round(incident.lasted.total_seconds()))}"
        return lasted if incident.closing else f"{lasted}, not closed"
    if incident.closing is not None:
        return "closed, and nobody has entered when all worked again"
    return f"open for {format_duration(round((now - incident.began).total_seconds()))}"
