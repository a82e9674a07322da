"""Hold instants and durations that say where they come from and how sure they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from pradrill.domain.values.model import Model, Utc


class Provenance(StrEnum):
    """Where a figure comes from: an instrument, a person, or the plan."""

    MEASURED = "measured"
    ENTERED = "entered"
    ASSUMED = "assumed"


class Mark(StrEnum):
    """The marks of a recovery, in order."""

    DISRUPTION = "T0"
    DETECTED = "T1"
    DECLARED = "T2"
    RECOVERY_STARTS = "T3"
    DATA_RESTORED = "T4"
    SERVICE_VERIFIED = "T5"
    ACCEPTED = "T6"


class Instant(Model):
    """A point in time: the stated value, and the bounds between which the true one lies."""

    at: Utc
    earliest: Utc
    latest: Utc
    provenance: Provenance

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.earliest <= self.at <= self.latest:
            msg = "an instant lies between its bounds"
            raise ValueError(msg)
        return self

    @classmethod
    def around(cls, at: datetime, provenance: Provenance, *, within: float = 0.0) -> Instant:
        """Return an instant known to plus or minus `within` seconds."""
        margin = timedelta(seconds=abs(within))
        return cls(at=at, earliest=at - margin, latest=at + margin, provenance=provenance)

    def widened(self, seconds: float) -> Instant:
        """Return the same instant, known less well by `seconds` on both sides."""
        margin = timedelta(seconds=abs(seconds))
        return self.model_copy(
            update={"earliest": self.earliest - margin, "latest": self.latest + margin}
        )


class Elapsed(Model):
    """A duration in seconds between two instants, with the bounds that theirs allow."""

    seconds: float
    low: float
    high: float
    provenance: Provenance

    @classmethod
    def between(cls, start: Instant, end: Instant) -> Elapsed:
        """Return the time from `start` to `end`, as trustworthy as the weaker of the two."""
        weakest = max((start.provenance, end.provenance), key=list(Provenance).index)
        return cls(
            seconds=(end.at - start.at).total_seconds(),
            low=(end.earliest - start.latest).total_seconds(),
            high=(end.latest - start.earliest).total_seconds(),
            provenance=weakest,
        )

    def widened(self, *, low: float, high: float) -> Elapsed:
        """Return the same duration, known less well by so many seconds on either side."""
        return self.model_copy(update={"low": self.low - low, "high": self.high + high})

    def meets(self, objective: timedelta) -> bool:
        """Tell whether even the upper bound is within the objective."""
        return self.high <= objective.total_seconds()


class ClockBase(Model):
    """What a steady clock counts from: another process of the same boot can follow it."""

    boot: str = Field(description="the boot's id")
    at_boot: Utc = Field(description="what that clock would have said at the boot")


class ClockStep(Model):
    """The system's clock was set: seen when (steady UTC), and by how many seconds."""

    at: Utc
    seconds: float


class Skew(Model):
    """How far a host's clock is ahead of the controller's, by round trip over SSH (seconds).

    The bound is half the shortest round trip, as in Cristian (1989), "Probabilistic clock
    synchronization".
    """

    seconds: float
    within: float = Field(ge=0)

    @property
    def worst(self) -> float:
        """Return the largest offset that the measurement allows, in seconds."""
        return abs(self.seconds) + self.within
