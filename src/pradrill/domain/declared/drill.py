"""Declare a drill, as YAML has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from pradrill.domain.declared.backup_source import RecoveryPointSpec
from pradrill.domain.declared.drill_vars import filled
from pradrill.domain.declared.fault import Sabotage
from pradrill.domain.declared.manual_step import ManualStep
from pradrill.domain.declared.playbook_step import PlaybookStep
from pradrill.domain.declared.standby import AnyStandby
from pradrill.domain.values.duration import Deadline, Duration, PositiveDuration
from pradrill.domain.values.endpoint import RemoteEndpoint
from pradrill.domain.values.model import Model, RelativePath, Utc
from pradrill.domain.values.secret import SecretName


class Kind(StrEnum):
    """A technical test without people, or an exercise with them; never one called the other."""

    TEST = "test"
    EXERCISE = "exercise"


class Exclusion(Model):
    """Something that the drill leaves out, and why."""

    what: str = Field(min_length=1, description="what is left out", examples=["mail"])
    why: str = Field(min_length=1, description="the reason", examples=["another provider's"])


class Scenario(Model):
    """What is supposed to have happened."""

    name: str = Field(
        min_length=1, description="what happens", examples=["the site with its machines is lost"]
    )
    disruption: Literal["launch"] | Utc = Field(
        default="launch",
        description='T0: "launch", or a declared instant with its zone',
        examples=["2026-11-24T02:00:00Z"],
    )
    assumptions: tuple[str, ...] = Field(
        default=(),
        description="what is supposed to be left",
        examples=[["the backup server survives"]],
    )
    exclusions: tuple[Exclusion, ...] = Field(
        default=(),
        description="out of scope, and why",
        examples=[[{"what": "mail", "why": "SaaS"}]],
    )
    provider_lost: str | None = Field(
        default=None,
        description="the provider of the plan whose loss it plays: a drill that passes proves that "
        "its services survive it",
        examples=["hexanet"],
    )
    third_parties: tuple[str, ...] = Field(
        default=(),
        description="suppliers that the recovery needs or that take part",
        examples=[["Hexanet"]],
    )


class Environment(Model):
    """What the standby is, in words: what pradrill cannot see from inside it."""

    site: str | None = Field(
        default=None, description="where the standby is", examples=["Reims, second room"]
    )
    network: str | None = Field(
        default=None,
        description="the standby's network: segment, routes, filters",
        examples=["VLAN 40, no route to production"],
    )


def _kind_of_step(value: object) -> str:
    manual = isinstance(value, ManualStep) or (isinstance(value, dict) and "manual" in value)
    return "(ManualStep)" if manual else "(PlaybookStep)"


Step = Annotated[
    Annotated[PlaybookStep, Tag("(PlaybookStep)")] | Annotated[ManualStep, Tag("(ManualStep)")],
    Discriminator(_kind_of_step),
]
"""A playbook, or something that a person does; the tags stay out of the places of problems."""


class Participants(Model):
    """Who was to take part: names or roles, fixed before the drill."""

    requester: str | None = Field(default=None, description="who asked", examples=["DSI"])
    operator: str | None = Field(default=None, description="who recovers", examples=["B. Leroy"])
    observer: str | None = Field(default=None, description="who watches", examples=["C. Durand"])
    approver: str | None = Field(default=None, description="who signs off", examples=["A. Martin"])


class Role(StrEnum):
    """What newest data can prove."""

    BUSINESS = "business"  # rows that people cause: there may be none for a night
    HEARTBEAT = "heartbeat"  # written at an interval, whatever the service does
    REPLAY = "replay"  # the last transaction that archived logs brought back


ReadOn = Annotated[
    str | None,
    Field(
        description="which of the standby's hosts runs it; default: the first", examples=["db-dr"]
    ),
]


class NewestData(Model):
    """Where the recovery point is read from: the restored service's newest data."""

    role: Role = Field(
        default=Role.BUSINESS, description="what the data can prove", examples=["heartbeat"]
    )
    command: str | None = Field(
        default=None,
        description="run on the standby; prints an instant; either this or value",
        examples=["cat /srv/files/pradrill-heartbeat/heartbeat"],
    )
    host: ReadOn = None
    value: str | None = Field(
        default=None,
        description="name of a value that a restore playbook hands back (set_stats)",
        examples=["newest_order"],
    )
    format: str = Field(
        default="iso",
        description='"iso" (with its zone), "epoch", "epoch_ms", or a strptime format',
        examples=["%Y-%m-%d %H:%M:%S"],
    )
    timezone: str | None = Field(
        default=None, description="zone of instants without one", examples=["Europe/Paris"]
    )
    interval: Duration = Field(
        default=timedelta(0),
        description="how often such data is written on the primary; a heartbeat needs it",
        examples=["1s"],
    )
    quiet_for: Duration = Field(
        default=timedelta(days=1),
        description="business rows: how long there may be none; a row that is further behind the "
        "heartbeat is a contradiction, and governs",
        examples=["14h"],
    )
    deadline: Deadline = Field(
        default=timedelta(minutes=1), description="how long reading it may take", examples=["20s"]
    )

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
        if self.host is not None and self.command is None:
            msg = "host says where a command is run: a value has none"
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

    command: str = Field(
        min_length=1,
        description="run on the standby; prints the value",
        examples=["cat /srv/canary"],
    )
    host: ReadOn = None
    expect: SecretName = Field(
        description="where the planted value is; it is never recorded",
        examples=["file:/etc/pradrill/canary"],
    )
    deadline: Deadline = Field(
        default=timedelta(minutes=1), description="how long reading it may take", examples=["20s"]
    )


