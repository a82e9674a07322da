"""Look at containers and virtual machines."""

from __future__ import annotations

import os

from pradrill.adapters.ssh.remote_looks.answer import begin, cannot, line
from pradrill.adapters.ssh.remote_looks.contents import folders_seen, may_be_there, names_in

CONTAINERS = (
    *("/var/lib/docker/containers", "/var/lib/docker/volumes", "/var/lib/machines", "/var/lib/lxc"),
    *("/var/lib/containers/storage/overlay-containers", "/var/lib/containers/storage/volumes"),
)
MACHINES = "/etc/libvirt/qemu"


def containers() -> None:
    """Print containers and volumes of engines, running or not, and virtual machines."""
    begin("container")
    if os.geteuid() != 0:
        if any(map(may_be_there, (*CONTAINERS, MACHINES))):
            cannot("container", "only root sees them")
        return
    for top in CONTAINERS:
        for name in folders_seen(top, "container"):
            line("container", "", f"{top}/{name}")
    for name in names_in(MACHINES):
        line("container", "", f"{MACHINES}/{name}")
