"""Describe an incident step by step, as people enter it; nothing that was entered is changed.

The steps are those in which an incident at a provider is handled: detection, qualification, the
call for help, follow-up, internal communication, closure with its lessons.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeVar

from pydantic import Field

from pradrill.domain.declared.provider import Provider
from pradrill.domain.run.question import CallStage, SlaStanding
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Provenance

_Value = TypeVar("_Value")


class IncidentStage(StrEnum):
    """What a step of an incident is."""

    DETECTED = "detected"
    QUALIFIED = "qualified"
    CALLED = "called"
    INFORMED = "informed"
    NOTED = "noted"
    CLOSED = "closed"


class IncidentKind(StrEnum):
    """What an incident is: something broke, or somebody works on it and has said so before."""

    INCIDENT = "incident"
    MAINTENANCE = "maintenance"


class DetectedBy(StrEnum):
    """Who saw it first."""

    SUPERVISION = "supervision"
    USER = "user"


class IncidentStep(Model):
    """The body of an entry: one step of an incident, with its time and where that comes from."""

    incident: str = Field(
        default="", description="I-12 is the twelfth that was opened; empty where this opens it"
    )
    stage: IncidentStage
    at: Utc = Field(description="when it happened")
    provenance: Provenance = Field(description="measured: entered as it happened; else entered")
    entered: Utc
    by: str = Field(min_length=1, description="who entered it")
    text: str = ""
    title: str = Field(default="", description="what is wrong, in one sentence")
    key: str | None = Field(default=None, description="of who opens it by program: once while open")
    kind: IncidentKind | None = Field(default=None, description="none: an incident")
    until: Utc | None = Field(default=None, description="when announced maintenance is to end")
    services: tuple[str, ...] = ()
    provider: str | None = None
    source: DetectedBy | None = None
    began: Utc | None = Field(default=None, description="T0: since when it does not work")
    severity: Severity | None = None
    cause: str | None = None
    who: str | None = Field(default=None, description="who was called, or informed")
    ticket: str | None = Field(default=None, description="the provider's own number")
    answered: Utc | None = Field(default=None, description="when the provider took it up")
    restored: Utc | None = Field(default=None, description="T5: when all worked again")
    run_id: str | None = Field(default=None, description="the run that recovered it")
    lessons: str | None = None
    responsibility: str | None = Field(
        default=None, description="the line of the plan's responsibilities that it exercised"
    )
    corrects: int | None = Field(
        default=None, description="number of the step that this one stands in for"
    )


class Promise(Model):
    """A provider's promise against what an incident showed of it. Seconds."""

    stage: CallStage
    promised: float | None
    seconds: float | None = Field(description="from the call; None: it has not happened")
    standing: SlaStanding


class Incident(Model):
    """An incident, as all its steps have it."""

    incident: str
    steps: tuple[IncidentStep, ...] = Field(description="in the order of entering")
    corrected: tuple[int, ...] = Field(default=(), description="numbers of steps that do not count")
    sightings: int = Field(default=0, description="how often its key has opened it again")

    @property
    def valid(self) -> list[IncidentStep]:
        """Return the steps that count, a correction in the place of what it stands in for."""
        place: dict[int, int] = {}
        for number, step in enumerate(self.steps, 1):
            place[number] = place.get(step.corrects or 0, number)
        counting = (number for number in place if number not in self.corrected)
        return [self.steps[n - 1] for n in sorted(counting, key=lambda n: (place[n], n))]

    def first(self, stage: IncidentStage) -> IncidentStep | None:
        """Return the first step of a stage that counts."""
        return next((step for step in self.valid if step.stage == stage), None)

    @property
    def opening(self) -> IncidentStep:
        """Return the step that says what was detected."""
        return self.first(IncidentStage.DETECTED) or self.steps[0]

    @property
    def closing(self) -> IncidentStep | None:
        """Return the step that closes it; None while it is open."""
        return self.first(IncidentStage.CLOSED)

    @property
    def is_maintenance(self) -> bool:
        """Tell whether it was announced: nobody has to detect it, or to learn from it."""
        return self._last(lambda step: step.kind) is IncidentKind.MAINTENANCE

    @property
    def until(self) -> Utc | None:
        """Return when announced maintenance is to end."""
        return self._last(lambda step: step.until)

    @property
    def services(self) -> tuple[str, ...]:
        """Return whose service it hurts."""
        return tuple(dict.fromkeys(name for step in self.valid for name in step.services))

    @property
    def provider(self) -> str | None:
        """Return at whose place it is, as was said last."""
        return self._last(lambda step: step.provider)

    @property
    def severity(self) -> Severity | None:
        """Return how grave it is, as was said last."""
        return self._last(lambda step: step.severity)

    @property
    def cause(self) -> str | None:
        """Return the cause, as was said last."""
        return self._last(lambda step: step.cause)

    @property
    def began(self) -> Utc:
        """Return since when it does not work: T0, or when it was detected."""
        return self._last(lambda step: step.began) or self.opening.at

    @property
    def restored(self) -> Utc | None:
        """Return when all worked again."""
        return self._last(lambda step: step.restored)

    @property
    def answered(self) -> Utc | None:
        """Return when the provider took it up."""
        return self._last(lambda step: step.answered)

    @property
    def run_id(self) -> str | None:
        """Return the run that recovered it, if one did."""
        return self._last(lambda step: step.run_id)

    @property
    def lessons(self) -> str | None:
        """Return what was learned."""
        return self._last(lambda step: step.lessons)

    def _last(self, of: Callable[[IncidentStep], _Value | None]) -> _Value | None:
        values = map(of, reversed(self.valid))
        return next((value for value in values if value is not None), None)

    @property
    def lasted(self) -> timedelta | None:
        """Return for how long it did not work; None where nobody has entered its end."""
        return None if self.restored is None else max(self.restored - self.began, timedelta())

    def promises(self, provider: Provider, now: datetime) -> list[Promise]:
        """Compare what the provider promises, for such an incident, with what came of its call."""
        call = self.first(IncidentStage.CALLED)
        if call is None:
            return []
        ends = {CallStage.RESPONSE: self.answered, CallStage.RESTORATION: self.restored}
        if self.run_id is not None:  # we recovered it ourselves: that says nothing of the provider
            del ends[CallStage.RESTORATION]
        waits = None if self.closing else now
        return [
            _promise(stage, provider.sla.promised(stage.value, self.severity), call.at, end, waits)
            for stage, end in ends.items()
        ]


def _promise(
    stage: CallStage,
    promised: timedelta | None,
    call: datetime,
    end: datetime | None,
    now: datetime | None,
) -> Promise:
    """Compare; one that nobody has kept yet, and whose time is over, is not kept any more."""
    seconds = None if end is None else (end - call).total_seconds()
    standing = SlaStanding.UNKNOWN
    latest = end or now
    if promised is not None and latest is not None and latest - call > promised:
        standing = SlaStanding.NOT_MET
    elif promised is not None and end is not None and end >= call:
        standing = SlaStanding.MET

    limit = None if promised is None else promised.total_seconds()
    return Promise(stage=stage, promised=limit, seconds=seconds, standing=standing)
