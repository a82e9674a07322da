"""Describe what steps, checks and guards came to. No default here reads as good news."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple, Self

from pydantic import Field, model_validator

from pradrill.domain.run.guard import Guard, GuardKind
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.reason import Reason


class Phase(StrEnum):
    """The phases of a run, in order."""

    READINESS = "readiness"
    PREPARE = "prepare"
    RESTORE = "restore"
    VERIFY = "verify"
    TEARDOWN = "teardown"


class StepKind(StrEnum):
    """What a step does."""

    PRECONDITIONS = "preconditions"
    CATALOGUE = "catalogue"  # read the backups and choose one
    PROVISION = "provision"  # make the standby's machines
    START = "start"  # make the standby reachable
    IDENTITY = "identity"  # prove that it is a standby and no primary
    EGRESS = "egress"  # deny the way out
    EGRESS_AGAIN = "egress again"  # open it, once nothing of the run goes on
    CAPTURE = "capture"  # read what the network outside of the hosts has seen
    FILES = "files"  # watch which files are opened
    FILES_AGAIN = "files again"  # end that, and read where they come from
    PLAYBOOK = "playbook"
    MANUAL = "manual"  # wait for what a person does or decides
    ISOLATION = "isolation"  # prove the marker, and that production cannot be reached
    ISOLATION_AGAIN = "isolation again"  # once services run, and before the teardown
    CHECKS = "checks"
    NEWEST_DATA = "newest data"  # read the recovery point
    INTEGRITY = "integrity"  # check the backups themselves
    CANARY = "canary"  # compare a planted value with what came back
    RESIDUE = "residue"  # compare the standby with what it was
    STOP = "stop"  # leave nothing of what start made
    DESTROY = "destroy"  # end the machines that were made, and see that none is left


StepKey = tuple[Phase, str, str | None]
"""Phase, name and service: no two steps of a run have all three in common."""


class StepOutcome(StrEnum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"  # the step was carried out and showed that recovery does not work
    UNREACHABLE = "unreachable"  # a host went away: nothing is known about the recovery
    TIMED_OUT = "timed_out"  # not finished at its deadline
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # the tool gave no usable answer


class CheckOutcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"  # the service answered, and the answer is wrong
    ERRORED = "errored"  # no answer could be had
    SKIPPED = "skipped"


class GuardOutcome(StrEnum):
    """What a guard found: proven, refused (the contrary is proven), or unproven."""

    PROVEN = "proven"
    REFUSED = "refused"
    UNPROVEN = "unproven"
    WAIVED = "waived"  # there is nothing to compare with, and the plan says so: primary: none


class GuardResult(Model):
    """A condition that protects production, and what was seen of it."""

    guard: Guard = Field(description="stable key, as in machine-id or must-not-reach db:3306")
    host: str
    outcome: GuardOutcome
    detail: Reason
    phase: Phase | None = Field(
        default=None, description="in which it was looked at; none: before the restore"
    )

    @property
    def holds(self) -> bool:
        """Tell whether a run may rest on it."""
        return self.outcome in {GuardOutcome.PROVEN, GuardOutcome.WAIVED}

    @property
    def of_isolation(self) -> bool:
        """Tell whether it is about what the host reaches, not about what the host is."""
        return self.guard.kind in {GuardKind.MUST_NOT_REACH, GuardKind.EGRESS}


class TaskFailure(Model):
    """An Ansible task that failed or a host that went away, as Ansible said it."""

    host: str
    task: str
    message: str


class PlaybookResult(Model):
    """What a playbook run came to, judged from its final statistics, never from its rc alone."""

    outcome: StepOutcome
    started: Utc | None = Field(description="first event's time, controller's wall clock")
    ended: Utc | None = Field(description="last event's time, controller's wall clock")
    hosts: tuple[str, ...] = Field(description="hosts that the final statistics name")
    values: dict[str, Any] = Field(description="what set_stats handed back")
    failures: tuple[TaskFailure, ...] = ()
    tasks_ok: int = 0
    tasks_changed: int = 0
    detail: Reason = Reason()


class Sample(Model):
    """How many things a check looked at, of how many there are."""

    looked: int = Field(ge=0)
    of: int = Field(ge=0)

    @model_validator(mode="after")
    def _part(self) -> Self:
        if self.looked > self.of:
            msg = "a check looks at no more than there is"
            raise ValueError(msg)
        return self


class CheckKey(NamedTuple):
    """What tells a check on a host from every other one of its suite."""

    check: str
    host: str

    def __str__(self) -> str:
        """Write it for people."""
        return f"{self.check}@{self.host}"


class CheckResult(Model):
    """One check on one host in one pass. Times are the controller's wall clock."""

    check: str = Field(description="stable id: file::function[parameters]")
    host: str
    title: str = Field(description="the fact that the check proves, from its docstring")
    mandatory: bool
    outcome: CheckOutcome
    started: Utc
    ended: Utc
    detail: str = Field(default="", description="expected and observed, or why there is no answer")
    service: str | None = Field(default=None, description="whose branch asked it")
    sample: Sample | None = Field(
        default=None, description="what it told of itself; none: it did not say how much it saw"
    )
    assertions: int | None = Field(
        default=None, description="how many it evaluated and found true; none: not counted"
    )
    negative: bool = Field(
        default=False, description="a negative control: it passes when something does not work"
    )

    @property
    def key(self) -> CheckKey:
        """Return what tells it from every other check of its suite."""
        return CheckKey(self.check, self.host)


class StepResult(Model):
    """One step of a run: planned, attempted, ended. Seconds are monotonic."""

    phase: Phase
    name: str
    kind: StepKind
    outcome: StepOutcome
    started: Utc
    ended: Utc
    seconds: float = Field(ge=0)
    deadline: float | None = Field(description="seconds allowed")
    hosts: tuple[str, ...] = ()
    service: str | None = Field(default=None, description="whose branch it is of; none: of all")
    detail: Reason = Reason()
    failures: tuple[TaskFailure, ...] = ()
    values: dict[str, Any] = {}
    work_started: Utc | None = Field(default=None, description="first event of a playbook")
    work_ended: Utc | None = Field(default=None, description="last event of a playbook")
    work_earlier: float = Field(
        default=0.0, ge=0, description="seconds by which it may have been earlier: a clock was set"
    )

    @property
    def key(self) -> StepKey:
        """Return what tells it from every other step of its run."""
        return self.phase, self.name, self.service
