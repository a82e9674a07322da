"""Describe a resolved drill: every step, host, objective and guard, before anything happens."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from pradrill.domain.declared.channel import Notify
from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.manual_step import ManualStep
from pradrill.domain.declared.plan import PrimaryIdentity, Service
from pradrill.domain.run.outcome import Phase, StepKey, StepKind
from pradrill.domain.run.question import Call
from pradrill.domain.values.duration import Duration
from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason


def _separate(value: Any) -> Any:
    return tuple(value.split(",")) if isinstance(value, str) else value


LockNames = Annotated[
    tuple[str, ...],
    BeforeValidator(_separate),
    PlainSerializer(",".join, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""What two runs cannot hold at once; a record has it as one text with commas."""

_APART = (Phase.RESTORE, Phase.VERIFY)


class FileHash(Model):
    """A file that the run depends on, and the SHA-256 of its content when the run began."""

    path: Path
    sha256: str
    meaning: str | None = Field(
        default=None,
        description="SHA-256 of what a YAML or Python file says, without comments and layout",
    )


class Around(Model):
    """What lies beside playbooks and inventory and is taken in without the drill naming it."""

    files: tuple[FileHash, ...] = ()
    left_out: tuple[str, ...] = Field(default=(), description="what was not hashed, and why")
    inventories: tuple[Path, ...] | None = Field(
        default=None, description="those it was looked beside; older records: the standby's own"
    )


class PlannedHost(Model):
    """A host that the drill will work on, before it is contacted."""

    name: str
    address: str | None = Field(description="unknown until a lab machine is up")
    dr_role: str | None


class PlannedStep(Model):
    """A step that the run will take; of most kinds nothing more needs to be said."""

    phase: Phase
    name: str
    kind: StepKind
    hosts: tuple[str, ...]
    deadline: Duration
    service: str | None = Field(default=None, description="whose branch it is of; none: of all")
    repeatable: bool = Field(
        default=False, description="cut in its middle, it may be taken again from its beginning"
    )
    together: str | None = Field(
        default=None, description="it runs beside those next to it that say the same; none: alone"
    )

    @property
    def key(self) -> StepKey:
        """Return what tells it from every other step of its run."""
        return self.phase, self.name, self.service

    @property
    def works(self) -> bool:
        """Tell whether it changes the standby, so that there is something to put back."""
        kinds = {StepKind.PLAYBOOK, StepKind.MANUAL}
        return self.kind in kinds and self.phase in {Phase.PREPARE, Phase.RESTORE}


def in_turn(steps: Iterable[PlannedStep]) -> Iterator[tuple[PlannedStep, ...]]:
    """Yield the steps in the order in which they begin: those of one turn run side by side."""
    turns = groupby(enumerate(steps), lambda each: each[1].together or each[0])
    return (tuple(step for _, step in turn) for _, turn in turns)


class PlannedPlaybook(PlannedStep):
    """A playbook that the run will run."""

    kind: Literal[StepKind.PLAYBOOK] = StepKind.PLAYBOOK
    playbook: Path
    vars: dict[str, Any] = {}
    secrets: dict[str, str] = Field(default={}, description="names of secrets, never their values")
    controller: bool = Field(default=False, description="it may act on the controller, too")


class PlannedManual(PlannedStep):
    """Something that a person will be asked for."""

    kind: Literal[StepKind.MANUAL] = StepKind.MANUAL
    manual: ManualStep
    call: Call | None = Field(default=None, description="which answer of a call, under which SLA")


_WITH_MORE = (PlannedPlaybook, PlannedManual)


def planned_step(value: Mapping[str, Any]) -> PlannedStep:
    """Read a step as its kind; a record of before there were kinds holds the keys of all."""
    kinds = {model.model_fields["kind"].default: model for model in _WITH_MORE}
    model = next((kinds[kind] for kind in kinds if kind == value.get("kind")), PlannedStep)
    every = {key for kind in _WITH_MORE for key in kind.model_fields}
    others = every - model.model_fields.keys()
    return model.model_validate({key: each for key, each in value.items() if key not in others})


def _of_its_kind(value: Any) -> Any:
    return planned_step(value) if isinstance(value, dict) else value


AnyPlannedStep = Annotated[
    PlannedPlaybook | PlannedManual | PlannedStep, BeforeValidator(_of_its_kind)
]
"""A planned step of one of the kinds."""


class NotRun(StrEnum):
    """Why a planned step was kept from running, where more is known than that the run ended."""

    NEVER_PROVEN = "never proven"  # its host was not proven, and is not touched
    NOTHING_BEGUN = "nothing begun"  # its host was proven and not worked on: nothing to put back


class NotExecuted(PlannedStep):
    """A planned step that never began; whatever its kind says of it is kept beside."""

    model_config = ConfigDict(from_attributes=True)

    playbook: Path | None = None
    manual: ManualStep | None = None
    call: Call | None = None
    vars: dict[str, Any] = {}
    secrets: dict[str, str] = {}
    controller: bool = False
    not_run: NotRun | None = None


