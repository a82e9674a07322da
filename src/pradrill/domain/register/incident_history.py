"""Fold the register's entries into incidents, and tell which of them come again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from pradrill.domain.register.entry import Entry, EntryKind
from pradrill.domain.register.entry_body import body_of
from pradrill.domain.register.incident import Incident, IncidentStage, IncidentStep

IS_CLOSED = "it is closed"


def all_incidents(entries: Iterable[Entry]) -> tuple[Incident, ...]:
    """Return every incident in the order of opening.

    One that is opened with the key of an open one is that one, seen again: whoever opens it by
    program, twice at once too, has opened one. A step of an incident that nobody opened, a second
    closure, and a correction of another stage or of nothing, count for nothing.
    """
    incidents: dict[str, Incident] = {}
    by_key: dict[str, str] = {}
    for entry in entries:
        if entry.kind is not EntryKind.INCIDENT:
            continue

        step = body_of(entry, IncidentStep, "step of an incident")
        if step.stage is IncidentStage.DETECTED and not step.incident:
            again = incidents.get(by_key.get(step.key or "", ""))
            if again is not None and again.closing is None:
                more = again.sightings + 1
                incidents[again.incident] = again.model_copy(update={"sightings": more})
                continue

            name = f"I-{len(incidents) + 1}"
            incidents[name] = Incident(incident=name, steps=(step,))
            if step.key:
                by_key[step.key] = name  # those of the same key before it are closed
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
    return IS_CLOSED if is_over else None


def with_what_stays(step: IncidentStep, incident: Incident, *, told_when: bool) -> IncidentStep:
    """Return a correction with all that it does not say otherwise than the step before."""
    if step.corrects is None or not 0 < step.corrects <= len(incident.steps):
        return step
    before = incident.steps[step.corrects - 1]
    stays = {
        name: getattr(before, name)
        for name in IncidentStep.model_fields
        if not getattr(step, name) and name != "incident"
    }
    if not told_when:
        stays |= {"at": before.at, "provenance": before.provenance}
    return step.model_copy(update=stays)


class _Trait(NamedTuple):
    """What makes incidents one of a kind: read once of each, since thousands are compared."""

    name: str
    began: datetime
    over: datetime
    kinds: tuple[str, ...]


def recurrences(incidents: Iterable[Incident], within: timedelta) -> dict[str, tuple[str, ...]]:
    """Return incident → those before it of the same cause or service, the oldest first.

    One counts as long as it was over not longer ago than `within`. Maintenance recurs by nature.
    """
    traits = sorted(
        (_trait(each) for each in incidents if not each.is_maintenance),
        key=lambda trait: trait.began,
    )
    of_kind: dict[str, list[tuple[_Trait, datetime]]] = {}
    earlier: dict[str, tuple[str, ...]] = {}
    for trait in traits:
        before = {
            other.name: other
            for kind in trait.kinds
            for other in _recent(of_kind.get(kind, ()), trait.began - within)
        }
        earlier[trait.name] = tuple(
            other.name for other in sorted(before.values(), key=lambda other: other.began)
        )
        for kind in trait.kinds:
            same = of_kind.setdefault(kind, [])
            same.append((trait, max(trait.over, same[-1][1]) if same else trait.over))
    return earlier


def _recent(same: Sequence[tuple[_Trait, datetime]], since: datetime) -> Iterator[_Trait]:
    """Yield those that were over since then; beside each stands when all up to it were."""
    for other, all_over in reversed(same):
        if all_over < since:
            return
        if other.over >= since:
            yield other


def _trait(incident: Incident) -> _Trait:
    closing = incident.closing
    over = incident.restored or (closing.at if closing else datetime.max.replace(tzinfo=UTC))
    cause = " ".join((incident.cause or "").split()).casefold()
    kinds = [f"service {name}" for name in incident.services]
    return _Trait(
        incident.incident,
        incident.began,
        over,
        tuple(kinds + ([f"cause {cause}"] if cause else [])),
    )


def after(incident: Incident, step: IncidentStep) -> Incident:
    """Return the incident with one more step."""
    corrected = (*incident.corrected, step.corrects) if step.corrects else incident.corrected
    return incident.model_copy(update={"steps": (*incident.steps, step), "corrected": corrected})
