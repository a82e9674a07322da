"""Describe how a run went on in another process: from where, after what, and whether it may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import Field

from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.timeline import ClockBase, Instant, Mark


class Resumption(Model):
    """Another process took a run over, once all that it rests on was proven again."""

    by: str
    controller: str
    last: Utc = Field(description="the last fact of the process before")
    resumed: Utc
    seconds: float = Field(ge=0, description="from that fact: no controller watched the recovery")
    steady: bool = Field(
        default=True, description="one steady clock told both; else the machine was restarted"
    )
    within: float = Field(
        default=0.0,
        ge=0,
        description="by how much the seconds may be wrong, by the standby's clock",
    )
    clock: ClockBase | None = None
    versions: dict[str, str] = {}


def outage_inside_rta(resumptions: Iterable[Resumption], marks: Mapping[Mark, Instant]) -> float:
    """Return the seconds between T0 and T5 in which no controller watched."""
    begin, end = marks.get(Mark.DISRUPTION), marks.get(Mark.SERVICE_VERIFIED)
    if begin is None or end is None:
        return 0.0
    return sum(
        max(0.0, (min(each.resumed, end.at) - max(each.last, begin.at)).total_seconds())
        for each in resumptions
    )
