"""Look at what a standby's machines are made on: its inventory, and whom it names."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.config.inventory import read_inventory
from pradrill.config.loader import Document
from pradrill.config.problems import Problem
from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.standby_kind import Hypervisor
from pradrill.domain.run.host import Host
from pradrill.errors import ConfigurationError


def hosts_of(hypervisor: Hypervisor) -> tuple[Host, ...]:
    """Return the hosts that the playbooks act on. Raises ConfigurationError."""
    return read_inventory(hypervisor.inventory, hypervisor.hosts, hypervisor.become_password)


def hypervisor_problems(document: Document, drill: Drill) -> Iterator[Problem]:
    """Refuse a hypervisor that no inventory has, and one that may be overwritten."""
    making = drill.standby.provisioning
    if making is None or making.hypervisor is None:
        return
    where = ("standby", "hypervisor")
    if not making.hypervisor.inventory.exists():
        what = f"{making.hypervisor.inventory} does not exist"
        yield document.problem((*where, "inventory"), what)
        return
    try:
        hosts = hosts_of(making.hypervisor)
    except ConfigurationError as error:
        yield document.problem((*where, "hosts"), error.message, error.hint)
        return
    for host in hosts:
        if host.dr_role == "standby":
            what = f"{host.name} carries dr_role: standby: a hypervisor is not to be overwritten"
            yield document.problem((*where, "hosts"), what)