class Verify(Model):
    """How the recovered service is proved to work."""

    checks: RelativePath = Field(
        description="a folder or file of testinfra tests", examples=["checks/files"]
    )
    deadline: Deadline = Field(
        default=timedelta(minutes=10),
        description="until when every check must be green, all of them together",
        examples=["5m"],
    )
    poll: PositiveDuration = Field(
        default=timedelta(milliseconds=500),
        description="pause between two passes of checks",
        examples=["2s"],
    )
    stable_for: Duration = Field(
        default=timedelta(seconds=10),
        description="how long every check must stay green",
        examples=["30s"],
    )
    newest_data: OneOrSeveral = Field(
        description="what the recovery point is read from: one source, or name → source",
        examples=[{"command": "cat /srv/heartbeat", "role": "heartbeat", "interval": "1s"}],
    )
    canary: Canary | None = Field(
        default=None, description="a planted value that must come back byte for byte"
    )
    must_not_reach: tuple[RemoteEndpoint, ...] = Field(
        min_length=1,
        description="production endpoints that the standby must not reach, as HOST:PORT",
        examples=[["192.0.2.10:443"]],
    )

    @property
    def readings(self) -> dict[str, NewestData]:
        """Return what the recovery point is read from, by name."""
        several = self.newest_data
        return {"newest data": several} if isinstance(several, NewestData) else several


_OF_A_SERVICE = ("recovery_point", "prepare", "restore", "verify", "teardown", "sabotage")
"""Keys that a drill without `recover` has itself."""


class ServiceRecovery(Model):
    """How one of several services is recovered, and on which of the standby's hosts."""

    hosts: str = Field(
        min_length=1,
        description="a group or a host of the inventory, or a machine of the lab",
        examples=["db-dr"],
    )
    recovery_point: RecoveryPointSpec | None = Field(
        default=None, description="which backup is restored; it is chosen before anything starts"
    )
    prepare: tuple[Step, ...] = Field(
        default=(), description="steps before the restore", examples=[[{"playbook": "../p.yml"}]]
    )
    restore: tuple[Step, ...] = Field(
        min_length=1, description="steps that restore", examples=[[{"playbook": "../restore.yml"}]]
    )
    verify: Verify = Field(description="how it is proved to work")
    teardown: tuple[PlaybookStep, ...] = Field(
        default=(),
        description="always run, on every path; a lab machine needs none",
        examples=[[{"playbook": "../teardown.yml"}]],
    )
    sabotage: Sabotage | None = Field(
        default=None,
        description="what `pradrill sabotage` needs to know to damage it and see the checks fail",
        examples=[{"parameters": {"database": "shop"}}],
    )


