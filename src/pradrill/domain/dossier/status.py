"""Describe how the services stand: one word each, and what wants somebody's attention."""

from __future__ import annotations

from enum import IntEnum, StrEnum

from pydantic import Field

from pradrill.domain.declared.drill_on import DrillOnRule
from pradrill.domain.run.ending import Verdict
from pradrill.domain.values.duration import DrillEvery
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.severity import Severity

STATUS_FORMAT = 1


class Standing(StrEnum):
    """How well the recovery of a service is proved, in one word; the worst first."""

    FAILED = "failed"  # the latest test of one of its drills does not work
    NEVER_TESTED = "never tested"  # no test came to a conclusion
    MISSED = "missed"  # the latest test recovered, and missed an objective
    EXPIRED = "expired"  # passed last; too long ago, or something has changed since
    PROVEN = "proven"


class Expiry(StrEnum):
    """Why a proof does not hold any more."""

    OLD = "old"  # longer ago than drill_every
    CHANGED = "changed"  # what the recovery depends on is another today
    UNCOVERED = "uncovered"  # no drill of today would prove it again
    UNKNOWN = "unknown"  # the drill cannot be read: nobody knows whether it holds


class Level(IntEnum):
    """How urgent something is."""

    NOTE = 0
    WARNING = 1
    CRITICAL = 2


GOES_ON = "may go on"
"""The detail of a killed run's alarm that `pradrill resume` may go on with."""


class AlarmKind(StrEnum):
    """What wants attention; the most urgent first."""

    DAMAGE = "register_damage"
    UNREADABLE = "drills_unreadable"
    UNFINISHED = "unfinished_run"  # its process died, and nobody has torn it down
    STALE_LOCK = "lock_older_than_lease"
    MISSED_DATE = "missed_date"  # due, and nobody attempted it
    LONGER = "longer_than_ever"
    HEAD = "head_not_published"
    SILENT = "channel_silent"  # somebody who is to be told is not
    RESIDUE = "residue"
    OVERDUE = "overdue"
    UNCOVERED = "no_unattended_drill"  # the plan asks for what no drill can do by itself
    UNSCHEDULED = "not_scheduled"  # drill_on is written, and nothing has ever looked at it
    INCONCLUSIVE = "last_attempt_inconclusive"
    FINDING = "finding_overdue"
    ENDING = "commitment_ends"
    RUNNING = "running"

    @property
    def level(self) -> Level:
        """Return how urgent it is."""
        return _LEVELS.get(self, Level.WARNING)


_LEVELS = {
    AlarmKind.DAMAGE: Level.CRITICAL,
    AlarmKind.UNREADABLE: Level.CRITICAL,
    AlarmKind.UNFINISHED: Level.CRITICAL,
    AlarmKind.STALE_LOCK: Level.CRITICAL,
    AlarmKind.MISSED_DATE: Level.CRITICAL,
    AlarmKind.RUNNING: Level.NOTE,
}


class Alarm(Model):
    """One thing that wants attention, as data: sentences are made where people read them."""

    kind: AlarmKind
    level: Level
    service: str | None = None
    provider: str | None = None
    run_id: str | None = None
    at: Utc | None = Field(default=None, description="when it was due, ended, or began")
    detail: str = Field(default="", description="whose words they are depends on the kind")
    because: str = Field(default="", description="what kept a drill from its date, if it was tried")
    seconds: float | None = Field(default=None, description="how long, where the kind has a length")


class ConclusiveRun(Model):
    """A run that came to a conclusion about a service, and when it began."""

    run_id: str
    drill: str
    at: Utc
    verdict: Verdict


class SabotageScore(Model):
    """The last sabotage of a drill."""

    drill: str
    score: float | None = Field(description="part of the tried faults that checks noticed")
    at: Utc
    expired: bool = Field(description="the drill's files say something else today")


class ServiceStatus(Model):
    """How a service stands."""

    service: str
    title: str | None
    tier: int | None
    word: Standing
    expiry: tuple[Expiry, ...] = Field(default=(), description="why it is expired")
    changes: tuple[str, ...] = Field(default=(), description="what has changed since its proof")
    untested_drills: tuple[str, ...] = Field(
        default=(), description="drills that would recover it, and never came to a conclusion"
    )
    proof: ConclusiveRun | None = Field(default=None, description="the last run that passed")
    proof_age: float | None = Field(default=None, description="in seconds")
    latest: ConclusiveRun | None = Field(default=None, description="the last conclusive run")
    drill_every: DrillEvery | None = None
    drill_on: DrillOnRule | None = None
    due: Utc | None = Field(default=None, description="when its next drill is due; none: unknown")
    is_due: bool = False
    rto: float = Field(description="objective in seconds, of today's plan, as rpo")
    rpo: float
    rta: float | None = Field(default=None, description="upper bound, of the latest conclusive run")
    rpa: float | None = None
    rta_margin: float | None = Field(default=None, description="seconds left of the objective")
    rpa_margin: float | None = None
    sabotage: SabotageScore | None = Field(default=None, description="of its drills, the lowest")
    findings_open: dict[Severity, int] = Field(default={}, description="severity → how many")
    findings_overdue: int = 0


class Status(Model):
    """All of it, at one instant. `format` counts the changes that break readers."""

    format: int = STATUS_FORMAT
    made: Utc
    organisation: str
    services: tuple[ServiceStatus, ...] = Field(description="by tier, the worst first in each")
    counts: dict[Standing, int]
    alarms: tuple[Alarm, ...] = Field(description="the most urgent first")
    findings_open: dict[Severity, int] = Field(description="severity → how many")
    findings_overdue: int
    damage: str | None = Field(description="why nobody vouches for the register; none: all is well")
    head: str | None = Field(description="the register's: number and hash")
    entries: int
