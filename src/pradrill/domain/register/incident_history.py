"""Fold the register's entries into incidents, and tell which of them come again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from pradrill.domain.register.entry import Entry, EntryKind
from pradrill.domain.register.entry_body import body_of
from pradrill.domain.register.incident import Incident, IncidentStage, IncidentStep


def all_incidents(entries: Iterable[Entry]) -> tuple[Incident, ...]:
    """Return every incident in the order of opening.

    One that is opened with the key of an open one is that one, seen again: whoever opens it by
    program, twice at once too, has opened one. A step of an incident that nobody opened, a second
    closure, and a correction of another stage or of nothing, count for nothing.
    """
    incidents: dict[str, Incident] = {}
    for entry in entries:
        if entry.kind is not EntryKind.INCIDENT:
            continue

        step = body_of(entry, IncidentStep, "step of an incident")
        if step.stage is IncidentStage.DETECTED and not step.incident:
            again = open_with(step.key, incidents.values())
            if again is not None:
                more = again.sightings + 1
                incidents[again.incident] = again.model_copy(update={"sightings": more})
                continue

            name = f"I-{len(incidents) + 1}"
            incidents[name] = Incident(incident=name, steps=(step,))
        elif (incident := incidents.get(step.incident)) and why_not(incident, step) is None:
            incidents[step.incident] = after(incident, step)

    return tuple(incidents.values())


def open_with(key: str | None, incidents: Iterable[Incident]) -> Incident | None:
    """Return the open incident that was opened with a key; none without one."""
    keyed = (each for each in incidents if key and each.steps[0].key == key)
    return next((each for each in keyed if each.closing is None), None)


def why_not(incident: Incident, step: IncidentStep) -> str | None:
    """Say why a step cannot be one of the incident; None when it can."""
    if step.corrects is not None:
        if not 0 < step.corrects <= len(incident.steps):
            return f"it has no step {step.corrects}"
        if step.corrects in incident.corrected:
            return f"its step {step.corrects} was corrected already"
        stage = incident.steps[step.corrects - 1].stage
        same = stage is step.stage
        return (
            None if same else f"its step {step.corrects} is {stage.value}, not {step.stage.value}"
        )

    is_over = incident.closing is not None and step.stage is not IncidentStage.NOTED
    return "it is closed" if is_over else None


def earlier_of_its_kind(
    incident: Incident, incidents: Sequence[Incident], within: timedelta
) -> list[Incident]:
    """Return the incidents before it of the same cause or service, the oldest first."""
    before = (each for each in incidents if each.incident != incident.incident)
    return sorted(
        (each for each in before if incident.recurs(each, within)), key=lambda each: each.began
    )


def after(incident: Incident, step: IncidentStep) -> Incident:
    """Return the incident with one more step."""
    corrected = (*incident.corrected, step.corrects) if step.corrects else incident.corrected
    return incident.model_copy(update={"steps": (*incident.steps, step), "corrected": corrected})
