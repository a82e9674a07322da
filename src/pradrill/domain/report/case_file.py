"""Hold everything that a report on one run may draw from: the record, and what the chain adds."""

from __future__ import annotations

from pydantic import Field

from pradrill.domain.register.annotation import Annotation, AnnotationKind
from pradrill.domain.register.entry import Acknowledged, Wrong
from pradrill.domain.register.finding import Finding
from pradrill.domain.run.ending import Verdict
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.timeline import Elapsed


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


class Actuals(Model):
    """What a run measured of a service, or of the whole."""

    rta: Elapsed | None = None
    rpa: Elapsed | None = None


class EarlierRun(Model):
    """A registered run of the same drill before this one, for comparison."""

    run_id: str
    started: Utc
    verdict: Verdict
    whole: Actuals = Actuals()
    services: dict[str, Actuals] = {}

    def of(self, service: str | None) -> Actuals:
        """Return what it measured of a service; None: of the whole."""
        return self.whole if service is None else self.services.get(service, Actuals())


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
    earlier: tuple[EarlierRun, ...] = Field(
        default=(), description="the last finished runs of the same drill, the oldest first"
    )
    as_of: Utc | None = Field(
        default=None, description="the register's newest entry: findings are those of then"
    )
    integrity: RecordIntegrity | None = None

    @property
    def registered(self) -> bool:
        """Tell whether the register was read: without it nothing is known of findings."""
        return self.integrity is not None and self.integrity.entry is not None

    def of_kind(self, *kinds: AnnotationKind) -> tuple[Annotation, ...]:
        """Return the annotations of some kinds, as they were entered."""
        return tuple(note for note in self.annotations if note.kind in kinds)
