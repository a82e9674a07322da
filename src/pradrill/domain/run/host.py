"""Describe the hosts that a drill works on, and what is seen of them."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from pradrill.domain.run.scope import beginning, is_posix
from pradrill.domain.run.standby_inventory import StandbyInventory
from pradrill.domain.values.host_key import fingerprint
from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.secret import SecretName
from pradrill.domain.values.timeline import Skew

MARKER = "/etc/pradrill/standby"
"""A machine's own word that it is a standby: this file's first line is its machine-id."""


def _plain(path: Path) -> Path:
    """Refuse what OpenSSH would read as more than a path: it is written into its configuration."""
    if any(each in str(path) for each in ('"', "${", "%")) or not str(path).isprintable():
        msg = f"{str(path)!r} holds characters that OpenSSH does not take as they are"
        raise ValueError(msg)
    return path


ADDRESS = r"^(?:[A-Za-z0-9][A-Za-z0-9_.%-]*|[A-Fa-f0-9]*:[A-Fa-f0-9]*:[A-Za-z0-9_.:%-]*)$"
"""What an address or a name may be made of, so that it is one word to every tool; no port."""


class Host(Model):
    """A standby host, as the inventory describes it."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")
    address: str = Field(pattern=ADDRESS)
    port: int = Field(default=22, ge=1, le=65_535)
    user: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@\\-]*\$?$")
    private_key: Annotated[Path, AfterValidator(_plain)] | None = None
    dr_role: str | None = None
    become: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$",
        description="as whom checks, readings and the canary are carried out there, by sudo",
    )
    jump: str | None = Field(
        default=None, description="the jump hosts that the inventory names, as ssh's -J takes them"
    )
    via: Host | None = Field(
        default=None, description="the jump host that it is reached by, itself as ssh reaches it"
    )
    key_alias: str | None = Field(
        default=None, description="the name of its pinned key, where ssh_config says another one"
    )
    pin_files: tuple[Path, ...] = Field(
        default=(), description="where ssh itself would look for its pinned key, first to last"
    )
    remote_tmp: str | None = Field(
        default=None, description="where the inventory has Ansible lay its files on it"
    )
    password: SecretName | None = Field(
        default=None, description="the secret that sudo asks the login for; never its value"
    )


class Inventory(Model):
    """An inventory as Ansible read it once: what a run gives to Ansible, whatever is edited."""

    content: dict[str, Any] = Field(description="groups, hosts and variables, as YAML has them")
    beside: dict[Path, dict[str, Any]] = Field(
        default={}, description="folder of playbooks with variables of its own → content with them"
    )


class Proven(Model):
    """A host whose identity was seen in this run: where it is reached, and which machine it is."""

    host: Host
    machine_id: str = Field(min_length=1)
    posix: bool = Field(default=False, description="whether its login's shell reads what sh reads")
    scratch: str = Field(
        default="", description="where Ansible lays its files, when not in the login's home"
    )


class Site(Model):
    """The standby's hosts with everything that Ansible, testinfra and the probes need."""

    hosts: tuple[Host, ...] = Field(min_length=1)
    inventory: Path = Field(description="what ansible-playbook gets with -i, written for this run")
    inventories: dict[Path, Path] = Field(
        default={}, description="folder of playbooks → what its playbooks get instead"
    )
    known_hosts: Path
    ssh_config: Path = Field(description="written for this run; every tool connects through it")
    run_id: str = Field(
        default="",
        description="marks all that is started there; nothing where nobody looks for that mark",
    )
    counted: bool = Field(
        default=False,
        description="what goes out of its hosts is counted: the run's own tries are marked",
    )
    others: tuple[str, ...] = Field(
        default=(), description="names of the standby's hosts that are other branches'"
    )
    proven: tuple[Proven, ...] = Field(
        default=(), description="the hosts that were identified, other branches' included"
    )

    def identified(self, facts: Iterable[HostFacts]) -> tuple[Proven, ...]:
        """Return its hosts with what those that were seen said of themselves."""
        facts_of = {each.host: each for each in facts if each.machine_id}
        return tuple(
            Proven(
                host=host,
                machine_id=facts_of[host.name].machine_id,
                posix=is_posix(facts_of[host.name].shell),
                scratch=facts_of[host.name].scratch,
            )
            for host in self.hosts
            if host.name in facts_of
        )

    @property
    def beginning(self) -> str:
        """Return the words that commands on its hosts begin with; none where none is needed."""
        posix = bool(self.proven) and all(each.posix for each in self.proven)
        return beginning(self.run_id, posix=posix) if self.run_id else ""

    def of(self, names: Collection[str]) -> Site:
        """Return what of it some of its hosts are; the others are known by their names."""
        hosts = tuple(host for host in self.hosts if host.name in names)
        others = tuple(host.name for host in self.hosts if host not in hosts)
        return self.model_copy(update={"hosts": hosts, "others": (*self.others, *others)})

    def inventory_for(self, playbook: Path) -> Path:
        """Return the inventory that goes with a playbook's own variables."""
        return self.inventories.get(playbook.parent, self.inventory)


class MarkerFault(StrEnum):
    """Why what lies at the marker's place does not count: it could have come from elsewhere."""

    LINK = "link"
    NOT_A_FILE = "not a file"
    OWNER = "owner"
    WRITABLE = "writable"
    SHARED = "shared"  # the same file as another one: a hard link, or mounted
    UNREADABLE = "unreadable"


