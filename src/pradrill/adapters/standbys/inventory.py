"""Use hosts of an inventory as the standby, reached over SSH with pinned keys."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from shlex import quote
from shutil import which

from pradrill.adapters.standbys.connections import close_connections
from pradrill.adapters.standbys.files import write_private
from pradrill.adapters.standbys.pinned_keys import PinnedKeys
from pradrill.adapters.standbys.ssh_route import NOWHERE, hops, routes
from pradrill.domain.run.host import Host, HostFacts, Inventory, Site
from pradrill.domain.run.host_answers import known_hosts_name, last_line
from pradrill.domain.run.mending import new_key, pinning
from pradrill.domain.run.ssh_config import ssh_config
from pradrill.errors import NotReadyError
from pradrill.ports import Impediment, Say
from pradrill.system import ssh_sockets as sockets
from pradrill.system.command import as_root

_DEADLINE = 10
_USUAL = Path("~/.ssh/known_hosts")
_NOT_KEPT = (
    f"Write UserKnownHostsFile {_USUAL} for it in your ssh_config, or known_hosts in the drill's "
    "standby, and have the key in that file."
)
_NUMERIC = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV


class InventoryHosts:
    """Makes hosts reachable for a run, and leaves no connection behind."""

    def __init__(
        self,
        hosts: Sequence[Host],
        inventory: Inventory,
        known_hosts: Path | None = None,
    ) -> None:
        """Take hosts, and the file of pinned keys; without one those count that ssh reads."""
        self._hosts = tuple(hosts)
        self._inventory = inventory
        self._known_hosts = known_hosts

    def problems(self) -> Sequence[Impediment]:
        """Say what stands in the way of connecting: programs, pinned keys, login keys."""
        missing = [name for name in ("ssh", "ssh-keygen") if which(name) is None]
        if missing:
            install = (as_root("apt-get install openssh-client"),)
            return [Impediment(f"{name} is not installed", mend=install) for name in missing]
        return [*self._pin_problems(), *self._login_problems()]

    def start(self, folder: Path, run_id: str, say: Say) -> Site:
        """Write pinned keys, client configuration and inventory into `folder`, for every tool.

        Each address is looked up here, once. The keys are those that OpenSSH finds for exactly
        these hosts, whatever the patterns and hashes in the user's file. Raises NotReadyError.
        """
        problems = self._pin_problems()
        if problems:
            raise NotReadyError(problems[0].what)

        addresses: dict[tuple[str, int], str] = {}
        hosts = tuple(_settled(host, addresses) for host in self._routed)
        _refuse_same_address(hosts)
        pins = [
            (hop, self._pins(original).of(original))  # what is pinned is the name that people wrote
            for host, routed in zip(hosts, self._routed, strict=True)
            for hop, original in zip(hops(host), hops(routed), strict=True)
        ]
        connections = sockets.folder_for(run_id)  # the run's own: others go on undisturbed
        sockets.make_private(connections)
        known_hosts = folder / "known_hosts"
        write_private(known_hosts, "".join(_pin(hop, key) for hop, keys in pins for key in keys))
        config = folder / "ssh_config"
        write_private(config, ssh_config(hosts, known_hosts, connections))
        inventory = folder / "inventory.json"
        write_private(inventory, json.dumps(self._inventory.content))
        beside = {
            playbooks: folder / f"inventory-{number}.json"
            for number, playbooks in enumerate(self._inventory.beside)
        }
        for playbooks, path in beside.items():
            write_private(path, json.dumps(self._inventory.beside[playbooks]))
        say(f"{len(hosts)} inventory host{'s' if len(hosts) > 1 else ''} to reach")

        return Site(
            hosts=hosts,
            inventory=inventory,
            inventories=beside,
            known_hosts=known_hosts,
            ssh_config=config,
            run_id=run_id,
        )

    def bind(self, site: Site, identified: Sequence[HostFacts]) -> Site:
        """Leave of the pinned keys those that the hosts have shown, and note who they are."""
        bound = site.model_copy(update={"proven": site.identified(identified)})
        keys = {facts.host: facts.host_key for facts in identified}
        proven = {_pin(each.host, keys[each.host.name]) for each in bound.proven}
        on_the_way = {known_hosts_name(hop) for host in site.hosts for hop in [*hops(host)][:-1]}
        on_the_way -= {known_hosts_name(each.host) for each in bound.proven}
        lines = site.known_hosts.read_text("utf-8").splitlines(keepends=True)
        pins = [line for line in lines if line.split()[0] in on_the_way or line in proven]
        write_private(site.known_hosts, "".join(pins))

        return bound

    def stop(self, run_id: str) -> Sequence[str]:
        """Close the run's shared connections, also another process's; say which could not be."""
        return close_connections(run_id)

    @cached_property
    def _routed(self) -> tuple[Host, ...]:
        """Return the hosts as ssh would reach them. Raises NotReadyError."""
        return routes(self._hosts)

    def _pin_problems(self) -> list[Impediment]:
        try:
            before = [hop for host in self._routed for hop in [*hops(host)][:-1]]
        except NotReadyError as error:
            return [Impediment(error.message, error.hint, error.mend)]
        jumps = {known_hosts_name(hop): hop for hop in before}
        unique = [*jumps.values(), *self._routed]
        missing: dict[Path, list[Host]] = {}
        problems: dict[str, Impediment] = {}
        for host in unique:
            pins = self._pins(host)
            if what := pins.unreadable():
                problems[what] = Impediment(what, "Let this user read it, or take it away.")
            elif self._known_hosts is None and host.pin_files[:1] == (NOWHERE,):
                if not pins.of(host):
                    what = f"your ssh_config keeps no host key of {_label(host)}"
                    what += f": UserKnownHostsFile is {NOWHERE}"
                    problems[what] = Impediment(what, _NOT_KEPT, pinning(host, _USUAL.expanduser()))
            elif not any(path.is_file() for path in pins.files):
                missing.setdefault(pins.files[0], []).append(host)
            elif not pins.of(host):
                what = f"{pins.files[0]} pins no host key for {_label(host)}"
                if pins.certifies(host):
                    what += ", only a certificate authority: add the host's own key"
                problems[what] = Impediment(what, mend=pinning(host, pins.files[0]))

        for path, hosts in missing.items():
            what = f"the file of pinned host keys {path} does not exist"
            steps = [step for host in hosts for step in pinning(host, path)]
            problems[what] = Impediment(what, mend=steps)
        return [*problems.values()]

    def _pins(self, host: Host) -> PinnedKeys:
        """Return the keys that count for a host as ssh would reach it."""
        if self._known_hosts is not None:
            return PinnedKeys((self._known_hosts,))
        files = host.pin_files or (_USUAL.expanduser(),)
        return PinnedKeys([path for path in files if path != NOWHERE])

    def _login_problems(self) -> Iterator[Impediment]:
        try:
            each_hop = [hop for host in self._routed for hop in hops(host)]
        except NotReadyError:  # that is told as it is
            return
        for path in sorted({hop.private_key for hop in each_hop if hop.private_key}):
            try:
                status = path.stat()
            except OSError as error:
                yield Impediment(
                    f"the login key {path} cannot be read: {error.strerror}",
                    mend=new_key(path, [host for host in each_hop if host.private_key == path]),
                )
                continue
            if status.st_mode & 0o077:
                yield Impediment(
                    f"the login key {path} can be read by others, so ssh refuses it (chmod 600)",
                    mend=(f"chmod 600 {quote(str(path))}",),
                )
                continue

            process = subprocess.run(
                ["ssh-keygen", "-y", "-P", "", "-f", path],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_DEADLINE,
                check=False,
            )
            if process.returncode != 0:
                yield Impediment(
                    f"the login key {path} cannot be used unattended: {last_line(process.stderr)}",
                    mend=(f"ssh-keygen -p -f {quote(str(path))}   # an empty new passphrase",),
                )


def _settled(host: Host, addresses: dict[tuple[str, int], str]) -> Host:
    """Return the host with the one address that its name leads to now; it is kept in `addresses`.

    Behind a jump host it is that one which knows where the name leads.
    """
    if host.via is not None:
        return host.model_copy(update={"via": _settled(host.via, addresses)})
    place = (host.address.lower(), host.port)
    if place not in addresses:
        addresses[place] = _looked_up(host)
    return host.model_copy(update={"address": addresses[place]})


def _looked_up(host: Host) -> str:
    """Return the one address to which a host's name leads. Raises NotReadyError."""
    try:
        answers = socket.getaddrinfo(host.address, host.port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NotReadyError(
            f"the address {host.address} of {host.name} cannot be looked up: {error.strerror}",
            hint=f"Try it: getent hosts {host.address}; and what your ssh_config makes of it: "
            f"ssh -G {host.address}.",
        ) from error

    addresses = [str(socket.getnameinfo(each[4], _NUMERIC)[0]) for each in answers]
    return _answering(addresses, host.port)


def _refuse_same_address(hosts: Sequence[Host]) -> None:
    """Raise NotReadyError when hosts, or those on the way, cannot be told apart.

    The same address by two ways is two machines, and one place for a key or a connection.
    """
    by_place: dict[str, Host] = {}
    for hop in (hop for host in hosts for hop in hops(host)):
        other = by_place.setdefault(known_hosts_name(hop), hop)
        if _way(other) != _way(hop):
            raise NotReadyError(
                f"{other.name} and {hop.name} have the address {hop.address}, and different jump "
                "hosts lead there: nothing would tell one from the other",
                hint="Give them a drill each, or a jump host another address.",
            )


def _way(host: Host) -> list[str]:
    return [known_hosts_name(hop) for hop in hops(host)]


def _answering(addresses: Sequence[str], port: int) -> str:
    """Return the first address where something answers; the first one when none answers."""
    for address in dict.fromkeys(addresses) if len(set(addresses)) > 1 else ():
        try:
            socket.create_connection((address, port), timeout=_DEADLINE).close()
        except OSError:
            continue

        return address

    return addresses[0]


def _label(host: Host) -> str:
    """Return what a pinned key of the host's is looked for under, and the host's own name."""
    return f"{host.key_alias or known_hosts_name(host)} ({host.name})"


def _pin(host: Host, key: str) -> str:
    return f"{known_hosts_name(host)} {key}\n"
