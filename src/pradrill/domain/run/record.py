"""Describe the sealed record of a run: the only source of every report."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pradrill.domain.run.abort import Abort
from pradrill.domain.run.backup_catalogue import CatalogueReading
from pradrill.domain.run.backup_integrity import IntegrityResult
from pradrill.domain.run.egress import HostEgress
from pradrill.domain.run.ending import Refusal as Refusal  # noqa: PLC0414 records name them
from pradrill.domain.run.ending import RunState as RunState  # noqa: PLC0414
from pradrill.domain.run.ending import Verdict, is_finished
from pradrill.domain.run.file_map import FileMap
from pradrill.domain.run.host import SeenHost
from pradrill.domain.run.outcome import CheckResult, GuardResult, StepResult
from pradrill.domain.run.question import SlaMeasure, Wait
from pradrill.domain.run.recovery_point import Contradiction, DataReading
from pradrill.domain.run.resumption import Resumption
from pradrill.domain.run.run_plan import FileHash, NotExecuted, RunPlan
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.reason import Reason
from pradrill.domain.values.timeline import ClockStep, Elapsed, Instant, Mark, Skew

RECORD_FORMAT = 2
"""1: reasons were English sentences; 2: they have codes and values, and the sentence beside."""


class Launch(Model):
    """Who or what started the run, on which machine."""

    trigger: str = Field(description="cli, due or demo")
    user: str
    controller: str
    dry_run: bool = False
    rehearsal: bool = Field(
        default=False, description="said before anything ran: whatever it shows counts for nothing"
    )
    due: Utc | None = Field(
        default=None, description="when drill_every of the plan had it due; none: no schedule"
    )


class Recovery(Model):
    """What was measured: instants with provenance, actuals with uncertainty."""

    marks: dict[Mark, Instant] = {}
    recovery_point: Instant | None = None
    recovery_point_from: str = Field(default="", description="the command or value read")
    catalogue_time: Instant | None = Field(
        default=None, description="the backup's own time; shown beside, never instead"
    )
    backup_id: str | None = None
    readings: tuple[DataReading, ...] = Field(
        default=(), description="every source of newest data; the recovery point is the worst"
    )
    contradictions: tuple[Contradiction, ...] = Field(
        default=(), description="instants that cannot all be right: each is a finding"
    )
    rta: Elapsed | None = None
    technical_rta: Elapsed | None = None
    rpa: Elapsed | None = None
    skew: dict[str, Skew] = {}
    waited_for_people: float = Field(
        default=0.0, description="seconds of the RTA in which the run waited for people"
    )
    provisioning: float = Field(
        default=0.0, description="seconds of the RTA in which the standby's machines were made"
    )
    outage: float = Field(
        default=0.0, description="seconds of the RTA in which no controller watched"
    )
    clock_stepped: float = Field(
        default=0.0, description="seconds by which the controller's wall clock was moved"
    )
    clock_steps: tuple[ClockStep, ...] = Field(
        default=(), description="when it was set at once, and not by and by"
    )
    catalogue: CatalogueReading | None = Field(
        default=None, description="the backups there were, the one chosen, and the worst case"
    )
    integrity: IntegrityResult | None = Field(
        default=None, description="what a check of the backups themselves came to"
    )


class ServiceResult(Model):
    """What the recovery of one service came to, against its own objectives."""

    verdict: Verdict
    reasons: tuple[Reason, ...]
    recovery: Recovery
    hosts: tuple[str, ...]
    held_by: tuple[str, ...] = Field(
        default=(), description="services that it depends on, whose end kept it from beginning"
    )


class RunRecord(Model):
    """One attempt, whole. Written once, never changed."""

    format: int = RECORD_FORMAT
    run_id: str
    launch: Launch
    plan: RunPlan
    state: RunState
    refusal: Refusal | None = None
    verdict: Verdict
    reasons: tuple[Reason, ...] = Field(description="why this verdict")
    exit_code: int = Field(ge=0, le=255)
    signal: int | None = None
    aborted: Abort | None = Field(default=None, description="who stopped it from elsewhere")
    started: Utc
    ended: Utc
    recovery: Recovery = Field(description="of the whole: its last service, and its worst loss")
    services: dict[str, ServiceResult] = Field(
        default={}, description="service → its own result; older records have the whole only"
    )
    seen: dict[str, SeenHost] = Field(
        default={}, description="host → whom the run spoke to, and where its network is"
    )
    guards: tuple[GuardResult, ...]
    steps: tuple[StepResult, ...]
    not_executed: tuple[NotExecuted, ...]
    checks: tuple[CheckResult, ...] = Field(description="each check's last answer")
    passes: int = Field(description="passes of checks until the end of verification")
    resumptions: tuple[Resumption, ...] = Field(
        default=(), description="when another process went on with it, by whom, after what outage"
    )
    waits: tuple[Wait, ...] = Field(default=(), description="what people were asked, in order")
    sla: tuple[SlaMeasure, ...] = Field(default=(), description="providers' promises, measured")
    residue: tuple[Reason, ...]
    erased: tuple[Reason, ...] = Field(
        default=(), description="what of the restored data is proven gone, and how; none in older"
    )
    egress: dict[str, HostEgress] = Field(
        default={},
        description="host → how its way out was denied, and what tried it; none: not looked at",
    )
    files: dict[str, FileMap] = Field(
        default={},
        description="host → which files its services opened, and from where; none: not looked at",
    )
    limits: tuple[Reason, ...] = Field(description="what this run does not prove")
    versions: dict[str, str]
    evidence: tuple[FileHash, ...]
    environment: dict[str, Any] = {}

    @property
    def finished(self) -> bool:
        """Tell whether it went to its end by itself."""
        return is_finished(self.state, self.refusal)

    def recovery_of(self, service: str | None) -> Recovery:
        """Return the measurements of a service that was recovered apart; of the whole for None."""
        result = None if service is None else self.services.get(service)
        return result.recovery if result else self.recovery
