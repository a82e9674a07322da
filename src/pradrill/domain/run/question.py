"""Describe what people are asked in a run, how long it waits, and what providers promised."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import Field

from pradrill.domain.declared.manual_step import Confirm
from pradrill.domain.declared.provider import Support
from pradrill.domain.run.outcome import Phase
from pradrill.domain.values.duration import Duration
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.timeline import Instant, Mark


class CallStage(StrEnum):
    """What is waited for after a call for help."""

    RESPONSE = "response"
    RESTORATION = "restoration"


class Call(Model):
    """A call to a provider, with what its contract says; one of its two answers."""

    provider: str
    stage: CallStage
    step: str = Field(description="the manual step that both answers belong to")
    support: Support
    promised: Duration | None = Field(description="from the SLA; None when it promises nothing")


class Answer(Model):
    """What a person said to a step that waited."""

    yes: bool
    text: str = Field(default="", max_length=4_000)
    by: str = Field(min_length=1, description="the login that answered")
    via: str = Field(description="terminal (where the run is watched) or command (pradrill answer)")


class Question(Model):
    """A step that waits for a person, as whoever answers it sees it."""

    run_id: str
    phase: Phase
    step: str = Field(description="its name, after its service's where services have branches")
    who: str
    instruction: str
    confirm: Confirm
    asked: Utc
    until: Utc
    call: Call | None = None


class Wait(Model):
    """How long a run waited for a person, and what came of it. Seconds are monotonic."""

    phase: Phase
    step: str
    service: str | None = Field(default=None, description="whose branch asked; none: of all")
    who: str
    confirm: Confirm
    call: Call | None = None
    responsibility: str | None = Field(
        default=None, description="the line of the plan that it exercises"
    )
    asked: Utc
    ended: Utc | None = Field(default=None, description="answered, given up, or still waiting")
    seconds: float | None = Field(default=None, ge=0)
    answer: Answer | None = None


class SlaStanding(StrEnum):
    """What is known of a promise."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "unknown"


class SlaMeasure(Model):
    """A provider's promise against what was measured.

    Counted from when the drill asked for the call: the time that it took to dial is in it, so a
    promise that reads as met is met.
    """

    provider: str
    stage: CallStage
    step: str
    service: str | None = None
    promised: Duration | None
    seconds: float | None = Field(description="None when no answer came: see waited")
    waited: float = Field(description="seconds from the call until the answer or the giving up")
    standing: SlaStanding


def waited(waits: Iterable[Wait]) -> float:
    """Return the seconds that the run waited for people."""
    return sum(wait.seconds or 0.0 for wait in waits)


def waited_inside_rta(waits: Iterable[Wait], marks: Mapping[Mark, Instant]) -> float:
    """Return the seconds between T0 and T5 in which the run waited for people."""
    begin, end = marks.get(Mark.DISRUPTION), marks.get(Mark.SERVICE_VERIFIED)
    if begin is None or end is None:
        return 0.0
    return sum(
        max(0.0, (min(wait.ended, end.at) - max(wait.asked, begin.at)).total_seconds())
        for wait in waits
        if wait.ended is not None
    )


def sla_measures(waits: Iterable[Wait]) -> tuple[SlaMeasure, ...]:
    """Measure each provider's response and restoration against its SLA, from the call on."""
    called: dict[tuple[str | None, Phase, str], datetime] = {}
    measures = []
    for wait in waits:
        call = wait.call
        if call is None or wait.ended is None:
            continue

        since = called.setdefault((wait.service, wait.phase, call.step), wait.asked)
        length = (wait.ended - since).total_seconds()
        answered = wait.answer is not None and wait.answer.yes
        measures.append(
            SlaMeasure(
                provider=call.provider,
                stage=call.stage,
                step=call.step,
                service=wait.service,
                promised=call.promised,
                seconds=length if answered else None,
                waited=length,
                standing=_standing(call.promised, length, answered=answered),
            )
        )

    return tuple(measures)


def _standing(promised: timedelta | None, length: float, *, answered: bool) -> SlaStanding:
    if promised is None:
        return SlaStanding.UNKNOWN
    if length > promised.total_seconds():
        return SlaStanding.NOT_MET
    return SlaStanding.MET if answered else SlaStanding.UNKNOWN
