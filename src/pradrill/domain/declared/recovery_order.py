"""Derive the order of recovery from what depends on what in the plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter

from pradrill.domain.declared.plan import Service


def cycle(services: Mapping[str, Service]) -> tuple[str, ...]:
    """Return services that depend on each other in a circle, the first again at the end."""
    try:
        TopologicalSorter(_needs(services)).prepare()
    except CycleError as error:
        return tuple(reversed(error.args[1]))
    return ()


def order(services: Mapping[str, Service], drilled: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return each service of a drill, dependencies first → those that must be verified before.

    A service outside the drill is passed through: what it depends on still comes first. There
    must be no cycle.
    """
    after = {name: _before(services, name, drilled) for name in drilled}
    return {name: after[name] for name in TopologicalSorter(after).static_order()}


def levels(after: Mapping[str, Collection[str]]) -> list[list[str]]:
    """Return the services that may begin together, and after them those that wait for them."""
    sorter, groups = TopologicalSorter(after), []
    sorter.prepare()

    while ready := sorter.get_ready():
        groups.append([name for name in after if name in ready])
        sorter.done(*ready)

    return groups


def _needs(services: Mapping[str, Service]) -> dict[str, tuple[str, ...]]:
    return {name: service.depends_on for name, service in services.items()}


def _before(
    services: Mapping[str, Service], name: str, drilled: Collection[str]
) -> tuple[str, ...]:
    earlier: dict[str, None] = {}
    waiting, visited = list(services[name].depends_on), {name}
    while waiting:
        other = waiting.pop(0)
        if other in drilled:
            earlier[other] = None
        elif other not in visited:
            waiting += services[other].depends_on

        visited.add(other)

    return tuple(earlier)
