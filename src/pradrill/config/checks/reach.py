"""Look at what a drill calls production: an endpoint of the standby's own proves nothing."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.config.loader import Document, Loc
from pradrill.config.problems import Problem
from pradrill.domain.declared.drill import Drill
from pradrill.domain.run.host import Host
from pradrill.domain.values.endpoint import host_of


def reach_problems(document: Document, drill: Drill, hosts: tuple[Host, ...]) -> Iterator[Problem]:
    """Refuse an endpoint of must_not_reach that is one of the standby's hosts."""
    addresses = {host_of(f"{host.address}:{host.port}"): host.name for host in hosts}
    for service, way in drill.ways.items():
        above: Loc = () if service is None else ("recover", service)
        for number, endpoint in enumerate(way.verify.must_not_reach):
            if (name := addresses.get(host_of(endpoint))) is not None:
                where = (*above, "verify", "must_not_reach", number)
                message = f'"{endpoint}" is {name}, the standby itself: that proves nothing'
                hint = "Name what production offers, as its address and port."
                yield document.problem(where, message, hint)
    yield from _allowed_production(document, drill)


def _allowed_production(document: Document, drill: Drill) -> Iterator[Problem]:
    """Refuse an endpoint that the drill both lets through and calls production."""
    production = {_plain(endpoint) for endpoint in drill.must_not_reach()}
    denied = drill.standby.denied
    for number, endpoint in enumerate(denied.allow if denied else ()):
        if _plain(endpoint) in production:
            where = ("standby", "egress", "allow", number)
            message = f'"{endpoint}" is production, which must_not_reach names'
            yield document.problem(where, message, "Leave it out of one of both.")


def _plain(endpoint: str) -> tuple[str, str]:
    return host_of(endpoint), endpoint.rpartition(":")[2]
