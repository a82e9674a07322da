"""Tell what binds each provider, and what incidents and drills showed of it in a period."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import Field

from pradrill.domain.declared.dependence import Loss, losses
from pradrill.domain.declared.plan import Part, Plan
from pradrill.domain.declared.provider import CommitmentEnd, Provider, endings
from pradrill.domain.declared.responsibility import is_same_line
from pradrill.domain.dossier.period import Period
from pradrill.domain.register.availability import (
    MonthlyAvailability,
    Outage,
    Terms,
    by_months,
    outages,
)
from pradrill.domain.register.incident import Incident, Promise
from pradrill.domain.register.incident_history import recurrences
from pradrill.domain.register.promises import unmeasured
from pradrill.domain.run.question import CallStage
from pradrill.domain.values.model import Model, Utc


class IncidentShown(Model):
    """An incident that touches the period."""

    incident: Incident
    promises: tuple[Promise, ...]
    earlier: tuple[str, ...] = Field(description="of the same cause or service, not long before")


class LossShown(Model):
    """What the loss of a provider means for a service, and when a drill last showed it."""

    loss: Loss
    proven: Utc | None = Field(description="the last drill of that loss that passed; none: never")


class ProviderSection(Model):
    """A provider of today's plan; without a name: incidents at no provider."""

    name: str | None
    provider: Provider
    services: tuple[str, ...] = Field(description="that it hosts")
    parts: dict[str, tuple[Part, ...]] = Field(
        default={}, description="service → parts of it that it runs"
    )
    ends: tuple[CommitmentEnd, ...] = Field(description="commitments that end soon, or have ended")
    unmeasured: tuple[CallStage, ...] = Field(description="promised, and never measured by anybody")
    availability_unmeasured: bool = Field(
        default=False, description="it is promised, and nobody ever declared an incident there"
    )
    incidents: tuple[IncidentShown, ...]
    recurring: int = Field(default=0, description="incidents of the period that came again")
    months: tuple[MonthlyAvailability, ...]
    periods: tuple[MonthlyAvailability, ...] = Field(
        default=(), description="quarters or years, where availability is promised of them"
    )
    losses: tuple[LossShown, ...] = Field(description="what its loss means for whom it hosts")


class PromiseSources(NamedTuple):
    """What a section is made from."""

    plan: Plan
    incidents: Sequence[Incident]
    measured: Collection[tuple[str, CallStage]]
    """Providers, and which of their promises a drill has measured."""
    proofs: Mapping[tuple[str, str], datetime]
    """Provider and service → the last drill that passed and played the provider's loss."""


def provider_sections(
    sources: PromiseSources, *, period: Period, as_of: datetime, only: Sequence[str] = ()
) -> tuple[ProviderSection, ...]:
    """Return a section for each provider that has something to tell, as it was known then."""
    earlier = recurrences(sources.incidents, sources.plan.recurring_within)
    names: list[str | None] = [*sources.plan.providers, None]
    scope = _Scope(period, as_of, only)
    sections = (_section(name, sources, earlier, scope) for name in names)
    return tuple(
        each
        for each in sections
        if each.incidents or (each.name and (each.services or each.parts or not only))
    )


class _Scope(NamedTuple):
    """What a section is about: of when, and of which services, when not all."""

    period: Period
    as_of: datetime
    only: Sequence[str]


def _section(
    name: str | None,
    sources: PromiseSources,
    earlier: Mapping[str, tuple[str, ...]],
    scope: _Scope,
) -> ProviderSection:
    period, as_of, only = scope
    plan = sources.plan
    provider = plan.providers.get(name or "", Provider())
    at_its_place = [each for each in sources.incidents if _provider(each, plan) == name]
    incidents = [
        each for each in at_its_place if not only or not set(only).isdisjoint(each.services)
    ]
    touching = tuple(
        IncidentShown(
            incident=each,
            promises=tuple(each.promises(provider, as_of)),
            earlier=earlier.get(each.incident, ()),
        )
        for each in incidents
        if _in(each, period)
    )
    down = outages(incidents, as_of, Terms.of(provider))
    months = provider.sla.availability_period.months
    return ProviderSection(
        name=name,
        provider=provider,
        services=tuple(
            service
            for service, declared in plan.services.items()
            if declared.provider == name and (not only or service in only)
        ),
        parts=dict(_parts(name, plan, only)) if name else {},
        ends=tuple(endings({name: provider}, as_of.date())) if name else (),
        unmeasured=tuple(unmeasured(name, provider, at_its_place, sources.measured))
        if name
        else (),
        availability_unmeasured=provider.sla.promises_availability and not at_its_place,
        incidents=touching,
        recurring=sum(bool(each.earlier) for each in touching),
        months=tuple(_available(touching, down, provider, scope)),
        periods=tuple(
            _available(touching, down, provider, scope, months=months) if months > 1 else ()
        ),
        losses=tuple(
            LossShown(loss=loss, proven=sources.proofs.get((loss.provider, loss.service)))
            for loss in losses(plan)
            if loss.provider == name and (not only or loss.service in only)
        ),
    )


def _parts(name: str, plan: Plan, only: Sequence[str]) -> Iterator[tuple[str, tuple[Part, ...]]]:
    """Yield services of which a provider runs parts, however its name is written there."""
    for service, declared in plan.services.items():
        parts = tuple(part for part in Part if is_same_line(declared.run_by.get(part, ""), name))
        if parts and (not only or service in only):
            yield service, parts


def _available(
    touching: Sequence[IncidentShown],
    down: Sequence[Outage],
    provider: Provider,
    scope: _Scope,
    *,
    months: int = 1,
) -> Iterator[MonthlyAvailability]:
    """Yield the months of each service that was hurt, and of all that the provider hosts."""
    time, zone = (scope.period.begin, scope.as_of), provider.sla.timezone
    hurt = dict.fromkeys(service for each in touching for service in each.incident.services)
    services = [service for service in hurt if not scope.only or service in scope.only]
    for service in services:
        of_service = [each for each in down if service in each.services]
        yield from by_months(service, of_service, time, zone=zone, months=months)
    if len(services) > 1:
        yield from by_months("", down, time, zone=zone, months=months)


def _provider(incident: Incident, plan: Plan) -> str | None:
    """Return at whose place it is; one that the plan has no more stands with those of nobody."""
    return incident.provider if incident.provider in plan.providers else None


def _in(incident: Incident, period: Period) -> bool:
    end = incident.restored or (incident.closing.at if incident.closing else None)
    return incident.began <= period.end and (end is None or end >= period.begin)
