"""Say what every kind of standby declares, and what may be asked of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import Field, model_validator

from pradrill.domain.declared.playbook_step import PlaybookStep
from pradrill.domain.values.endpoint import Endpoint
from pradrill.domain.values.model import Model, RelativePath, or_form
from pradrill.domain.values.reason import Reason
from pradrill.domain.values.secret import SecretName

MachineName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]


class Egress(Model):
    """A standby from which nothing goes out, but for what is allowed."""

    allow: tuple[Endpoint, ...] = Field(
        default=(),
        description="what the standby may reach during the drill, as HOST:PORT: the backup server",
        examples=[["192.0.2.40:22"]],
    )
    mail_sink: bool = Field(
        default=False,
        description="take all mail that wants to leave the standby (ports 25 and 587, without TLS "
        "or a login), the machine's own too, and throw it away: counted, and the recipients' "
        "domains told; for servers that `allow` does not name",
        examples=[True],
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


OptionalEgress = Annotated[
    Egress | None,
    Field(
        description="`denied`: nothing goes out from the standby during the drill, and what tries "
        "is written down; or with exceptions, in allow, and what takes mail, in mail_sink",
        examples=["denied"],
        json_schema_extra=or_form({"const": "denied"}),
    ),
]

KnownHostsFile = Annotated[
    RelativePath | None,
    Field(
        description="the pinned host keys; default: where ssh itself looks for them",
        examples=["../known_hosts"],
    ),
]


class Hypervisor(Model):
    """What the playbooks act on that make a standby's machines and end them."""

    inventory: RelativePath = Field(
        description="an Ansible inventory", examples=["../inventories/hypervisor.yml"]
    )
    hosts: str = Field(
        min_length=1, description="a group or a host of the inventory", examples=["kvm"]
    )
    known_hosts: KnownHostsFile = None
    become_password: SecretName | None = Field(
        default=None,
        description="what sudo asks the login for there; without it sudo must ask for nothing",
        examples=["file:/etc/pradrill/sudo"],
    )


class Provisioning(NamedTuple):
    """How a run makes the machines of its standby, ends them, and sees which there are."""

    provision: PlaybookStep
    end: PlaybookStep
    reverts: bool
    """They are put back to a clean snapshot, and not destroyed."""
    listing: PlaybookStep
    hypervisor: Hypervisor | None
    """None: the playbooks act on the controller alone."""

    @property
    def steps(self) -> tuple[PlaybookStep, ...]:
        """Return its playbooks."""
        return self.provision, self.end, self.listing


class StandbyKind(Model):
    """What every kind of standby declares, and what is asked of it."""

    forms: ClassVar[Mapping[str, str]]
    """Keys of which a drill gives one to say this kind → how that is offered to people."""

    throw_away: ClassVar[bool] = False
    """It is the run's own: nothing needs to be put back on it, and no crash outlives it."""

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

    vault_password: SecretName | tuple[SecretName, ...] | None = Field(
        default=None,
        description="opens what Ansible Vault has encrypted for this standby; several where vault "
        "ids have different ones",
        examples=["file:/etc/pradrill/vault"],
    )
    watch_files: bool = Field(
        default=False,
        description="write down which files the services open from before the first playbook until "
        "the teardown, and tell which of them neither backup, package nor playbook brings; takes "
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
        "the teardown as before, each with its size, rights and owner, and up to 64 kB with its "
        "content",
        examples=[["/etc/apache2", "/var/www"]],
    )

    @property
    def vault_passwords(self) -> tuple[str, ...]:
        """Return the names of the passwords that Ansible Vault is given: it tries each."""
        several = self.vault_password or ()
        return (several,) if isinstance(several, str) else several

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
    def inventories(self) -> tuple[Path, ...]:
        """Return every inventory that its playbooks are given: its own, and its hypervisor's."""
        making = self.provisioning
        hypervisor = making.hypervisor if making is not None else None
        theirs = hypervisor.inventory if hypervisor is not None else None
        return tuple(each for each in (self.inventory_file, theirs) if each is not None)

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
    def provisioning(self) -> Provisioning | None:
        """Return what makes and ends its machines in a run; None where they are there already."""
        return None

    @property
    def brings_data(self) -> bool:
        """Tell whether its machines come with the data, so that nothing has to be restored."""
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
