"""A drill as declared in YAML."""

from __future__ import annotations

import re
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Discriminator, Field, Tag, field_validator, model_validator

from pradrill.domain.duration import Duration, PositiveDuration
from pradrill.domain.model import Model, RelativePath, Utc

_SECRET = re.compile(r"(env|file|credential):.+")
_SHORTEST_DEADLINE = timedelta(seconds=1)


def _secret(value: str) -> str:
    if not _SECRET.fullmatch(value):
        msg = (
            "a secret is named, never written here: env:NAME, file:PATH (mode 0600) or "
            "credential:NAME (systemd)"
        )
        raise ValueError(msg)
    return value


def _deadline(value: timedelta) -> timedelta:
    if value < _SHORTEST_DEADLINE:
        msg = "a deadline is at least 1s"
        raise ValueError(msg)
    return value


def _endpoint(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) < 65_536):  # noqa: PLR2004
        msg = f'"{value}" is not HOST:PORT'
        raise ValueError(msg)
    return value


SecretName = Annotated[str, AfterValidator(_secret)]
Deadline = Annotated[PositiveDuration, AfterValidator(_deadline)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]


class Kind(StrEnum):
    """A technical test without people, or an exercise with them; never one called the other."""

    TEST = "test"
    EXERCISE = "exercise"


class Scenario(Model):
    """What is supposed to have happened."""

    name: str = Field(min_length=1)
    disruption: Literal["launch"] | Utc = Field(
        default="launch", description='T0: "launch", or a declared instant with its zone'
    )
    assumptions: tuple[str, ...] = ()


class Standby(Model):
    """Where to recover: hosts of an Ansible inventory, or a machine of the lab."""

    inventory: RelativePath | None = None
    hosts: str | None = Field(default=None, description="a group or a host of the inventory")
    known_hosts: RelativePath | None = Field(
        default=None, description="the pinned host keys; default: ~/.ssh/known_hosts"
    )
    vm: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9-]{0,30}$")
    absent_after_teardown: tuple[str, ...] = Field(
        default=(), description="absolute paths on the standby that teardown must have removed"
    )
    links: dict[Endpoint, Endpoint] = Field(
        default={}, description="lab only: guest address:port → MACHINE:PORT in the lab"
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.vm is None) == (self.inventory is None):
            msg = "give either inventory (with hosts) or vm"
            raise ValueError(msg)
        if self.inventory is not None and not self.hosts:
            msg = "hosts is missing: which group or host of the inventory is the standby"
            raise ValueError(msg)
        return self


class PlaybookStep(Model):
    """One playbook to run against the standby."""

    playbook: RelativePath
    name: str | None = None
    vars: dict[str, Any] = {}
    secrets: dict[str, SecretName] = Field(
        default={}, description="Ansible variable → where its secret value is"
    )
    deadline: Deadline = timedelta(hours=1)

    @property
    def title(self) -> str:
        """Return the step's name in plans and reports."""
        return self.name or self.playbook.stem


class Role(StrEnum):
    """What newest data can prove."""

    BUSINESS = "business"  # rows that people cause: there may be none for a night
    HEARTBEAT = "heartbeat"  # written at an interval, whatever the service does
    REPLAY = "replay"  # the last transaction that archived logs brought back


class NewestData(Model):
    """Where the recovery point is read from: the restored service's newest data."""

    role: Role = Field(default=Role.BUSINESS, description="what the data can prove")
    command: str | None = Field(default=None, description="run on the standby; prints an instant")
    value: str | None = Field(
        default=None, description="name of a value that a restore playbook hands back (set_stats)"
    )
    format: str = Field(
        default="iso",
        description='"iso" (with its zone), "epoch", "epoch_ms", or a strptime format',
    )
    timezone: str | None = Field(
        default=None, description="zone of instants without one, as in Europe/Paris"
    )
    interval: Duration = Field(
        default=timedelta(0), description="how often such data is written on the primary"
    )
    quiet_for: Duration = Field(
        default=timedelta(days=1),
        description="business rows: how long there may be none; a row that is further behind the "
        "heartbeat is a contradiction, and governs",
    )
    deadline: Deadline = timedelta(minutes=1)

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                ZoneInfo(value)
            except (ZoneInfoNotFoundError, ValueError) as error:
                msg = f'"{value}" is not a time zone; write one like Europe/Paris or UTC'
                raise ValueError(msg) from error
        return value

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.command is None) == (self.value is None):
            msg = "give either command or value"
            raise ValueError(msg)
        if self.role is Role.HEARTBEAT and not self.interval:
            msg = "a heartbeat needs its interval: how often it is written"
            raise ValueError(msg)
        return self


def _one_or_several(value: object) -> str:
    values = value.values() if isinstance(value, dict) else ()
    return "(several)" if any(isinstance(v, dict | NewestData) for v in values) else "(one)"


ReadingName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9 _-]{0,40}$")]
OneOrSeveral = Annotated[
    Annotated[NewestData, Tag("(one)")]
    | Annotated[dict[ReadingName, NewestData], Tag("(several)")],
    Discriminator(_one_or_several),
]


class Canary(Model):
    """A value that was planted on the primary and must come back byte for byte."""

    command: str = Field(min_length=1, description="run on the standby; prints the value")
    expect: SecretName = Field(description="where the planted value is; it is never recorded")
    deadline: Deadline = timedelta(minutes=1)


class Verify(Model):
    """How the recovered service is proved to work."""

    checks: RelativePath = Field(description="a folder or file of testinfra tests")
    deadline: Deadline = timedelta(minutes=10)
    poll: PositiveDuration = Field(
        default=timedelta(milliseconds=500), description="pause between two passes of checks"
    )
    stable_for: Duration = Field(
        default=timedelta(seconds=10), description="how long every check must stay green"
    )
    newest_data: OneOrSeveral = Field(
        description="what the recovery point is read from: one source, or name → source"
    )
    canary: Canary | None = None
    must_not_reach: tuple[Endpoint, ...] = Field(
        min_length=1, description="production endpoints that the standby must not reach"
    )

    @property
    def readings(self) -> dict[str, NewestData]:
        """Return what the recovery point is read from, by name."""
        several = self.newest_data
        return {"newest data": several} if isinstance(several, NewestData) else several


class Drill(Model):
    """`drills/<name>.yml`."""

    drill: str = Field(pattern=r"^[a-z][a-z0-9_-]{0,40}$", description="the drill's name")
    kind: Kind = Kind.TEST
    services: tuple[str, ...] = Field(min_length=1)
    scenario: Scenario
    standby: Standby
    prepare: tuple[PlaybookStep, ...] = ()
    restore: tuple[PlaybookStep, ...] = Field(min_length=1)
    verify: Verify
    teardown: tuple[PlaybookStep, ...] = Field(
        default=(), description="always run, on every path; a lab machine needs none"
    )
    unattended: bool = False

    def playbooks(self) -> tuple[Path, ...]:
        """Return every playbook that the drill names, in order."""
        return tuple(step.playbook for step in (*self.prepare, *self.restore, *self.teardown))

    @model_validator(mode="after")
    def _left_as_declared(self) -> Self:
        if self.standby.vm is None and not self.teardown:
            msg = "teardown is missing: a standby that is not a lab machine must be put back"
            raise ValueError(msg)
        return self
