"""Check what several services of one drill must agree on: their order, and their hosts."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.config.inventory import read_inventory
from pradrill.config.loader import Document
from pradrill.config.problems import Problem
from pradrill.domain.declared import recovery_order as order
from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.plan import Plan
from pradrill.domain.declared.standby_kind import StandbyKind
from pradrill.domain.run.host import Host
from pradrill.errors import ConfigurationError


def circle_problems(document: Document, plan: Plan) -> Iterator[Problem]:
    """Refuse services that wait for each other: no order recovers them."""
    circle = order.cycle(plan.services)
    if circle:
        yield document.problem(
            ("services", circle[0], "depends_on"),
            f"services depend on each other in a circle: {' → '.join(circle)}",
            "Take one depends_on out: say which can start without the other.",
        )


def find_places(
    document: Document, drill: Drill, hosts: tuple[Host, ...]
) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:
    """Find each service's hosts among the standby's; each of these serves a service."""
    standby = [host.name for host in hosts] or list(drill.standby.names)
    places: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for service, way in drill.recover.items():
        where = ("recover", service, "hosts")
        try:
            places[service] = _names(drill.standby, way.hosts)
        except ConfigurationError as error:
            problems.append(document.problem(where, error.message, error.hint))
            continue

        if strange := [name for name in places[service] if name not in standby]:
            message = f"{', '.join(strange)} is not among the standby's hosts"
            hint = f"The standby's are {', '.join(standby)}."
            problems.append(document.problem(where, message, hint))

    used = {name for names in places.values() for name in names}
    idle = [name for name in standby if name not in used]
    if drill.recover and idle and not problems:
        message = f"{', '.join(idle)} serves no service of recover: nothing would be proved of it"
        problems.append(document.problem(("standby", "hosts"), message))

    return places, problems


def _names(standby: StandbyKind, pattern: str) -> tuple[str, ...]:
    """Return the hosts that a service names; a machine of the lab is one."""
    if standby.inventory_file is None:
        return (pattern,)
    hosts = read_inventory(standby.inventory_file, pattern, standby.sudo_password)
    return tuple(host.name for host in hosts)
