"""Describe what a status needs of a run: how it ended for each service, and what it measured."""

from __future__ import annotations

from pydantic import Field

from pradrill.domain.dossier.project_facts import ProofPlace
from pradrill.domain.run.ending import Verdict
from pradrill.domain.values.model import Model, Utc


class ProvenPoint(Model):
    """The recovery point of a run: a backup job that keeps this backup keeps what was proven."""

    at: Utc | None = Field(description="of the newest business data that was there")
    provenance: str | None = Field(description="measured, entered or assumed")
    backup_id: str | None = Field(description="what the restore tool takes; none: not told")
    backup_time: Utc | None = Field(description="the backup's own time, as its catalogue has it")
    source: str | None = Field(description="the tool; none: the drill names no source")
    location: str | None = Field(description="where the copy is, without credentials")


class RunPart(Model):
    """How a run ended for one service."""

    place: ProofPlace
    verdict: Verdict | None = Field(description="none: it came to no conclusion about the recovery")
    rta: float | None = Field(description="upper bound in seconds, as rpa")
    rpa: float | None
    point: ProvenPoint


class RunParts(Model):
    """A run, service by service."""

    run_id: str
    drill: str
    verdict: Verdict = Field(description="of the whole, as the register has it")
    parts: tuple[RunPart, ...]

    def of(self, service: str) -> RunPart | None:
        """Return how it ended for a service."""
        return next((part for part in self.parts if part.place.service == service), None)
