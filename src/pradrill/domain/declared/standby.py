"""Declare where to recover: the key `standby` of a drill, one model for each kind of standby.

Whoever needs to know what a kind is like asks the model for that, never which kind it is. A new
kind is a model here, its name in `AnyStandby`, and its adapter (`app/tools.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self, get_args

from pydantic import BeforeValidator, Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails

from pradrill.domain.declared.provisioned_standby import ProvisionedStandby
from pradrill.domain.declared.standby_kind import (
    Egress,
    KnownHostsFile,
    MachineName,
    OptionalEgress,
    StandbyKind,
)
from pradrill.domain.values.endpoint import Endpoint
from pradrill.domain.values.model import RelativePath
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.secret import SecretName


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
    known_hosts: KnownHostsFile = None
    become_password: SecretName | None = Field(
        default=None,
        description="what sudo asks the login for, on each of its hosts; without it sudo must ask "
        "for nothing",
        examples=["file:/etc/pradrill/sudo"],
    )
    egress: OptionalEgress = None

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

    In a drill a key of another kind is refused: what it asks for would not be done. In a record it
    says nothing: one of before there were kinds holds the keys of all.
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
    others = set() if info.context else every - kind.model_fields.keys()
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


AnyStandby = Annotated[
    InventoryStandby | LabStandby | ProvisionedStandby, BeforeValidator(_of_its_kind)
]
"""A standby of one of the kinds."""

KINDS: tuple[type[StandbyKind], ...] = get_args(get_args(AnyStandby)[0])