class Drill(Model):
    """`drills/<name>.yml`: one recovery of all its services, or `recover` with one for each."""

    drill: str = Field(
        pattern=r"^[a-z][a-z0-9_-]{0,40}$",
        description="the drill's name, unlike every other's",
        examples=["files"],
    )
    title: str | None = Field(
        default=None, description="what people call it", examples=["the shared folders"]
    )
    kind: Kind = Field(
        default=Kind.TEST,
        description="a technical test, or an exercise with people",
        examples=["exercise"],
    )
    services: tuple[str, ...] = Field(
        default=(),
        description="services of the plan; default: those of recover",
        examples=[["files"]],
    )
    scenario: Scenario = Field(description="what is supposed to have happened")
    success_criteria: tuple[str, ...] = Field(
        default=(), description="fixed before the drill", examples=[["the newest file opens"]]
    )
    planned: dt.date | None = Field(
        default=None, description="the day that was agreed on", examples=["2026-12-01"]
    )
    people: Participants = Field(
        default=Participants(), description="who was to take part: names or roles"
    )
    vars: dict[str, Any] = Field(
        default={},
        description="said once: every playbook gets them as variables, the checks in the fixture "
        "`drill`; commands, paths and endpoints below verify and standby name one as {{ name }}",
        examples=[{"folder": "/srv/files"}],
    )
    standby: AnyStandby = Field(description="where to recover")
    environment: Environment = Field(
        default=Environment(), description="what only people know of the standby, for the report"
    )
    recovery_point: RecoveryPointSpec | None = Field(
        default=None, description="which backup is restored; it is chosen before anything starts"
    )
    prepare: tuple[Step, ...] = Field(
        default=(), description="steps before the restore", examples=[[{"playbook": "../p.yml"}]]
    )
    restore: tuple[Step, ...] = Field(
        default=(), description="steps that restore", examples=[[{"playbook": "../restore.yml"}]]
    )
    verify: Verify | None = Field(default=None, description="how it is proved to work")
    accept: tuple[ManualStep, ...] = Field(
        default=(),
        description="asked once the service is verified; the last yes is T6",
        examples=[[{"manual": "accept", "who": "owner", "instruction": "log in"}]],
    )
    teardown: tuple[PlaybookStep, ...] = Field(
        default=(),
        description="always run, on every path; a lab machine needs none",
        examples=[[{"playbook": "../teardown.yml"}]],
    )
    sabotage: Sabotage | None = Field(
        default=None,
        description="what `pradrill sabotage` needs to know to damage it and see the checks fail",
        examples=[{"parameters": {"database": "shop"}}],
    )
    recover: dict[str, ServiceRecovery] = Field(
        default={},
        description="service → how and where; in the order of the plan's depends_on, and at once "
        "where it asks for none",
    )
    unattended: bool = Field(
        default=False, description="cron may run it: it needs nobody", examples=[True]
    )

    @property
    def ways(self) -> dict[str | None, ServiceRecovery]:
        """Return what is recovered apart from the rest: each service, or all as one (None)."""
        if self.verify is None:
            return dict(self.recover.items())
        whole = ServiceRecovery.model_construct(  # its parts are valid already
            hosts=self.standby.where,
            recovery_point=self.recovery_point,
            prepare=self.prepare,
            restore=self.restore,
            verify=self.verify,
            teardown=self.teardown,
            sabotage=self.sabotage,
        )
        return {None: whole}

    def playbooks(self) -> tuple[Path, ...]:
        """Return every playbook that the drill names, in order."""
        making = self.standby.provisioning
        steps = (*(making.steps if making is not None else ()), *self.playbook_steps())
        return tuple(step.playbook for step in steps)

    def playbook_steps(self) -> tuple[PlaybookStep, ...]:
        """Return every playbook that the drill runs with its variables, in order."""
        return tuple(
            step
            for way in self.ways.values()
            for step in (*way.prepare, *way.restore, *way.teardown)
            if isinstance(step, PlaybookStep)
        )

    def manual(self) -> Iterator[tuple[tuple[str | int, ...], ManualStep]]:
        """Return every step that a person takes, in order, with its place in the file."""
        for service, way in self.ways.items():
            above = () if service is None else ("recover", service)
            for where, steps in (("prepare", way.prepare), ("restore", way.restore)):
                for number, step in enumerate(steps):
                    if isinstance(step, ManualStep):
                        yield (*above, where, number), step

        for number, step in enumerate(self.accept):
            yield ("accept", number), step

    def must_not_reach(self) -> tuple[str, ...]:
        """Return production, as all the services name it: none of it may be reached."""
        ways = self.ways.values()
        return tuple(dict.fromkeys(each for way in ways for each in way.verify.must_not_reach))

    @model_validator(mode="before")
    @classmethod
    def _said_once(cls, content: Any) -> Any:
        return filled(content) if isinstance(content, dict) else content

    @model_validator(mode="before")
    @classmethod
    def _services_of_recover(cls, content: Any) -> Any:
        if not isinstance(content, dict) or "services" in content:
            return content
        recover = content.get("recover")
        return {**content, "services": tuple(recover)} if isinstance(recover, dict) else content

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        problems = []
        if self.recover:
            keys = [name for name in _OF_A_SERVICE if getattr(self, name) not in ((), None)]

            problems += [
                f"{name} stands beside recover: move it into its services" for name in keys
            ]
            if set(self.services) != set(self.recover):
                problems.append("services are not those of recover: leave them out")
        else:
            needed = ["services", "restore", "verify"]
            if self.standby.brings_data:
                needed.remove("restore")
            problems += [f"{name} is missing" for name in needed if not getattr(self, name)]
        if problems:
            raise ValueError("; ".join(problems))

        return self

    @model_validator(mode="after")
    def _left_as_declared(self) -> Self:
        bare = [service for service, way in self.ways.items() if not way.teardown]
        if bare and not self.standby.throw_away:
            of = " of " + ", ".join(str(each) for each in bare) if self.recover else ""
            msg = f"teardown{of} is missing: a standby that is not a lab machine must be put back"
            raise ValueError(msg)
        return self
