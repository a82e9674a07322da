"""Compare what a service was declared to talk to with what it tried to reach once restored.

A drill is shut off from production, so nothing of it arrives; that it was tried is what tells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from pradrill.domain.declared.flow import Flow
from pradrill.domain.declared.plan import Service
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.model import Model


class ReachAttempt(NamedTuple):
    """Something that the standby tried to reach while the service ran there."""

    protocol: str
    address: str
    port: int | None
    name: str | None = None
    """What it was called, where that was seen."""
    user: str | None = None
    """Whose process it was."""
    times: int = 1
    allowed: bool = False
    """Whether the drill itself lets it through, as what a restore fetches."""


class FlowUse(StrEnum):
    """What a drill showed of a declared flow."""

    USED = "tried"
    UNUSED = "never tried"
    UNWATCHED = "not watched"
    UNSEEN = "not seen from here"  # somebody else opens it: the standby cannot tell


class FlowShown(Model):
    """A declared flow, and whether the restored service tried it."""

    service: str
    flow: Flow
    use: FlowUse
    count: int = Field(default=0, description="how often it was tried")


class Undeclared(Model):
    """Something that was tried, and that no flow of the plan names."""

    protocol: str
    address: str
    port: int | None
    name: str | None
    users: tuple[str, ...]
    count: int


class FlowComparison(Model):
    """Both sides of the comparison; undeclared ones first is what a reader wants to know."""

    declared: tuple[FlowShown, ...]
    undeclared: tuple[Undeclared, ...]
    watched: bool = Field(description="whether the run has looked at all")


def compare_flows(
    services: Mapping[str, Service],
    attempts: Sequence[ReachAttempt] | None,
    *,
    addresses: Mapping[str, Collection[str]] | None = None,
    standbys: Collection[str] = (),
) -> FlowComparison:
    """Compare the flows of a drill's services with what was tried; None: nobody has looked.

    `addresses`: service, of the whole plan → those of its primary. `standbys`: names of the hosts
    that opened what was tried.
    """
    places = addresses or {name: each.primary.addresses for name, each in services.items()}
    flows = [
        (name, flow, service.opens(flow, name, standbys))
        for name, service in services.items()
        for flow in flows_and_needs(name, service)
    ]
    tries = attempts or ()
    watched = attempts is not None
    declared = tuple(
        _use(name, flow, [each for each in tries if _is(flow, each, places)])
        if opens and watched
        else FlowShown(service=name, flow=flow, use=FlowUse.UNWATCHED if opens else FlowUse.UNSEEN)
        for name, flow, opens in flows
    )
    opening = [flow for _, flow, opens in flows if opens]
    refused = [each for each in tries if not each.allowed]
    unknown = [each for each in refused if not any(_is(flow, each, places) for flow in opening)]
    return FlowComparison(
        declared=declared,
        undeclared=tuple(_together(unknown)),
        watched=watched,
    )


def flows_of(record: RunRecord) -> FlowComparison:
    """Compare the flows of a run's services with what its standby tried to reach.

    That something was never tried is not told where a host was not watched, or not all was kept.
    """
    whole = all(each.loaded and not each.unkept for each in record.egress.values())
    compared = compare_flows(
        record.plan.services,
        _attempts(record),
        addresses={name: each.addresses for name, each in record.plan.primaries.items()},
        standbys=[host.name for host in record.plan.hosts],
    )
    if whole:
        return compared
    declared = [
        each.model_copy(update={"use": FlowUse.UNWATCHED}) if each.use is FlowUse.UNUSED else each
        for each in compared.declared
    ]
    return compared.model_copy(update={"declared": tuple(declared)})


def _attempts(record: RunRecord) -> Sequence[ReachAttempt] | None:
    """Return what a run saw its standby try to reach; None: it did not look."""
    if not record.egress:
        return None
    return [
        ReachAttempt(
            protocol=each.protocol,
            address=each.address,
            port=each.port,
            name=each.name,
            user=each.user,
            times=each.count,
            allowed=each.let_through,
        )
        for host in record.egress.values()
        for each in host.attempts
    ]


def flows_and_needs(name: str, service: Service) -> Iterator[Flow]:
    """Yield the flows that a service declares; what it needs elsewhere is one that it opens."""
    yield from service.flows
    for need in service.needs:
        host, _, port = need.to.rpartition(":")
        payload = {"from": name, "to": host.strip("[]"), "port": port, "why": need.why}
        yield Flow.model_validate(payload)


def _use(name: str, flow: Flow, tries: Sequence[ReachAttempt]) -> FlowShown:
    count = sum(each.times for each in tries)
    use = FlowUse.USED if count else FlowUse.UNUSED
    return FlowShown(service=name, flow=flow, use=use, count=count)


def _is(flow: Flow, attempt: ReachAttempt, places: Mapping[str, Collection[str]]) -> bool:
    """Tell whether an attempt is one of a flow."""
    ends = [attempt.address, *([attempt.name] if attempt.name else [])]
    return flow.is_of(attempt.protocol, attempt.port) and flow.leads_into(ends, places)


def _together(attempts: Iterable[ReachAttempt]) -> Iterator[Undeclared]:
    """Put attempts at the same end together, the most frequent first."""
    ends: dict[tuple[str, str, int | None], list[ReachAttempt]] = {}
    for each in attempts:
        ends.setdefault((each.protocol.casefold(), each.address, each.port), []).append(each)
    undeclared = [
        Undeclared(
            protocol=protocol,
            address=address,
            port=port,
            name=next((each.name for each in tries if each.name), None),
            users=tuple(sorted({each.user for each in tries if each.user})),
            count=sum(each.times for each in tries),
        )
        for (protocol, address, port), tries in ends.items()
    ]
    yield from sorted(undeclared, key=lambda each: (-each.count, each.address, each.port or 0))
