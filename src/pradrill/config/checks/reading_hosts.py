"""Check the hosts that readings of the restored data name: each is one of its own service's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pradrill.config.loader import Document, Loc, suggestion
from pradrill.config.problems import Problem
from pradrill.domain.declared.drill import Drill, NewestData, Verify
from pradrill.domain.run.host import Host


def reading_host_problems(
    document: Document,
    drill: Drill,
    hosts: tuple[Host, ...],
    places: Mapping[str, tuple[str, ...]],
) -> Iterator[Problem]:
    """Refuse a reading on a host that its service is not recovered on."""
    standby = tuple(host.name for host in hosts) or drill.standby.names
    for service, way in drill.ways.items():
        above: Loc = () if service is None else ("recover", service)
        names = standby if service is None else places.get(service, standby)
        for where, name in _host_names(way.verify):
            if name is not None and name not in names:
                message = (
                    f'"{name}" is not among the hosts that it is read from: {", ".join(names)}'
                )
                hint = suggestion(name, list(names))
                yield document.problem((*above, "verify", *where, "host"), message, hint)


def _host_names(verify: Verify) -> Iterator[tuple[Loc, str | None]]:
    if isinstance(verify.newest_data, NewestData):
        yield ("newest_data",), verify.newest_data.host
    else:
        for name, source in verify.newest_data.items():
            yield ("newest_data", name), source.host
    if verify.canary is not None:
        yield ("canary",), verify.canary.host
