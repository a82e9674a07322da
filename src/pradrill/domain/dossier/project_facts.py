"""Describe what a status needs of a project: its plan and drills, without what they are made of.

Few and plain values, so that they can be kept beside the runs: reading a hundred drills anew would
cost more than all the rest.
"""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from pradrill.domain.declared.drill_on import WINDOW, DrillOnRule, QuietDays
from pradrill.domain.values.duration import DrillEvery, Duration
from pradrill.domain.values.model import Model


class ProofPlace(Model):
    """Where a service is recovered, after what: a proof holds for this and for nothing else."""

    service: str
    scenario: str
    standby: str
    lab: bool


class DeclaredService(Model):
    """A service as the plan has it."""

    title: str | None
    tier: int | None
    rto: float = Field(description="in seconds, as rpo")
    rpo: float
    every: DrillEvery | None
    on: DrillOnRule | None = None
    window: Duration = WINDOW
    quiet: tuple[QuietDays, ...] = ()


class DeclaredDrill(Model):
    """A drill as its file has it."""

    places: tuple[ProofPlace, ...]
    unattended: bool
    says: str = Field(description="SHA-256 of what its files say: a sabotage ages with them")

    @property
    def services(self) -> tuple[str, ...]:
        """Return what it recovers."""
        return tuple(place.service for place in self.places)


class DatedCommitment(Model):
    """A provider's contract (no name) or certification, and its last day."""

    provider: str
    what: str
    day: dt.date


class ProjectFacts(Model):
    """A plan with its drills."""

    organisation: str
    services: dict[str, DeclaredService]
    drills: dict[str, DeclaredDrill]
    commitments: tuple[DatedCommitment, ...] = ()
    unreadable: tuple[str, ...] = Field(
        default=(), description="what is wrong with drills: whether their proofs hold is not known"
    )
