"""Declare where to recover: the key `standby` of a drill, one model for each kind of standby.

Whoever needs to know what a kind is like asks the model for that, never which kind it is. A new
kind is a model here, its name in `AnyStandby`, and its adapter (`app/tools.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails

from pradrill.domain.values.endpoint import Endpoint
from pradrill.domain.values.model import Model, RelativePath, or_form
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.secret import SecretName

MachineName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]


class Egress(Model):
    """A standby from which nothing goes out, but for what is allowed."""

    allow: tuple[Endpoint, ...] = Field(
        default=(),
        description="what the standby may reach during the drill, as HOST:PORT: the backup server",
        examples=[["192.0.2.40:22"]],
    )

    @model_validator(mode="before")
    @classmethod
    def _denied(cls, content: Any) -> Any:
        if isinstance(content, str) and content != "denied":
            msg = (
                f'"{content}" says nothing: write denied, or what it allows: {{allow: [HOST:PORT]}}'
            )
            raise ValueError(msg)
        return {} if content == "denied" else content


class StandbyKind(Model):
    """What every kind of standby declares, and what is asked of it."""

    forms: ClassVar[Mapping[str, str]]
    """Keys of which a drill gives one to say this kind → how that is offered to people."""

    throw_away: ClassVar[bool] = False
    """It is the run's own copy: nothing needs to be put back, and a crash leaves nothing of it."""

    leased: ClassVar[bool] = True
    """Other controllers reach it, too: a run takes a lease on each host."""

    leaves_residue: ClassVar[bool] = True
    """It lives on after the run: what teardown should have removed is looked for."""

    marked_by_prepare: ClassVar[bool] = False
    """It carries no marker before the run's own prepare step has placed it."""

    known_by_name: ClassVar[bool] = False
    """A host's name is its identity: who made the host made its key and its machine-id for it."""

    copied: ClassVar[bool] = False
    """It can be saved as it is, and resumed as throw-away copies: it can be sabotaged."""

    stand_in: ClassVar[bool] = False
    """It is not what a disaster would use."""

    limits: ClassVar[tuple[Reason, ...]] = ()
    """What a drill on it does not prove."""

    vault_password: SecretName | None = Field(
        default=None,
        description="opens what Ansible Vault has encrypted for this standby",
        examples=["file:/etc/pradrill/vault"],
    )
    watch_files: bool = Field(
        default=False,
        description="write down which files the services open between the restore and the "
        "teardown, and tell which of them neither backup, package nor playbook brings; takes "
        "root on the standby",
        examples=[True],
    )
    absent_after_teardown: tuple[str, ...] = Field(
        default=(),
        description="absolute paths on the standby that teardown must have removed",
        examples=[["/srv/files"]],
    )
    unchanged_after_teardown: tuple[Annotated[str, Field(pattern=r"^/")], ...] = Field(
        default=(),
        description="absolute paths on the standby whose files, up to 2,000, must be there after "
        "the teardown as before, each with its size",
        examples=[["/etc/apache2", "/var/www"]],
    )

    @property
    def where(self) -> str:
        """Return what the drill calls the standby."""
        raise NotImplementedError

    @property
    def names(self) -> tuple[str, ...]:
        """Return the hosts that the drill itself names; none when an inventory does."""
        return ()

    @property
    def names_key(self) -> str:
        """Return the key that holds the names."""
        return next(iter(self.forms))

    @property
    def inventory_file(self) -> Path | None:
        """Return the inventory that says which hosts there are, if one does."""
        return None

    @property
    def leads_to(self) -> Mapping[str, str] | None:
        """Return all that its closed network leads to; None when its network is not closed."""
        return None

    @property
    def denied(self) -> Egress | None:
        """Return how a run denies its way out; None when it does not."""
        return None

    @property
    def captured(self) -> bool:
        """Tell whether what it sends is written down outside of it."""
        return False

    @property
    def sudo_password(self) -> SecretName | None:
        """Return the secret that sudo asks its logins for; None where it asks for nothing."""
        return None

    @property
    def thrown_away(self) -> tuple[Reason, ...]:
        """Return what is gone with it at the run's end."""
        return ()

    def lock_name(self, host: str, address: str | None) -> str:
        """Return what tells a host from every other that a run may hold."""
        return address or host


