"""Tell what a run's services tried to reach that the plan does not know of."""

from __future__ import annotations

from collections.abc import Iterator

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
        for each in destinations(egress, _needs(record, host), host)
    ]
    return sorted(every, key=lambda each: each.is_expected)


def hidden_dependencies(record: RunRecord, branch: Branch) -> list[Destination]:
    """Return the destinations of a branch that neither plan nor drill expects."""
    return [each for each in tried(record, branch) if not each.is_expected]


def _needs(record: RunRecord, host: str) -> Iterator[Need]:
    """Yield what the plan says that the services of a host need elsewhere."""
    for name, service in record.plan.services.items():
        if host in record.plan.branch(name).hosts:
            yield from service.needs
