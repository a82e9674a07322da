"""Everything that a report on one run may draw from: the sealed record, and what the chain adds."""

from __future__ import annotations

from pydantic import Field

from pradrill.domain.register.annotation import Annotation, AnnotationKind
from pradrill.domain.register.entry import Acknowledged, Wrong
from pradrill.domain.register.finding import Finding
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.model import Model, Utc


class RecordIntegrity(Model):
    """Where a record stands in the register, so that a reader can check it without us."""

    record_sha256: str
    entry: int | None = Field(default=None, description="number of its entry in the register")
    entry_sha256: str | None = None
    head: str | None = Field(default=None, description="hash of the register's newest entry")
    signer: str | None = Field(default=None, description="principal and key fingerprint")
    signed: bool = False
    stamped: Utc | None = Field(default=None, description="time that an RFC 3161 authority states")
    acknowledged: tuple[Acknowledged, ...] = Field(
        default=(), description="damage to the register that somebody answers for"
    )
    wrong: tuple[Wrong, ...] = Field(
        default=(),
        description="what a verification of this run, the chain and its head finds wrong today",
    )


class CaseFile(Model):
    """A run with all that is known about it today."""

    record: RunRecord
    annotations: tuple[Annotation, ...] = ()
    findings: tuple[Finding, ...] = Field(
        default=(), description="of the run's services: open ones, and those that the run concerns"
    )
    previous: RunRecord | None = Field(
        default=None, description="the last finished run of the same drill before this one"
    )
    integrity: RecordIntegrity | None = None

    @property
    def registered(self) -> bool:
        """Tell whether the register was read: without it nothing is known of findings."""
        return self.integrity is not None and self.integrity.entry is not None

    def of_kind(self, *kinds: AnnotationKind) -> tuple[Annotation, ...]:
        """Return the annotations of some kinds, as they were entered."""
        return tuple(note for note in self.annotations if note.kind in kinds)
