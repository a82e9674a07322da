"""Declare a standby whose machines are made for the run, and end with it."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from pradrill.domain.declared.playbook_step import PlaybookStep
from pradrill.domain.declared.standby_kind import (
    Egress,
    Hypervisor,
    MachineName,
    OptionalEgress,
    Provisioning,
    StandbyKind,
)
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code


class ProvisionedStandby(StandbyKind):
    """Machines that the drill's own playbooks make for the run, and end with it."""

    forms = {"provision": "provision (with machines)"}
    throw_away = True
    leased = False
    leaves_residue = False

    machines: tuple[MachineName, ...] = Field(
        min_length=1,
        description="how the drill calls the machines that are made for the run",
        examples=[["files-dr"]],
    )
    provision: PlaybookStep = Field(
        description="makes the machines; either this, inventory, vm or vms",
        examples=[{"playbook": "../playbooks/provision/libvirt/provision.yml"}],
    )
    destroy: PlaybookStep | None = Field(
        default=None,
        description="destroys them, on every path; either this or revert",
        examples=[{"playbook": "../playbooks/provision/libvirt/destroy.yml"}],
    )
    revert: PlaybookStep | None = Field(
        default=None,
        description="puts machines back to a clean snapshot instead, on every path",
        examples=[{"playbook": "../playbooks/provision/libvirt/revert.yml"}],
    )
    listing: PlaybookStep = Field(
        description="hands back which machines carry a tag: none of the run's may be left",
        examples=[{"playbook": "../playbooks/provision/libvirt/listing.yml"}],
    )
    hypervisor: Hypervisor | None = Field(
        default=None,
        description="what these playbooks act on; default: the controller, for an API",
        examples=[{"inventory": "../inventories/hypervisor.yml", "hosts": "kvm"}],
    )
    restores: bool = Field(
        default=False,
        description="the machines are made of a backup, as of an archive of production's own: "
        "that is the restore, and the drill may have no restore step",
        examples=[True],
    )
    egress: OptionalEgress = None

    @property
    def names(self) -> tuple[str, ...]:
        """Return the machines."""
        return self.machines

    @property
    def names_key(self) -> str:
        """Return the key that holds the names."""
        return "machines"

    @property
    def where(self) -> str:
        """Return the machines' names."""
        return ", ".join(self.machines)

    @property
    def provisioning(self) -> Provisioning:
        """Return its playbooks, and what they act on."""
        end = self.destroy or self.revert
        assert end is not None  # noqa: S101 it was validated
        return Provisioning(
            self.provision, end, self.revert is not None, self.listing, self.hypervisor
        )

    @property
    def brings_data(self) -> bool:
        """Tell whether its machines come with the data."""
        return self.restores

    @property
    def denied(self) -> Egress | None:
        """Return how a run denies its way out, as the drill says."""
        return self.egress

    @property
    def thrown_away(self) -> tuple[Reason, ...]:
        """Return the machines as the run leaves them."""
        code = Code.MACHINES_REVERTED if self.revert else Code.MACHINES_DESTROYED
        return (reason(code, names=self.where),)

    def lock_name(self, host: str, address: str | None) -> str:  # noqa: ARG002 its address is new each time
        """Return the machine's name: only one run at a time makes it."""
        return f"machine:{host}"

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        problems = []
        if len(set(self.machines)) != len(self.machines):
            problems.append("machines names one twice")
        if (self.destroy is None) == (self.revert is None):
            problems.append("give either destroy or revert: how the machines end")
        if problems:
            raise ValueError("; ".join(problems))
        return self