class LoginFault(Model):
    """Why commands would not do on a host what they do elsewhere, and what mends it."""

    what: str
    hint: str


class HostFacts(Model):
    """What a host says of itself over an SSH connection whose host key is the pinned one.

    All of it but the key and `peer` is the host's own word: one that lies about its machine-id,
    its marker and its addresses is not found out by them.
    """

    host: str
    host_key: str = Field(description='"ssh-ed25519 AAAA…" of this connection')
    other_keys: tuple[str, ...] = Field(
        default=(), description="the same of its sshd's usual key files, of each type"
    )
    machine_id: str
    marker: str | None = Field(description="content of the standby marker file, if there is one")
    marker_fault: MarkerFault | None = Field(
        default=None, description="why the marker file does not count, whatever it holds"
    )
    marker_fault_at: str = Field(default="", description="the path that it is about")
    peer: str = Field(default="", description="the address that the connection went to")
    addresses: tuple[str, ...]
    shell: str = Field(default="", description="of the login, by its path")
    login_fault: LoginFault | None = Field(
        default=None, description="what of its login a drill must not begin with"
    )
    scratch: str = Field(
        default="",
        description="a place that the login may make, where it may write nothing at home",
    )
    skew: Skew

    def for_record(self) -> SeenHost:
        """Return what of it goes into the record; the machine-id is nobody else's business."""
        return SeenHost(
            host_key=fingerprint(self.host_key),
            machine=_disguised(self.machine_id),
            addresses=tuple(each for each in self.addresses if not _is_loopback(each)),
        )


class SeenHost(Model):
    """What a host was when it was identified: whom one spoke to, and where its network is."""

    host_key: str = Field(description="SHA-256 fingerprint, as ssh-keygen -l prints it")
    machine: str = Field(
        default="", description="what tells its machine-id from others, and does not tell it"
    )
    addresses: tuple[str, ...] = Field(default=(), description="of its interfaces, but loopback")


class Surroundings(Model):
    """What a host has beside its identity that a restore depends on."""

    time_zone: str = Field(description='as its clock names it: "UTC", "CET"')
    free: dict[str, int] = Field(description="path → bytes that are free where it lies or would")


class HostState(Model):
    """What can be left behind on a host: compared before prepare and after teardown."""

    listening: tuple[str, ...] = Field(default=(), description="address:port of TCP listeners")
    services: tuple[str, ...] = Field(default=(), description="active systemd services")
    mounts: tuple[str, ...] = ()
    present: tuple[str, ...] = Field(default=(), description="declared paths that exist")
    uptime: float | None = Field(default=None, description="seconds since its boot")
    boot: str = Field(default="", description="what tells that boot from others")
    daemons: tuple[str, ...] = Field(
        default=(),
        description="names of processes that the first process answers for, or a keeper like tmux",
    )
    inventory: StandbyInventory | None = Field(
        default=None, description="all else that a drill can leave; none in older runs"
    )

    def left_by(self, before: HostState) -> tuple[Reason, ...]:
        """Say what is here now and was not before, and what else is not as it was."""
        listening = [each for each in self.listening if each not in before.listening]
        services = [
            each
            for each in self.services
            if each not in before.services and not before.starts_for_others(each)
        ]
        mounts = [each for each in self.mounts if each not in before.mounts]
        return (
            *(reason(Code.LISTENS, what=each) for each in listening),
            *(reason(Code.SERVICE_ACTIVE, name=each) for each in services),
            *(reason(Code.MOUNTED, path=each) for each in mounts),
            *self._not_in_stock(before, mounts),
        )

    def starts_for_others(self, service: str) -> bool:
        """Tell whether a service begins by a timer, as Debian's do each day, or when asked for."""
        return self.inventory is not None and self.inventory.starts_for_others(service)

    def limit(self, host: str, before: HostState) -> Reason | None:
        """Say what of a host was seen before and could not be compared now, beside residue."""
        if self.inventory is None or before.inventory is None:
            return None
        return self.inventory.limit(host, before.inventory)

    def erasure(self, host: str, before: HostState, paths: Sequence[str]) -> tuple[Reason, ...]:
        """Say which data and ways in of a drill are proven gone; `paths` had to be."""
        now, then = self.inventory, before.inventory
        absent = [
            each
            for each in paths
            if each not in self.present and (now is None or not now.holds(each))
        ]
        reasons = [reason(Code.ERASED_PATHS, host=host, paths=absent)] if absent else []
        if now is not None and then is not None and now.has_databases_of(then):
            reasons.append(reason(Code.ERASED_DATABASES, host=host))
        if now is not None and then is not None and now.has_accounts_of(then):
            reasons.append(reason(Code.ACCOUNTS_AS_BEFORE, host=host))
        return tuple(reasons)

    def paths_left(self) -> tuple[Reason, ...]:
        """Say which declared paths are here, new or not."""
        return tuple(reason(Code.STILL_EXISTS, path=each) for each in self.present)

    def _not_in_stock(self, before: HostState, mounts: Collection[str]) -> tuple[Reason, ...]:
        """Say what differs in the inventories; `mounts` were told."""
        if self.inventory is None or before.inventory is None:
            return ()
        return self.inventory.left_by(before.inventory, mounts=mounts)


def _disguised(machine_id: str) -> str:
    """Return a hash that the machine-id is the key of, as machine-id(5) wants it told."""
    if not machine_id:
        return ""
    return hmac.new(machine_id.encode(), b"pradrill", "sha256").hexdigest()


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False
