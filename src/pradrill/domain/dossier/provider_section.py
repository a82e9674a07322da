"""Tell what binds each provider, and what incidents and drills showed of it in a period."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import Field

from pradrill.domain.declared.dependence import Loss, losses
from pradrill.domain.declared.plan import Plan
from pradrill.domain.declared.provider import CommitmentEnd, Provider, endings
from pradrill.domain.dossier.period import Period
from pradrill.domain.register.availability import MonthlyAvailability, availability
from pradrill.domain.register.incident import Incident, IncidentStage, Promise
from pradrill.domain.register.incident_history import earlier_of_its_kind
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
    services: tuple[str, ...]
    ends: tuple[CommitmentEnd, ...] = Field(description="commitments that end soon, or have ended")
    unmeasured: tuple[CallStage, ...] = Field(description="promised, and never measured by anybody")
    incidents: tuple[IncidentShown, ...]
    months: tuple[MonthlyAvailability, ...]
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
    names: list[str | None] = [*sources.plan.providers, None]
    sections = (_section(name, sources, period, as_of, only) for name in names)
    return tuple(each for each in sections if each.incidents or (each.name and each.services))


def _section(
    name: str | None, sources: PromiseSources, period: Period, as_of: datetime, only: Sequence[str]
) -> ProviderSection:
    plan = sources.plan
    provider = plan.providers.get(name or "", Provider())
    incidents = [
        each
        for each in sources.incidents
        if _provider(each, plan) == name and (not only or not set(only).isdisjoint(each.services))
    ]
    touching = tuple(
        _with_promises(each, sources, provider, as_of) for each in incidents if _in(each, period)
    )
    hurt = dict.fromkeys(service for each in touching for service in each.incident.services)

    return ProviderSection(
        name=name,
        provider=provider,
        services=tuple(
            service
            for service, declared in plan.services.items()
            if declared.provider == name and (not only or service in only)
        ),
        ends=tuple(endings({name: provider}, as_of.date())) if name else (),
        unmeasured=tuple(_unmeasured(name, provider, sources)) if name else (),
        incidents=touching,
        months=tuple(
            month
            for service in hurt
            if not only or service in only
            for month in availability(service, incidents, period.begin, as_of)
        ),
        losses=tuple(
            LossShown(loss=loss, proven=sources.proofs.get((loss.provider, loss.service)))
            for loss in losses(plan)
            if loss.provider == name and (not only or loss.service in only)
        ),
    )


def _with_promises(
    incident: Incident, sources: PromiseSources, provider: Provider, as_of: datetime
) -> IncidentShown:
    within = sources.plan.recurring_within
    return IncidentShown(
        incident=incident,
        promises=tuple(incident.promises(provider, as_of)),
        earlier=tuple(
            each.incident for each in earlier_of_its_kind(incident, sources.incidents, within)
        ),
    )


def _unmeasured(name: str, provider: Provider, sources: PromiseSources) -> Iterator[CallStage]:
    """Yield what is promised and neither a drill nor a call in an incident has measured yet."""
    calls = [
        each
        for each in sources.incidents
        if _provider(each, sources.plan) == name and each.first(IncidentStage.CALLED) is not None
    ]
    ends = {
        CallStage.RESPONSE: any(each.answered for each in calls),
        CallStage.RESTORATION: any(each.restored and not each.run_id for each in calls),
    }
    for stage, by_an_incident in ends.items():
        promised = provider.sla.promised(stage.value, None) is not None
        if promised and not by_an_incident and (name, stage) not in sources.measured:
            yield stage


def _provider(incident: Incident, plan: Plan) -> str | None:
    """Return at whose place it is; one that the plan has no more stands with those of nobody."""
    return incident.provider if incident.provider in plan.providers else None


def _in(incident: Incident, period: Period) -> bool:
    end = incident.restored or (incident.closing.at if incident.closing else None)
    return incident.began <= period.end and (end is None or end >= period.begin)
