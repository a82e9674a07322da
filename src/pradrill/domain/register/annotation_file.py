"""What people say of a run once it is sealed: `pradrill annotate`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from pradrill.domain.register.annotation import STATED, Annotation, AnnotationKind
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.timeline import Mark

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
Texts = Annotated[
    tuple[Text, ...], BeforeValidator(lambda said: (said,) if isinstance(said, str) else said)
]
"""One text, or several."""
_BEFORE = {
    Mark.DETECTED: Mark.DISRUPTION,
    Mark.DECLARED: Mark.DETECTED,
    Mark.ACCEPTED: Mark.SERVICE_VERIFIED,
}


class ParticipantRole(StrEnum):
    """As what somebody took part."""

    REQUESTER = "requester"
    OPERATOR = "operator"
    OBSERVER = "observer"
    APPROVER = "approver"
    REVIEWER = "reviewer"


class Participant(Model):
    """Somebody who took part."""

    name: Text
    role: ParticipantRole
    first_time: bool | None = Field(default=None, description="had never done it before")
    independent: bool | None = Field(default=None, description="did not operate the recovery")

    @model_validator(mode="after")
    def _no_operator_is_independent(self) -> Self:
        if self.role is ParticipantRole.OPERATOR and self.independent:
            msg = "an operator is not independent of the recovery"
            raise ValueError(msg)
        return self


class Rex(Model):
    """The lessons learned."""

    well: tuple[Text, ...] = ()
    badly: tuple[Text, ...] = ()
    plan: tuple[Text, ...] = Field(default=(), description="the effect on the plan")


class SignOff(Model):
    """Who reviewed or approved the run, as what, when."""

    name: Text
    role: Text
    date: dt.date


class Notes(Model):
    """Everything that is entered at once, from a file, an editor or the command line."""

    marks: dict[Literal["T1", "T2", "T6"], Utc] = {}
    people: tuple[Participant, ...] = ()
    deviations: tuple[Text, ...] = ()
    workarounds: tuple[Text, ...] = ()
    rex: Rex = Rex()
    sign_off: tuple[SignOff, ...] = ()
    management_report: dt.date | None = Field(
        default=None, description="the day that it was reported to the management"
    )
    planned: dt.date | None = Field(default=None, description="the day that had been agreed on")
    site: Texts = Field(default=(), description="where the primary and the standby are")
    network: Texts = Field(default=(), description="the standby's: segment, routes, filters")
    backup: Texts = Field(default=(), description="which copy, where, its size and checksum")
    sampled: Texts = Field(default=(), description="how much was looked at, of how much")
    negative_control: Texts = Field(default=(), description="what was tried and must not work")
    erased: Texts = Field(default=(), description="data that the drill had made")
    revoked: Texts = Field(default=(), description="credentials that the drill had needed")
    retention: Texts = Field(default=(), description="how long the record is kept, and where")

    def annotations(self, run_id: str, at: dt.datetime, by: str) -> tuple[Annotation, ...]:
        """Return what goes into the register, one annotation a thing said."""
        return tuple(
            Annotation(run_id=run_id, at=at, by=by, kind=kind, **told)
            for kind, told in self._told()
        )

    def _told(self) -> Iterator[tuple[AnnotationKind, dict[str, Any]]]:
        for mark, instant in self.marks.items():
            yield AnnotationKind.MARK, {"mark": Mark(mark), "instant": instant}
        for person in self.people:
            yield AnnotationKind.PERSON, person.model_dump()
        for kind, texts in (
            (AnnotationKind.DEVIATION, self.deviations),
            (AnnotationKind.WORKAROUND, self.workarounds),
            (AnnotationKind.REX_WELL, self.rex.well),
            (AnnotationKind.REX_BADLY, self.rex.badly),
            (AnnotationKind.REX_PLAN, self.rex.plan),
            *((kind, getattr(self, kind.value)) for kind in STATED),
        ):
            for text in texts:
                yield kind, {"text": text}
        for signed in self.sign_off:
            yield AnnotationKind.SIGN_OFF, signed.model_dump()
        if self.management_report is not None:
            yield AnnotationKind.MANAGEMENT_REPORT, {"date": self.management_report}
        if self.planned is not None:
            yield AnnotationKind.PLANNED, {"date": self.planned}


Place = tuple[str | int, ...]


def note_problems(notes: Notes, record: RunRecord, now: dt.datetime) -> Iterator[tuple[Place, str]]:
    """Find what the notes contradict: the run, the calendar, themselves."""
    yield from _mark_problems(notes, record, now)
    operators = {person.name for person in notes.people if person.role is ParticipantRole.OPERATOR}
    for number, person in enumerate(notes.people):
        if person.independent and person.name in operators:
            yield ("people", number), f"{person.name} operated the recovery, so is not independent"
    yield from _date_problems(notes, record, now)


def _mark_problems(
    notes: Notes, record: RunRecord, now: dt.datetime
) -> Iterator[tuple[Place, str]]:
    entered = {Mark(name): at for name, at in notes.marks.items()}
    known = {mark: instant.earliest for mark, instant in record.recovery.marks.items()}
    for mark, at in entered.items():
        place: Place = ("marks", mark.value)
        before = _BEFORE[mark]
        earlier = entered.get(before, known.get(before))
        if at > now:
            yield place, "the instant is in the future"
        if earlier is not None and at < earlier:
            yield place, f"{mark.value} is before {before.value}, {earlier:%Y-%m-%d %H:%M:%S} UTC"
        if earlier is None and mark is Mark.ACCEPTED:
            yield place, "the run has no T5: there was no verified service to accept"


def _date_problems(
    notes: Notes, record: RunRecord, now: dt.datetime
) -> Iterator[tuple[Place, str]]:
    dates: list[tuple[Place, dt.date]] = [
        (("sign_off", number, "date"), signed.date) for number, signed in enumerate(notes.sign_off)
    ]
    if notes.management_report is not None:
        dates.append((("management_report",), notes.management_report))
    day = dt.timedelta(days=1)  # a date has no zone: the day before and after may be meant
    for place, date in dates:
        if date > now.date() + day:
            yield place, "the date is in the future"
        elif date < record.started.date() - day:
            yield place, f"the date is before the run, {record.started:%Y-%m-%d}"
