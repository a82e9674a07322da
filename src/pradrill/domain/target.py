"""The hosts that a drill works on, and how SSH reaches them."""

from __future__ import annotations

import base64
import hashlib
import ipaddress
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from pradrill.domain.model import Model
from pradrill.domain.timeline import Skew

MARKER = "/etc/pradrill/standby"
"""A machine's own word that it is a standby: this file's first line is its machine-id."""


class Host(Model):
    """A standby host, as the inventory describes it."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]*$")
    address: str = Field(min_length=1)
    port: int = Field(default=22, ge=1, le=65_535)
    user: str | None = None
    private_key: Path | None = None
    dr_role: str | None = None


class Site(Model):
    """The standby's hosts with everything that Ansible, testinfra and the probes need."""

    hosts: tuple[Host, ...] = Field(min_length=1)
    inventory: Path = Field(description="what ansible-playbook gets with -i")
    known_hosts: Path
    ssh_config: Path = Field(description="written for this run; every tool connects through it")


class MarkerFault(StrEnum):
    """Why what lies at the marker's place is no marker: it could have come from elsewhere."""

    LINK = "link"
    NOT_A_FILE = "not a file"
    OWNER = "owner"
    WRITABLE = "writable"
    SHARED = "shared"  # the same file as another one: a hard link, or mounted
    UNREADABLE = "unreadable"


class HostFacts(Model):
    """What a host says of itself over an SSH connection whose host key is the pinned one.

    All of it but the key and `peer` is the host's own word: one that lies about its machine-id,
    its marker and its addresses is not found out by them.
    """

    host: str
    host_key: str = Field(description='"ssh-ed25519 AAAA…" of this connection')
    machine_id: str
    marker: str | None = Field(description="content of the standby marker file, if there is one")
    marker_fault: MarkerFault | None = Field(
        default=None, description="why the marker file does not count, whatever it holds"
    )
    marker_fault_at: str = Field(default="", description="the path that it is about")
    peer: str = Field(default="", description="the address that the connection went to")
    addresses: tuple[str, ...]
    skew: Skew

    def seen(self) -> SeenHost:
        """Return what of it goes into the record; the machine-id is nobody else's business."""
        return SeenHost(
            host_key=fingerprint(self.host_key),
            addresses=tuple(each for each in self.addresses if not _is_loopback(each)),
        )


class SeenHost(Model):
    """What a host was when it was identified: whom one spoke to, and where its network is."""

    host_key: str = Field(description="SHA-256 fingerprint, as ssh-keygen -l prints it")
    addresses: tuple[str, ...] = Field(default=(), description="of its interfaces, but loopback")


class HostState(Model):
    """What can be left behind on a host: compared before prepare and after teardown."""

    listening: tuple[str, ...] = Field(default=(), description="address:port of TCP listeners")
    services: tuple[str, ...] = Field(default=(), description="active systemd services")
    mounts: tuple[str, ...] = ()
    present: tuple[str, ...] = Field(default=(), description="declared paths that exist")

    def left_by(self, before: HostState) -> tuple[str, ...]:
        """Say what is here now and was not before; declared paths count in any case."""
        left = [f"listens on {x}" for x in self.listening if x not in before.listening]
        left += [f"service {x} is active" for x in self.services if x not in before.services]
        left += [f"{x} is mounted" for x in self.mounts if x not in before.mounts]
        return (*left, *(f"{path} still exists" for path in self.present))


def fingerprint(key: str) -> str:
    """Return a public key's SHA-256 fingerprint; nothing of a key that cannot be read."""
    try:
        blob = base64.b64decode(key.split()[1], validate=True)
    except (IndexError, ValueError):
        return ""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def ssh_config(hosts: tuple[Host, ...], known_hosts: Path, control_folder: Path) -> str:
    """Render an OpenSSH client configuration: pinned keys, no prompts, one connection a host.

    `control_folder` must be short: a socket path holds about 100 bytes.
    """
    lines: list[str] = []
    for host in hosts:
        lines += [f"Host {host.name}", f"  HostName {host.address}", f"  Port {host.port}"]
        lines += [f"  User {host.user}"] if host.user else []
        if host.private_key is not None:
            lines += [f'  IdentityFile "{host.private_key}"', "  IdentitiesOnly yes"]
    return "\n".join(
        [
            *lines,
            "Host *",
            "  BatchMode yes",
            "  StrictHostKeyChecking yes",
            f'  UserKnownHostsFile "{known_hosts}"',
            "  GlobalKnownHostsFile /dev/null",
            "  UpdateHostKeys no",
            "  ControlMaster auto",
            f'  ControlPath "{control_folder}/%C"',
            "  ControlPersist 60s",
            "  ConnectTimeout 10",
            "  ServerAliveInterval 5",
            "  ServerAliveCountMax 3",
            "  LogLevel ERROR",
            "",
        ]
    )
