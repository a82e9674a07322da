"""Reach machines that are made for the run: their keys are ours, and known before they are."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from shutil import which
from typing import Self

from pradrill.adapters.standbys.connections import close_connections
from pradrill.adapters.standbys.files import write_private
from pradrill.adapters.standbys.seed import make_key, public_key, write_cloud_init
from pradrill.domain.run.host import Host, HostFacts, Site
from pradrill.domain.run.host_answers import known_hosts_name
from pradrill.domain.run.machine import MachineAddress, MachineSeed, machine_name, marker_line
from pradrill.domain.run.ssh_config import ssh_config
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds, Impediment, Say
from pradrill.system import ssh_sockets as sockets
from pradrill.system.command import as_root

_CONNECT = 5.0  # seconds
_ANSWER = 20
"""A machine in its first boot is slow to say who it is."""
_LOGIN = 40.0
"""And slower to let somebody in."""
_TICK = 0.05
_NOT_MADE = "the standby's machines were not made by this process"
_NO_LOGIN = 255
_OTHER_KEY = b"Host key verification failed"
"""How ssh ends without one, and its word on a machine that shows another key."""


class ProvisionedHosts:
    """A standby whose machines the drill's playbooks make: from cloud-init's files on its own."""

    def __init__(self, names: Sequence[str], *, marks: bool = False) -> None:
        """Take the machines' names; `marks`: what the run starts on them is told from the rest."""
        self._names = tuple(names)
        self._marks = marks
        self._folder: Path | None = None
        self._addresses: dict[str, MachineAddress] = {}

    def problems(self) -> Sequence[Impediment]:
        """Say which programs are missing: of the machines there is nothing yet."""
        missing = [name for name in ("ssh", "ssh-keygen") if which(name) is None]
        install = (as_root("apt-get install openssh-client"),)
        return [Impediment(f"{name} is not installed", mend=install) for name in missing]

    def sow(self, folder: Path, run_id: str) -> Sequence[MachineSeed]:
        """Make each machine's host key, and the run's login key; write cloud-init's files."""
        self._folder = folder
        make_key(folder / "login", "pradrill")
        seeds = []
        for name in self._names:
            make_key(folder / f"host-{name}", "")
            place = folder / f"seed-{name}"
            write_cloud_init(
                place,
                folder / f"host-{name}",
                folder / "login",
                name,
                marker=marker_line(run_id, name),
            )
            seeds.append(
                MachineSeed(
                    name=name,
                    machine=machine_name(run_id, name),
                    user_data=place / "user-data",
                    meta_data=place / "meta-data",
                )
            )
        return seeds

    def recall(self, folders: Sequence[Path]) -> Path | None:
        """Return the folder with the keys that a process before has made for all the machines."""
        needed = ["login", *(f"host-{name}" for name in self._names)]
        keys = {part for name in needed for part in (name, f"{name}.pub")}
        whole = (each for each in folders if all((each / key).is_file() for key in keys))
        self._folder = next(whole, None)
        return self._folder

    def settle(self, addresses: Mapping[str, MachineAddress]) -> None:
        """Take note of where the machines are."""
        self._addresses = dict(addresses)

    def silent(self, bounds: Bounds) -> Sequence[str]:
        """Return the names of the machines where nobody can log in yet, all asked at one time.

        One that shows another key is none of them: whoever identifies it will tell. Who gives no
        answer within the bounds is silent.
        """
        wait = min(bounds.deadline, _CONNECT)
        with ThreadPoolExecutor(len(self._names)) as pool:
            there = pool.map(lambda name: _listens(self._addresses[name], wait), self._names)
            up = [name for name, listens in zip(self._names, there, strict=True) if listens]

        with ExitStack() as stack:
            logins = {name: stack.enter_context(_Login(self._words(name))) for name in up}
            for _ in range(round(min(bounds.deadline, _LOGIN) / _TICK)):
                waits = [each for each in logins.values() if not each.ended()]
                if not waits or bounds.cancelled():
                    break
                waits[0].wait(_TICK)
            reached = {name for name, login in logins.items() if login.succeeded()}
        return [name for name in self._names if name not in reached]

    def _words(self, name: str) -> list[str]:
        """Return the command that logs in on a machine and does nothing."""
        keys = self._folder
        if keys is None:
            raise NotReadyError(_NOT_MADE)
        host, pins = self._host(name, keys), keys / f"pin-{name}"
        write_private(pins, f"{known_hosts_name(host)} {public_key(keys / f'host-{name}')}\n")
        options = (
            *("BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes"),
            *(f'UserKnownHostsFile="{pins}"', "GlobalKnownHostsFile=/dev/null"),
            *(f"ConnectTimeout={_ANSWER}", "LogLevel=ERROR"),  # no banner: it may be endless
        )
        words = ["ssh", "-F", "none", "-p", str(host.port), "-l", "root", "-i", str(keys / "login")]
        words += [word for option in options for word in ("-o", option)]
        return [*words, host.address, "true"]

    def start(self, folder: Path, run_id: str, say: Say) -> Site:
        """Write pinned keys, client configuration and inventory. Raises NotReadyError."""
        keys = self._folder
        if keys is None or not self._addresses:
            raise NotReadyError(_NOT_MADE)

        hosts = tuple(self._host(name, keys) for name in self._names)
        pins = {name: public_key(keys / f"host-{name}") for name in self._names}
        connections = sockets.folder_for(run_id)
        sockets.make_private(connections)
        known_hosts, config = folder / "known_hosts", folder / "ssh_config"
        lines = (f"{known_hosts_name(host)} {pins[host.name]}\n" for host in hosts)
        write_private(known_hosts, "".join(lines))
        write_private(config, ssh_config(hosts, known_hosts, connections))
        inventory = folder / "inventory.json"
        listing = {"all": {"hosts": {host.name: _variables(host) for host in hosts}}}
        write_private(inventory, json.dumps(listing))
        say(f"{len(hosts)} machine{'s' if len(hosts) > 1 else ''} to reach")
        return Site(
            hosts=hosts,
            inventory=inventory,
            known_hosts=known_hosts,
            ssh_config=config,
            run_id=run_id if self._marks else "",
        )

    def _host(self, name: str, keys: Path) -> Host:
        where = self._addresses[name]
        return Host(
            name=name,
            address=where.address,
            port=where.port,
            user="root",
            private_key=keys / "login",
            dr_role="standby",
        )

    def bind(self, site: Site, identified: Sequence[HostFacts]) -> Site:
        """Take note of who they are; each has one key, which it had before its first boot."""
        return site.model_copy(update={"proven": site.identified(identified)})

    def stop(self, run_id: str) -> Sequence[str]:
        """Close the run's connections, also another process's; the machines end by a playbook."""
        return close_connections(run_id)


def _listens(where: MachineAddress, seconds: float) -> bool:
    with (
        suppress(OSError),
        socket.create_connection((where.address, where.port), timeout=seconds),
    ):
        return True
    return False


class _Login:
    """An ssh that logs in; it is ended with the block, whatever it waits for."""

    def __init__(self, words: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        with self._process:  # waits, and closes its pipe
            pass

    def ended(self) -> bool:
        """Tell whether it has."""
        return self._process.poll() is not None

    def wait(self, seconds: float) -> None:
        """Wait for its end, and no longer than that."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def succeeded(self) -> bool:
        """Tell whether somebody was let in, or the machine has shown another key."""
        if not self.ended():
            return False
        _, errors = self._process.communicate()
        return self._process.returncode != _NO_LOGIN or _OTHER_KEY in errors


def _variables(host: Host) -> dict[str, object]:
    return {
        "ansible_host": host.address,
        "ansible_port": host.port,
        "ansible_user": host.user,
        "ansible_ssh_private_key_file": str(host.private_key),
        "ansible_python_interpreter": "/usr/bin/python3",
        "dr_role": "standby",
    }