class Branch(Model):
    """What is recovered apart from the rest, step by step, on its own hosts."""

    service: str | None = Field(description="none: all the drill's services as one")
    hosts: tuple[str, ...]
    after: tuple[str, ...] = Field(default=(), description="services that must be verified before")


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
    plan_owner: str | None = None
    retention: str | None = Field(default=None, description="of records, as the plan says")
    notify: Notify = Field(default=None, description="what tells people that they are asked")
    services: dict[str, Service]
    objectives: Governing
    hosts: tuple[PlannedHost, ...]
    standby_key: LockNames = Field(
        description="the standby's hosts, comma-separated: what two runs cannot hold at once"
    )
    primaries: dict[str, PrimaryIdentity]
    steps: tuple[AnyPlannedStep, ...]
    guards: tuple[Reason, ...]
    destroys: tuple[Reason, ...] = Field(description="what will not survive")
    files: tuple[FileHash, ...] = Field(description="plan, drill, playbooks, inventory, checks")
    around: Around | None = Field(
        default=None, description="roles, tasks, templates, variables …; older records lack it"
    )
    apart: tuple[Branch, ...] = Field(
        default=(),
        description="services with a branch each; none: all are recovered as one",
    )

    @property
    def titles(self) -> str:
        """Return what people call its services, in one line."""
        return ", ".join(
            f"{service.title} ({name})" if service.title else name
            for name, service in self.services.items()
        )

    @property
    def plan_file(self) -> Path | None:
        """Return where the plan was read: it is the first of the files."""
        return self.files[0].path if self.files else None

    def hashed(self, other: RunPlan) -> tuple[FileHash, ...]:
        """Return its files of those kinds that another plan tells of, too: to compare with it."""
        if self.around is None or other.around is None:
            return self.files
        return (*self.files, *self.around.files)

    @property
    def branches(self) -> tuple[Branch, ...]:
        """Return what is recovered side by side or one after another, dependencies first."""
        hosts = tuple(host.name for host in self.hosts)
        return self.apart or (Branch(service=None, hosts=hosts),)

    def branch(self, service: str | None) -> Branch:
        """Return the branch that a step or a service of the plan belongs to."""
        return next((each for each in self.branches if each.service == service), self.branches[0])

    def services_on(self, host: str) -> dict[str, Service]:
        """Return the services that are recovered on a host."""
        return {
            name: service
            for name, service in self.services.items()
            if host in self.branch(name).hosts
        }

    @property
    def assumed(self) -> dict[str, tuple[str, ...]]:
        """Return the services outside the drill that its services depend on → which do."""
        needed: dict[str, tuple[str, ...]] = {}
        for name, service in self.services.items():
            for other in service.depends_on:
                if other not in self.services:
                    needed[other] = (*needed.get(other, ()), name)

        return needed

    def steps_of(self, phase: Phase) -> tuple[PlannedStep, ...]:
        """Return the phase's steps in order."""
        return tuple(step for step in self.steps if step.phase == phase)

    def shared(self, phase: Phase) -> tuple[PlannedStep, ...]:
        """Return the phase's steps that are taken once for every branch."""
        return tuple(step for step in self.steps_of(phase) if _is_shared(step))

    def steps_of_branch(self, phase: Phase, branch: Branch) -> tuple[PlannedStep, ...]:
        """Return the phase's steps that a branch takes by itself."""
        steps = (step for step in self.steps_of(phase) if step.service == branch.service)
        return tuple(step for step in steps if not _is_shared(step))

    @property
    def longest(self) -> timedelta:
        """Return what the run takes at most."""
        return self.span(lambda step: step.deadline)

    def span(self, length: Callable[[PlannedStep], timedelta]) -> timedelta:
        """Return how long steps of these lengths take; of what is side by side the longest."""
        ends: dict[str | None, timedelta] = {}
        for branch in self.branches:
            before = max((ends[name] for name in branch.after), default=timedelta())
            ends[branch.service] = before + self._sum(length, branch.service, _APART)

        shared = [phase for phase in Phase if phase not in _APART]
        return max(ends.values()) + sum(
            (self._sum(length, service, shared) for service in {None, *ends}), timedelta()
        )

    def _sum(
        self,
        length: Callable[[PlannedStep], timedelta],
        service: str | None,
        phases: Collection[Phase],
    ) -> timedelta:
        steps = [step for step in self.steps if step.service == service and step.phase in phases]
        return sum((max(map(length, turn)) for turn in in_turn(steps)), timedelta())


def _is_shared(step: PlannedStep) -> bool:
    """Tell whether a step concerns the whole: its guards before any restore, its acceptance."""
    of_branches = {Phase.PREPARE, Phase.RESTORE, Phase.VERIFY}
    accepting = step.phase is Phase.VERIFY and step.kind is StepKind.MANUAL
    return step.phase not in of_branches or step.kind is StepKind.ISOLATION or accepting


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
