"""A drill resolved: every step, host, objective and guard, as data, before anything happens."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import Field

from pradrill.domain.drill import Drill
from pradrill.domain.duration import Duration
from pradrill.domain.manual import Call, ManualStep
from pradrill.domain.model import Model
from pradrill.domain.outcome import Phase, StepKind
from pradrill.domain.plan import PrimaryIdentity, Service


class FileHash(Model):
    """A file that the run depends on, and the SHA-256 of its content when the run began."""

    path: Path
    sha256: str


class PlannedHost(Model):
    """A host that the drill will work on, before it is contacted."""

    name: str
    address: str | None = Field(description="unknown until a lab machine is up")
    dr_role: str | None


class PlannedStep(Model):
    """A step that the run will take."""

    phase: Phase
    name: str
    kind: StepKind
    hosts: tuple[str, ...]
    deadline: Duration
    playbook: Path | None = None
    manual: ManualStep | None = None
    call: Call | None = Field(default=None, description="which answer of a call, under which SLA")
    vars: dict[str, Any] = {}
    secrets: dict[str, str] = Field(default={}, description="names of secrets, never their values")


class Governing(Model):
    """The strictest objective of the drill's services, and whose it is."""

    rto: Duration
    rto_of: str
    rpo: Duration
    rpo_of: str


class RunPlan(Model):
    """Everything that a run will do; printed by `--dry-run`, embedded in the record."""

    drill: Drill
    drill_file: Path
    organisation: str
    plan_version: int
    plan_approved: str | None
    services: dict[str, Service]
    objectives: Governing
    hosts: tuple[PlannedHost, ...]
    standby_key: str = Field(description="what two runs cannot hold at once")
    primaries: dict[str, PrimaryIdentity]
    steps: tuple[PlannedStep, ...]
    guards: tuple[str, ...]
    destroys: tuple[str, ...] = Field(description="what will not survive, in sentences")
    files: tuple[FileHash, ...] = Field(description="plan, drill, playbooks, inventory, checks")

    def steps_of(self, phase: Phase) -> tuple[PlannedStep, ...]:
        """Return the phase's steps in order."""
        return tuple(step for step in self.steps if step.phase == phase)

    @property
    def longest(self) -> timedelta:
        """Return the sum of every step's deadline."""
        return sum((step.deadline for step in self.steps), timedelta())


def governing(services: dict[str, Service]) -> Governing:
    """Return the strictest RTO and RPO among the services; there must be at least one."""
    rto_of = min(services, key=lambda name: services[name].objectives.rto)
    rpo_of = min(services, key=lambda name: services[name].objectives.rpo)
    return Governing(
        rto=services[rto_of].objectives.rto,
        rto_of=rto_of,
        rpo=services[rpo_of].objectives.rpo,
        rpo_of=rpo_of,
    )
