"""Name the journal's events: what can happen in a run, and what an event's body says."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from pradrill.domain.run.outcome import CheckResult
from pradrill.domain.run.record import Launch
from pradrill.domain.run.recovery_point import Contradiction, DataReading
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason
from pradrill.domain.values.timeline import ClockBase, Instant, Skew


class Event(StrEnum):
    """What can happen, as the journal names it."""

    STARTED = "run_started"
    REFUSED = "run_refused"
    STEP_STARTED = "step_started"
    STEP_ENDED = "step_ended"
    MARK = "mark"
    GUARD = "guard"
    SKEW = "skew"
    HOST = "host"
    BASELINE = "baseline"
    EGRESS = "egress"  # how a host's way out is denied, and what has tried it so far
    FILES = "files"  # which files a host's services opened, or that they are watched
    CHECK_PASS = "check_pass"  # noqa: S105 a pass of checks
    STABLE = "stable"
    NEWS = "news"  # what goes on inside a step, for whoever watches from elsewhere
    READING = "recovery_point"
    ASKED = "asked"  # a person, who is waited for
    ANSWERED = "answered"  # or given up
    CATALOGUE = "catalogue"
    INTEGRITY = "integrity"
    RESIDUE = "residue"
    SIGNAL = "signal"
    ABORTED = "run_aborted"  # by somebody elsewhere
    CLOCK = "clock_stepped"
    LOST = "run_lost"
    RESUMED = "run_resumed"  # by another process, all proven again
    ENDED = "run_ended"  # torn down, with all evidence there: only the record is missing


OF_A_BRANCH = frozenset(
    {
        Event.MARK,
        Event.CHECK_PASS,
        Event.STABLE,
        Event.READING,
        Event.CATALOGUE,
        Event.INTEGRITY,
    }
)
"""Events that say whose branch they are of, in `service`, where services have branches apart."""


class Reading(Model):
    """The recovery point as it was read."""

    point: Instant | None
    source: str
    catalogue: Instant | None = None
    backup_id: str | None = None
    readings: tuple[DataReading, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    remarks: tuple[Reason, ...] = Field(default=(), description="what the readings do not prove")


class CheckPass(Model):
    """One pass of checks."""

    number: int
    results: tuple[CheckResult, ...]
    surplus: int = Field(
        default=0, description="passes that the journal had no room for; these are their last words"
    )


class Started(Model):
    """The journal's first fact: enough to tear the run down from another process."""

    plan: RunPlan
    launch: Launch
    versions: dict[str, str]
    environment: dict[str, str] = Field(default={}, description="the controller, in its own words")
    primaries: dict[str, Skew] = Field(
        default={}, description="service → its primary's clock, measured just before"
    )
    clock: ClockBase | None = Field(default=None, description="what its instants count from")