class InventoryStandby(StandbyKind):
    """Hosts of an Ansible inventory."""

    forms = {"inventory": "inventory (with hosts)"}

    inventory: RelativePath = Field(
        description="an Ansible inventory; either this, vm or vms",
        examples=["../inventories/example.yml"],
    )
    hosts: str | None = Field(
        default=None, description="a group or a host of the inventory", examples=["standby"]
    )
    known_hosts: RelativePath | None = Field(
        default=None,
        description="the pinned host keys; default: ~/.ssh/known_hosts",
        examples=["../known_hosts"],
    )
    become_password: SecretName | None = Field(
        default=None,
        description="what sudo asks the login for, on each of its hosts; without it sudo must ask "
        "for nothing",
        examples=["file:/etc/pradrill/sudo"],
    )
    egress: Egress | None = Field(
        default=None,
        description="`denied`: nothing goes out from the standby during the drill, and what tries "
        "is written down; or with exceptions, in allow",
        examples=["denied"],
        json_schema_extra=or_form({"const": "denied"}),
    )

    @property
    def where(self) -> str:
        """Return the group or host."""
        return self.hosts or ""

    @property
    def inventory_file(self) -> Path:
        """Return the inventory."""
        return self.inventory

    @property
    def denied(self) -> Egress | None:
        """Return how a run denies its way out, as the drill says."""
        return self.egress

    @property
    def sudo_password(self) -> SecretName | None:
        """Return the secret that the drill names."""
        return self.become_password

    @model_validator(mode="after")
    def _names_hosts(self) -> Self:
        if not self.hosts:
            msg = "hosts is missing: which group or host of the inventory is the standby"
            raise ValueError(msg)
        return self


class LabStandby(StandbyKind):
    """Machines of the lab, each an overlay of the run's own."""

    forms = {"vm": "vm", "vms": "vms"}
    throw_away = True
    leased = False
    leaves_residue = False
    marked_by_prepare = True
    known_by_name = True
    copied = True
    stand_in = True
    limits = (reason(Code.LAB),)

    vm: MachineName | None = Field(
        default=None, description="a machine of the lab", examples=["standby"]
    )
    vms: tuple[MachineName, ...] = Field(
        default=(),
        description="machines of the lab, for services that have one each",
        examples=[["db", "web"]],
    )
    capture: bool = Field(
        default=False,
        description="write down, outside of the machine, what its network card sends, and tell "
        "what it tried to reach; nothing on it can hide that",
        examples=[True],
    )
    links: dict[Endpoint, Endpoint] = Field(
        default={},
        description="guest address:port → MACHINE:PORT in the lab",
        examples=[{"10.0.2.100:22": "backup:22"}],
    )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the machines."""
        return self.vms if self.vm is None else (self.vm,)

    @property
    def names_key(self) -> str:
        """Return the one of its two keys that is given."""
        return "vms" if self.vms else "vm"

    @property
    def where(self) -> str:
        """Return the machines' names."""
        return ", ".join(self.names)

    @property
    def captured(self) -> bool:
        """Tell whether what it sends is written down, as the drill says."""
        return self.capture

    @property
    def leads_to(self) -> Mapping[str, str]:
        """Return the links: nothing else is reached from inside the lab."""
        return self.links

    @property
    def thrown_away(self) -> tuple[Reason, ...]:
        """Return each machine as the run left it."""
        return tuple(reason(Code.OVERLAY_DESTROYED, name=name) for name in self.names)

    def lock_name(self, host: str, address: str | None) -> str:  # noqa: ARG002 its address is new each time
        """Return the machine's name: only one run at a time starts it."""
        return f"vm:{host}"

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len(set(self.vms)) != len(self.vms):
            msg = "vms names a machine twice"
            raise ValueError(msg)
        return self


def _of_its_kind(value: Any, info: ValidationInfo) -> Any:
    """Read a standby as the kind that its keys say.

    Keys of other kinds say nothing: a record of before there were kinds holds the keys of all.
    """
    if isinstance(value, StandbyKind):
        return value
    if not isinstance(value, dict):
        return KINDS[0].model_validate(value)  # the refusal is the same for all

    every = {key for kind in KINDS for key in kind.model_fields}
    kinds = [kind for kind in KINDS for key in kind.forms if value.get(key) not in (None, [], ())]
    if len(kinds) != 1:
        raise _not_one(value, every)

    (kind,) = kinds
    others = every - kind.model_fields.keys()
    fields = {key: each for key, each in value.items() if key not in others}

    return kind.model_validate(fields, context=info.context)


def _not_one(value: Mapping[str, Any], every: set[str]) -> ValueError:
    """Return why it is not said which kind it is: a misspelt key first, then that none is."""
    misspelt = [
        InitErrorDetails(type="extra_forbidden", loc=(key,), input=each)
        for key, each in value.items()
        if key not in every
    ]
    if misspelt:
        return ValidationError.from_exception_data("Standby", misspelt)
    forms = ", or ".join(form for kind in KINDS for form in kind.forms.values())
    return ValueError(f"give either {forms}")


AnyStandby = Annotated[InventoryStandby | LabStandby, BeforeValidator(_of_its_kind)]
"""A standby of one of the kinds."""

KINDS: tuple[type[StandbyKind], ...] = get_args(get_args(AnyStandby)[0])
