"""Tell what a run's services tried to reach that the plan does not know of."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from pradrill.domain.declared.flow import Flow
from pradrill.domain.declared.plan import Need
from pradrill.domain.run.egress import Destination, destinations
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import Branch


def tried(record: RunRecord, branch: Branch | None = None) -> list[Destination]:
    """Return what the hosts of a branch, or of all, went or tried to go to: unexpected first."""
    every = [
        each
        for host, egress in record.egress.items()
        if branch is None or host in branch.hosts
        for each in _with_flows(destinations(egress, _needs(record, host), host), record, host)
    ]
    return sorted(every, key=lambda each: each.is_expected)


def hidden_dependencies(record: RunRecord, branch: Branch) -> list[Destination]:
    """Return the destinations of a branch that neither plan nor drill expects."""
    return [each for each in tried(record, branch) if not each.is_expected]


def _needs(record: RunRecord, host: str) -> Iterator[Need]:
    """Yield what the plan says that the services of a host need elsewhere."""
    for service in record.plan.services_on(host).values():
        yield from service.needs


def _with_flows(
    every: Iterable[Destination], record: RunRecord, host: str
) -> Iterator[Destination]:
    """Yield destinations; what a flow leads to that a service there opens is expected, too."""
    standbys = [each.name for each in record.plan.hosts]
    places = {name: each.addresses for name, each in record.plan.primaries.items()}
    flows = [
        flow
        for name, service in record.plan.services_on(host).items()
        for flow in service.flows
        if service.opens(flow, name, standbys)
    ]
    for each in every:
        leading = (flow for flow in flows if _is_of(flow, each, places))
        flow = None if each.is_expected else next(leading, None)
        if flow is None:
            yield each
        else:
            need = Need.model_construct(to=f"{flow.to}:{flow.port}", why=flow.why)
            yield each._replace(need=need)


def _is_of(flow: Flow, each: Destination, places: Mapping[str, Collection[str]]) -> bool:
    """Tell whether a destination is where a flow leads; of a name alone nothing more is known."""
    if not each.protocol:
        return flow.leads_into([each.where], places)

    host, _, port = each.where.rpartition(":")
    is_of = flow.is_of(each.protocol, int(port) if port.isdecimal() else None)
    return is_of and flow.leads_into([host.strip("[]"), *each.addresses], places)
