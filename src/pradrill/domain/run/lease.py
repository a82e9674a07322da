"""Describe the lease of a run on a standby: on the machine, where every controller sees it."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from pradrill.domain.values.model import Model

LEASE_TERM = timedelta(minutes=10)
"""How long a lease holds after it was renewed last: so long a killed controller blocks others."""

LEASE_RENEWAL = timedelta(minutes=2)
"""How often a run renews its leases, whatever it does meanwhile."""


class LeaseState(StrEnum):
    """What asking for a lease, or for more of it, came to."""

    HELD = "held"
    BUSY = "busy"
    LOST = "lost"
    UNPROVEN = "unproven"
    UNWRITABLE = "unwritable"
    RELEASED = "released"


class LeaseEnd(StrEnum):
    """Why a lease that was found does not hold any more."""

    EXPIRED = "expired"
    REBOOTED = "rebooted"
    ENDED = "ended"
    IMPOSSIBLE = "impossible"  # it claims more than a term: no run has written it so


class Holder(Model):
    """Whose a lease is."""

    run: str
    controller: str = "unknown"
    state: str = Field(default="unknown", description="the state directory of the run")

    def __str__(self) -> str:
        """Name it for a person."""
        return f"run {self.run} of {self.controller} ({self.state})"


class FoundLease(Model):
    """A lease that lies on a standby."""

    holder: Holder
    holds: bool


class LeaseAnswer(Model):
    """What the standby answered."""

    state: LeaseState
    other: Holder | None = Field(default=None, description="who holds it, or held it before")
    left: float = Field(
        default=0.0, allow_inf_nan=False, description="seconds that the other's lease still has"
    )
    end: LeaseEnd | None = Field(default=None, description="why the other's does not hold any more")
    because: str = ""
