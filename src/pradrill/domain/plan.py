"""The company's recovery plan: services, objectives, dependencies, owners, providers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pradrill.domain import identity
from pradrill.domain.duration import DrillEvery, PositiveDuration
from pradrill.domain.model import Model, RelativePath, when_written
from pradrill.domain.sealing import Sealing


class Support(Model):
    """How to reach a provider's support, and under which contract."""

    phone: str | None = None
    email: str | None = None
    hours: str | None = None
    contract: str | None = None


class Sla(Model):
    """What a provider promises."""

    availability: str | None = None
    response: PositiveDuration | None = None
    restoration: PositiveDuration | None = None


class Provider(Model):
    """A company that hosts services: machines, network and an SLA, not the recovery."""

    support: Support = Support()
    sla: Sla = Sla()


class Objectives(Model):
    """What the plan promises for a service. A drill cannot weaken them."""

    rto: PositiveDuration = Field(description="recovery time objective (DMIA)")
    rpo: PositiveDuration = Field(description="recovery point objective (PDMA)")
    mtpd: PositiveDuration | None = Field(
        default=None, description="maximum tolerable period of disruption"
    )

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.mtpd is not None and self.mtpd < self.rto:
            msg = "mtpd is shorter than rto: the objective would be met after the company is lost"
            raise ValueError(msg)
        return self


class SshAddress(Model):
    """How SSH reaches a primary, to compare its clock and for nothing else."""

    host: str = Field(min_length=1)
    port: int = Field(default=22, ge=1, le=65_535)
    user: str | None = None
    key: RelativePath | None = Field(default=None, description="the login's private key")
    known_hosts: RelativePath | None = Field(
        default=None, description="the pinned host keys; default: ~/.ssh/known_hosts"
    )


class PrimaryIdentity(Model):
    """What identifies a primary's machines, so that no restore ever starts on one.

    Without anything here no drill of the service runs: a standby that was compared with nothing is
    not proven. `primary: none` says that there is nothing to compare with, and that drills run all
    the same.
    """

    addresses: tuple[Annotated[str, when_written(identity.address)], ...] = ()
    host_keys: tuple[Annotated[str, when_written(identity.host_key)], ...] = Field(
        default=(), description='"ssh-ed25519 AAAA…" or "SHA256:…", one per key'
    )
    machine_ids: tuple[Annotated[str, when_written(identity.machine_id)], ...] = Field(
        default=(), description="content of /etc/machine-id"
    )
    waived: bool = Field(default=False, description="what primary: none stands for")
    vm: str | None = Field(default=None, description="a lab machine's name")
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


class Service(Model):
    """A service to recover."""

    tier: int | None = Field(default=None, ge=0, le=9)
    site: str | None = Field(default=None, description="where its primary is")
    owner: str | None = None
    provider: str | None = None
    objectives: Objectives
    drill_every: DrillEvery | None = None
    depends_on: tuple[str, ...] = ()
    responsibilities: dict[str, str] = {}
    primary: PrimaryIdentity = PrimaryIdentity()


class Plan(Model):
    """`drills/plan.yml`."""

    plan: int = Field(ge=1, description="the plan's version")
    organisation: str = Field(min_length=1)
    approved: str | None = Field(default=None, description="who approved this version, and when")
    owner: str | None = Field(default=None, description="who keeps this plan")
    retention: str | None = Field(
        default=None, description="how long records and reports are kept, where, by whom"
    )
    notify: tuple[str, ...] = Field(
        default=(),
        description="a program and its words; it gets what waits for a person on its standard "
        'input, as in [mail, -s, "a drill waits", ops@example.com]',
    )
    logo: RelativePath | None = Field(default=None, description="PNG or SVG, for the reports")
    language: Literal["en", "fr"] | None = Field(
        default=None, description="of the reports; default: $LANG"
    )
    providers: dict[str, Provider] = {}
    services: dict[str, Service] = Field(min_length=1)
    sealing: Sealing = Field(default=Sealing(), description="who signs and stamps the register")

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
