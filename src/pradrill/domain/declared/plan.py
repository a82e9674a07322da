"""Declare the company's recovery plan: services, objectives, dependencies, owners, providers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema

from pradrill.domain.declared.channel import Notify
from pradrill.domain.declared.drill_on import WINDOW, DrillOnRule, QuietDays
from pradrill.domain.declared.flow import Access, Flow
from pradrill.domain.declared.health_check import HealthCheck
from pradrill.domain.declared.notification import NotificationChannel
from pradrill.domain.declared.provider import Provider
from pradrill.domain.declared.responsibility import TOPICS, Owners, Table, is_same_line
from pradrill.domain.declared.sealing import Sealing
from pradrill.domain.values import identity
from pradrill.domain.values.duration import DrillEvery, PositiveDuration
from pradrill.domain.values.endpoint import Endpoint
from pradrill.domain.values.model import Model, RelativePath, or_form, when_written


class Objectives(Model):
    """What the plan promises for a service. A drill cannot weaken them."""

    rto: PositiveDuration = Field(
        description="recovery time objective (DMIA): until the service works", examples=["4h"]
    )
    rpo: PositiveDuration = Field(
        description="recovery point objective (PDMA): data that may be lost", examples=["24h"]
    )
    mtpd: PositiveDuration | None = Field(
        default=None, description="maximum tolerable period of disruption", examples=["48h"]
    )

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.mtpd is not None and self.mtpd < self.rto:
            msg = "mtpd is shorter than rto: the objective would be met after the company is lost"
            raise ValueError(msg)
        return self


class SshAddress(Model):
    """How SSH reaches a primary, to compare its clock and for nothing else."""

    host: str = Field(min_length=1, description="name or address", examples=["192.0.2.10"])
    port: int = Field(default=22, ge=1, le=65_535, description="its sshd's", examples=[2222])
    user: str | None = Field(
        default=None, description="the login; default: yours", examples=["ops"]
    )
    key: RelativePath | None = Field(
        default=None, description="the login's private key", examples=["~/.ssh/id_ed25519"]
    )
    known_hosts: RelativePath | None = Field(
        default=None,
        description="the pinned host keys; default: where ssh itself looks for them",
        examples=["../known_hosts"],
    )


class PrimaryIdentity(Model):
    """What identifies a primary's machines, so that no restore ever starts on one.

    Without anything here no drill of the service runs: a standby that was compared with nothing is
    not proven. `primary: none` says that there is nothing to compare with, and that drills run all
    the same.
    """

    addresses: tuple[Annotated[str, when_written(identity.address)], ...] = Field(
        default=(), description="every address that it has", examples=[["192.0.2.10"]]
    )
    host_keys: tuple[Annotated[str, when_written(identity.host_key)], ...] = Field(
        default=(),
        description='"ssh-ed25519 AAAA…" or "SHA256:…", one per key',
        examples=[["ssh-ed25519 AAAA…"]],
    )
    machine_ids: tuple[Annotated[str, when_written(identity.machine_id)], ...] = Field(
        default=(),
        description="content of /etc/machine-id",
        examples=[["9bd40a5755249c1bc79f5b47596eca4d"]],
    )
    waived: SkipJsonSchema[bool] = False
    """What `primary: none` stands for."""
    vm: str | None = Field(default=None, description="a lab machine's name", examples=["primary"])
    ssh: SshAddress | None = Field(
        default=None,
        description="asked for the time before a drill: its clock dates the data that is lost",
    )

    @model_validator(mode="before")
    @classmethod
    def _none(cls, content: Any) -> Any:
        return {"waived": True} if content == "none" else content

    @model_validator(mode="after")
    def _waived_or_named(self) -> Self:
        if self.waived and self.identifies:
            msg = "waived stands beside what identifies the primary: write one of both"
            raise ValueError(msg)
        return self

    @property
    def identifies(self) -> bool:
        """Tell whether there is anything that a host can be compared with."""
        return bool(self.addresses or self.host_keys or self.machine_ids or self.vm)


class Part(StrEnum):
    """A part that a service works with, or is recovered with: somebody runs each."""

    PRIMARY = "primary"
    STANDBY = "standby"
    BACKUPS = "backups"
    DNS = "dns"
    IDENTITY = "identity"
    MAIL = "mail"
    CONTROLLER = "controller"


class Need(Model):
    """Something outside of its machines that a service needs to work."""

    to: Endpoint = Field(
        description="HOST:PORT, as the service names it", examples=["ldap.example.com:636"]
    )
    why: str = Field(min_length=1, description="what for", examples=["people sign in"])


class FileNeed(Model):
    """A file that a service opens and that neither its backup, a package nor a playbook brings."""

    path: str = Field(
        pattern=r"^/[^/]",
        description="the file, or a folder: all that lies below it",
        examples=["/etc/shop/license.key"],
    )
    why: str = Field(
        min_length=1, description="where it comes from", examples=["from the safe, by hand"]
    )

    def covers(self, path: str) -> bool:
        """Tell whether a file is it, or lies below it."""
        return path == self.path or path.startswith(f"{self.path.rstrip('/')}/")


class Service(Model):
    """A service to recover."""

    title: str | None = Field(
        default=None, description="what people call it", examples=["Shared folders"]
    )
    tier: int | None = Field(
        default=None, ge=0, le=9, description="how urgent it is: the lowest first", examples=[1]
    )
    site: str | None = Field(default=None, description="where its primary is", examples=["Reims"])
    owner: str | None = Field(
        default=None, description="who answers for it", examples=["Équipe Web"]
    )
    provider: str | None = Field(default=None, description="one of providers", examples=["hexanet"])
    run_by: dict[Part, str] = Field(
        default={},
        description="part → who runs it: one of providers, or a name of yours. Parts: "
        f"{', '.join(Part)}; the dossier tells whether the loss of a provider could be survived",
        examples=[{"primary": "hexanet", "standby": "Exemple SAS", "backups": "hexanet"}],
    )
    objectives: Objectives = Field(
        description="what is promised", examples=[{"rto": "4h", "rpo": "24h"}]
    )
    drill_every: DrillEvery | None = Field(
        default=None,
        description="how often it is drilled; without it cron never runs it",
        examples=["3 months"],
    )
    drill_on: DrillOnRule | None = Field(
        default=None,
        description="on which day it is drilled: first, second, third, fourth or last, a weekday "
        "or day, of the month, quarter, half-year or year; every Sunday, every day; or cron with "
        "five fields; then time and zone. Instead of counting drill_every from the last run",
        examples=["first Saturday of the quarter 02:00 Europe/Paris"],
    )
    drill_window: PositiveDuration = Field(
        default=WINDOW,
        description="how long after its time of drill_on it may begin, and is tried again when it "
        "could not run",
        examples=["6h"],
    )
    no_drills: tuple[QuietDays, ...] = Field(
        default=(),
        description="days on which no drill of drill_on begins: it is put off to the day after",
        examples=[[{"first": "2026-12-20", "last": "2027-01-04", "because": "year-end closing"}]],
    )
    depends_on: tuple[str, ...] = Field(
        default=(), description="services that are recovered before it", examples=[["directory"]]
    )
    needs: tuple[Need, ...] = Field(
        default=(),
        description="what it reaches elsewhere: where the standby's egress is denied, each attempt "
        "to reach something else is a finding",
        examples=[[{"to": "ldap.example.com:636", "why": "people sign in"}]],
    )
    needs_files: tuple[FileNeed, ...] = Field(
        default=(),
        description="files that it opens beside its backup, its packages and what playbooks "
        "write: where standby.watch_files is set, each other one is a finding",
        examples=[[{"path": "/etc/shop/license.key", "why": "from the safe, by hand"}]],
    )
    responsibilities: dict[str, Owners] = Field(
        default={},
        description="topic → who answers for it, where it is somebody else than in the plan's "
        "table; any other text is a line of your own, which a manual step may name",
        examples=[{"machines": "Hexanet", "backups": "Exemple SAS"}],
    )
    flows: tuple[Flow, ...] = Field(
        default=(),
        description="what it talks to: compared with what the restored service tries to reach",
        examples=[
            [{"from": "moodle", "to": "smtp.exemple.fr", "port": 587, "why": "mails to learners"}]
        ],
    )
    accesses: tuple[Access, ...] = Field(
        default=(),
        description="who may enter it, and how that is taken away again",
        examples=[
            [
                {
                    "who": "Hexanet, on-call",
                    "to": "the hypervisor's console",
                    "by": "VPN and a personal account",
                    "withdrawn": "the account is closed in the directory",
                }
            ]
        ],
    )
    primary: PrimaryIdentity = Field(
        default=PrimaryIdentity(),
        description="what production is, so that no restore starts on it",
        examples=["none", {"addresses": ["192.0.2.10"]}],
        json_schema_extra=or_form({"const": "none"}),
    )

    @field_validator("flows", "accesses")
    @classmethod
    def _each_once(cls, lines: tuple[Flow, ...] | tuple[Access, ...]) -> Any:
        """Refuse what is declared twice."""
        names = [str(each).casefold() for each in lines]
        for number, name in enumerate(names):
            if name in names[:number]:
                msg = f"{lines[number]} is there already, as number {names.index(name) + 1}"
                raise ValueError(msg)
        return lines

    def opens(self, flow: Flow, key: str, standbys: Iterable[str]) -> bool:
        """Tell whether it opens a flow itself: by its key, its title, its primary or a standby."""
        return flow.is_opened_by([key, self.title or key, *self.primary.addresses, *standbys])

    def answering(self, shared: Table) -> Self:
        """Return it with the lines of a table that its own table has not."""
        table = self.responsibilities
        more = {
            line: owners
            for line, owners in shared.items()
            if not any(is_same_line(line, each) for each in table)
        }
        return self.model_copy(update={"responsibilities": {**more, **table}}) if more else self


class Plan(Model):
    """`drills/plan.yml`."""

    plan: int = Field(ge=1, description="the plan's version, yours to count", examples=[1])
    organisation: str = Field(
        min_length=1, description="the company, as in reports", examples=["Exemple SAS"]
    )
    approved: str | None = Field(
        default=None,
        description="who approved this version, and when",
        examples=["A. Martin, 2026-10-05"],
    )
    owner: str | None = Field(
        default=None, description="who keeps this plan", examples=["C. Durand"]
    )
    retention: str | None = Field(
        default=None,
        description="how long records and reports are kept, where, by whom",
        examples=["10 years, with the backups"],
    )
    notify: Notify = Field(
        default=None,
        description="a program and its words; it gets what waits for a person on its standard "
        "input",
        examples=[["mail", "-s", "a drill waits", "ops@example.com"]],
    )
    notifications: tuple[NotificationChannel, ...] = Field(
        default=(),
        description="who is told of what comes of drills: a list of channels",
        examples=[
            [
                {
                    "name": "on-call",
                    "apprise": "file:/etc/pradrill/on-call.url",
                    "on": ["verdict", "overdue", "mended"],
                    "severity": "major",
                }
            ]
        ],
    )
    health_check: HealthCheck | None = Field(
        default=None,
        description="where `due --run` says that it is alive, at its start and end: an address, or "
        "url, start and fail",
        examples=["https://health.example.com/ping/7c1f/{code}"],
        json_schema_extra=or_form({"type": "string"}),
    )
    logo: RelativePath | None = Field(
        default=None, description="PNG or SVG, for the reports", examples=["logo.png"]
    )
    language: Literal["en", "fr"] | None = Field(
        default=None, description="of the reports; default: $LANG", examples=["fr"]
    )
    clauses: tuple[str, ...] = Field(
        default=(),
        description="standards and laws whose clauses a report's annex maps to its sections: dora, "
        "rts-2024-1774, nis2-2024-2690, recyf, anssi-hygiene, secnumcloud, hds, nist-800-53, "
        "iso-22301 … Default: none, or all of your own clauses.yml",
        examples=[["dora", "nis2-2024-2690"]],
    )
    providers: dict[str, Provider] = Field(
        default={},
        description="who hosts, by name",
        examples=[{"hexanet": {"support": {"phone": "+33 3 26 00 00 00"}}}],
    )
    recurring_within: PositiveDuration = Field(
        default=timedelta(days=90),
        description="an incident of the same cause or service is recurring within so long",
        examples=["90d"],
    )
    responsibilities: dict[str, Owners] = Field(
        default={},
        description=f"topic → who answers for it, for every service. Topics: {TOPICS}; any other "
        "text is a line of your own",
        examples=[{"power and network": "Hexanet", "restore": "Exemple SAS"}],
    )
    services: dict[str, Service] = Field(min_length=1, description="what is recovered, by name")
    sealing: Sealing = Field(default=Sealing(), description="who signs and stamps the register")

    @field_validator("services")
    @classmethod
    def _with_shared_lines(
        cls, services: dict[str, Service], info: ValidationInfo
    ) -> dict[str, Service]:
        """Give each service the lines of the plan's table that it does not answer itself."""
        shared = info.data.get("responsibilities") or {}
        return {name: service.answering(shared) for name, service in services.items()}

    @model_validator(mode="after")
    def _references(self) -> Self:
        problems = [
            f'service {name} depends on "{other}", which the plan does not declare'
            for name, service in self.services.items()
            for other in service.depends_on
            if other not in self.services
        ]
        problems += [
            f'service {name} names the provider "{service.provider}", which the plan lacks'
            for name, service in self.services.items()
            if service.provider is not None and service.provider not in self.providers
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self
