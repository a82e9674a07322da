"""The register's entries: one line a fact, each carrying the hash of the one before."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from pradrill.domain.model import Model, Utc


class EntryKind(StrEnum):
    """What an entry is about; its body is the model of the same name."""

    RUN = "run"  # an attempt: finished, refused, interrupted or crashed
    SCHEDULE_MISSED = "schedule_missed"  # a drill was due and was not attempted
    ANNOTATION = "annotation"
    FINDING = "finding"
    CLOSURE = "closure"


class Entry(Model):
    """One entry of the register."""

    number: int = Field(ge=1)
    at: Utc
    kind: EntryKind
    previous: str = Field(description="SHA-256 of the entry before; 64 zeros for the first")
    body: dict[str, Any]


class RunEntry(Model):
    """The body of an attempt's entry: enough to list it, and the hash that seals its record."""

    run_id: str
    drill: str
    services: tuple[str, ...]
    state: str
    refusal: str | None
    verdict: str
    exit_code: int
    started: Utc
    ended: Utc
    record_sha256: str


class ScheduleMissed(Model):
    """The body of an entry for a drill that was due and that nobody attempted."""

    service: str
    due: Utc = Field(description="when it should have been attempted at the latest")
    last: Utc | None = Field(description="the last finished run before that")
