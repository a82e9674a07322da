"""Describe guards, and what a host answered when it was asked what it reaches."""

from __future__ import annotations

from enum import StrEnum

from pydantic import model_serializer, model_validator

from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason


class GuardKind(StrEnum):
    """What a guard is about; the last two are about an endpoint, and about a service's primary."""

    DR_ROLE = "dr_role"
    HOST_KEY = "host-key"
    MACHINE_ID = "machine-id"
    SAME_MACHINE = "same-machine"  # as the one that a killed run worked on
    MARKER = "marker"
    LEASE = "lease"
    EGRESS = "egress"  # the table that denies the way out has the rules that were loaded
    MUST_NOT_REACH = "must-not-reach "
    NOT_PRIMARY_OF = "not-primary-of-"


class Guard(Model):
    """A condition that protects production. In files it is one key: `must-not-reach db:3306`."""

    kind: GuardKind | None
    """None: of another version."""
    of: str = ""

    def __str__(self) -> str:
        """Write its key."""
        return f"{self.kind or ''}{self.of}"

    @model_validator(mode="before")
    @classmethod
    def _from_key(cls, data: object) -> object:
        if not isinstance(data, str):
            return data
        about = (GuardKind.MUST_NOT_REACH, GuardKind.NOT_PRIMARY_OF)
        for kind in GuardKind:
            if data == kind or (kind in about and data.startswith(kind)):
                return {"kind": kind, "of": data.removeprefix(kind)}
        return {"kind": None, "of": data}

    @model_serializer
    def _to_key(self) -> str:
        return str(self)


class Reach(StrEnum):
    """What came of a connection that a host tried to make."""

    OPEN = "open"
    CLOSED = "closed"
    UNRESOLVED = "unresolved"  # the host knows no address of that name
    ITSELF = "itself"  # the address is the host's own
    UNKNOWN = "unknown"


class Reached(Model):
    """A host's answer about one endpoint."""

    reach: Reach
    detail: Reason
