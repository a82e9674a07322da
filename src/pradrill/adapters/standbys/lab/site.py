"""Write what leads to the lab's machines: an inventory, known_hosts and ssh_config."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from pradrill.adapters.standbys.files import write_private
from pradrill.adapters.standbys.lab.machine import Machine
from pradrill.domain.run.host import Host, Proven, Site
from pradrill.domain.run.ssh_config import ssh_config
from pradrill.system import ssh_sockets as sockets


def write_site(machine: Machine, folder: Path, *, dr_role: str | None = None) -> Site:
    """Write an inventory, known_hosts and ssh_config that lead to a running machine.

    Which machine it is needs no proof here: its key and its machine-id were made by the lab.
    """
    site = write_sites([machine], folder, dr_role)
    proven = Proven(host=site.hosts[0], machine_id=machine.machine_id)
    return site.model_copy(update={"proven": (proven,)})


def write_sites(machines: Sequence[Machine], folder: Path, dr_role: str | None) -> Site:
    """Write them for several machines, of which nothing is proven yet."""
    hosts = tuple(machine.host(dr_role) for machine in machines)
    connections = machines[0].sockets()
    sockets.make_private(connections)
    known_hosts, config = folder / "known_hosts", folder / "ssh_config"
    write_private(known_hosts, "".join(machine.known_hosts_line() for machine in machines))
    write_private(config, ssh_config(hosts, known_hosts, connections))
    inventory = folder / "inventory.ini"
    write_private(inventory, "".join(_inventory_line(host) for host in hosts))

    return Site(hosts=hosts, inventory=inventory, known_hosts=known_hosts, ssh_config=config)


def _inventory_line(host: Host) -> str:
    words = [
        host.name,
        f"ansible_host={host.address}",
        f"ansible_port={host.port}",
        f"ansible_user={host.user}",
        f"ansible_ssh_private_key_file={shlex.quote(str(host.private_key))}",
        "ansible_python_interpreter=/usr/bin/python3",
        *([f"dr_role={host.dr_role}"] if host.dr_role else []),
    ]
    return " ".join(words) + "\n"
