"""Write how OpenSSH reaches a drill's hosts, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pradrill.domain.run.host import Host


def jump_option(host: Host) -> str:
    """Return the option of ssh that leads to a host by its jump host; nothing where it has none."""
    return f"ProxyJump={host.via.name}" if host.via is not None else ""


def _stanza(host: Host) -> Iterator[str]:
    """Yield what leads to a host, and before that what leads to the host that it is reached by."""
    if host.via is not None:
        yield from _stanza(host.via)
        yield "  ControlPath none"  # the connection that goes over it is the one to share
    address = host.address.replace("%", "%%")  # the zone of a link-local one is no token
    yield from (f"Host {host.name}", f"  HostName {address}", f"  Port {host.port}")
    if host.user:
        yield f"  User {host.user}"
    if host.private_key is not None:
        yield from (f'  IdentityFile "{host.private_key}"', "  IdentitiesOnly yes")
    if host.via is not None:
        yield f"  ProxyJump {host.via.name}"


def ssh_config(hosts: tuple[Host, ...], known_hosts: Path, control_folder: Path) -> str:
    """Render an OpenSSH client configuration: pinned keys, no prompts, one connection a host.

    `control_folder` must be short: a socket path holds about 100 bytes.
    """
    lines = [line for host in hosts for line in _stanza(host)]
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
