"""Write the commands that mend a precondition, as a person types them on the controller."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote

from pradrill.domain.run.host import MARKER, Host

_SSH = 22
_ASKING = "sudo -p "
_USUAL = Path("~/.ssh/known_hosts")


def pinning(host: Host, known_hosts: Path) -> tuple[str, ...]:
    """Return how a host's key is fetched, compared on its console, and kept."""
    port = "" if host.port == _SSH else f"-p {host.port} "
    key = f"{host.name}.key"
    scan = f"ssh-keyscan {port}-t ed25519 {host.address}"
    if host.key_alias:  # ssh looks for it under that name alone
        scan += f" | sed 's/^[^ ]*/{host.key_alias}/'"
    if host.via is not None:  # only from there it is seen
        scan = f"{ssh(host.via, known_hosts)} {scan}"
    return (
        f"{scan} > {key} && ssh-keygen -lf {key}",
        f"ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub   # the same on {host.name}'s console?",
        f"cat {key} >> {quote(str(known_hosts))}",
    )


def server_key(address: str, port: int) -> str:
    """Return where the host key of a server of backups comes from."""
    option = "" if port == _SSH else f"-p {port} "
    return (
        f"Give backup_host_key what this prints: ssh-keyscan {option}-t ed25519 {address} "
        "| cut -d' ' -f2,3; first compare it with the server's own record."
    )


def new_key(path: Path, hosts: Sequence[Host]) -> tuple[str, ...]:
    """Return how a login key is made and taken to the hosts that it opens."""
    public = quote(f"{path}.pub")
    return (
        f"ssh-keygen -t ed25519 -N '' -f {quote(str(path))}",
        *(
            f"ssh-copy-id -i {public} {_jumping(host, '-o ProxyJump=')}-p {host.port} {login(host)}"
            for host in hosts
        ),
    )


def ssh(host: Host, known_hosts: Path, command: str = "") -> str:
    """Return the command that logs in to a host as a drill does, or runs a command there."""
    words = ["ssh", "-o BatchMode=yes"]
    words += ["-t"] if command.startswith(_ASKING) else []
    words += [f"-i {quote(str(host.private_key))}"] if host.private_key else []
    words += [f"-p {host.port}"] if host.port != _SSH else []
    words += [_jumping(host).rstrip()] if host.via is not None else []
    words += [f"-o {quote(option)}" for option in _pinned_in(known_hosts)]
    words += [login(host)]
    return " ".join([*words, quote(command)] if command else words)


def marking(host: Host, inventory: Path, known_hosts: Path, playbook: Path | None) -> str:
    """Return the command that marks a host as a standby; a wrong one may be overwritten then."""
    if playbook is None:
        root = by_root(host)
        folder = Path(MARKER).parent
        script = f"install -d -m 755 {folder} && install -m 644 /etc/machine-id {MARKER}"
        return ssh(host, known_hosts, f"{root}sh -c {quote(script)}")

    words = ["ansible-playbook", "-i", quote(str(inventory)), "--limit", host.name]
    arguments = [f"-o {each}" for each in _pinned_in(known_hosts)]
    if host.via is not None:  # the inventory's own variable outranks the option
        both = " ".join([_jumping(host).rstrip(), *arguments])
        words += [f"-e {quote(json.dumps({'ansible_ssh_common_args': both}))}"]
    else:
        words += [f"--ssh-common-args {quote(each)}" for each in arguments]
    words += [] if host.user == "root" else ["-e mark_become=true"]
    words += ["--ask-become-pass"] if host.password else []
    return " ".join([*words, quote(str(playbook))])


def by_root(host: Host) -> str:
    """Return what a command of root's begins with: the person who types it may be asked there."""
    if host.user == "root":
        return ""
    return f"{_ASKING}'password for %u: ' " if host.password else "sudo -n "


def passwordless_sudo(host: Host) -> tuple[str, ...]:
    """Return how a login may become root without being asked, typed on the host as root."""
    return _sudoers(host, "pradrill", f"{login_name(host)} ALL=(ALL:ALL) NOPASSWD: ALL")


def sudo_without_terminal(host: Host) -> tuple[str, ...]:
    """Return how sudo stops asking a login for a terminal, typed on the host as root."""
    return _sudoers(host, "pradrill-terminal", f"Defaults:{login_name(host)} !requiretty")


def _sudoers(host: Host, name: str, rule: str) -> tuple[str, ...]:
    file = f"/etc/sudoers.d/{name}"
    return (
        f"echo {quote(rule)} > {file} && chmod 440 {file} && visudo -c   # as root on {host.name}",
    )


def closing(host: Host, known_hosts: Path, endpoint: str) -> str:
    """Return the command that takes a way to production from a standby, until its next boot."""
    address, _, port = endpoint.rpartition(":")
    family = "ip6" if address.startswith("[") else "ip"
    table = "inet pradrill_closed"
    rules = (
        f"add table {table}",
        f"add chain {table} out {{ type filter hook output priority 0; }}",
        f"add rule {table} out {family} daddr {address.strip('[]')} tcp dport {port} reject",
    )
    return ssh(host, known_hosts, f'{by_root(host)}nft "{"; ".join(rules)}"')


def login(host: Host) -> str:
    """Return what ssh takes: USER@ADDRESS."""
    return f"{host.user}@{host.address}" if host.user else host.address


def _jumping(host: Host, option: str = "-J ") -> str:
    """Return the option with the jump hosts that lead to a host; nothing where none does."""
    return f"{option}{quote(','.join(_jumps(host.via)))} " if host.via is not None else ""


def _jumps(host: Host) -> Iterator[str]:
    if host.via is not None:
        yield from _jumps(host.via)
    address = f"[{host.address}]" if ":" in host.address else host.address
    yield f"{f'{host.user}@' if host.user else ''}{address}:{host.port}"


def login_name(host: Host) -> str:
    """Return the login's name; without one in the inventory it is the caller's."""
    return host.user or "$(whoami)"


def _pinned_in(known_hosts: Path) -> list[str]:
    """Return the option that names the pinned keys, unless they are where ssh looks anyway."""
    return [] if known_hosts == _USUAL.expanduser() else [f"UserKnownHostsFile={known_hosts}"]
