"""Describe the crisis sheet: what a person needs at 03:00 whose screens are dark."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pradrill.domain.declared.plan import Plan, Service
from pradrill.domain.declared.provider import Provider
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.timeline import Elapsed


class ProofOnSheet(Model):
    """The newest drill of a service that passed, and how long its recovery took."""

    run_id: str
    at: Utc
    rta: Elapsed | None


class ServiceSheet(Model):
    """One page: one service, its provider, its drills, its last proof."""

    name: str
    service: Service
    provider: Provider | None
    drills: tuple[str, ...]
    proof: ProofOnSheet | None


class CrisisSheet(Model):
    """The pages of all services, the most urgent first, and whom to call."""

    organisation: str
    plan: int
    made: Utc
    services: tuple[ServiceSheet, ...]
    providers: dict[str, Provider]


def crisis_sheet(
    plan: Plan,
    drills: Mapping[str, Collection[str]],
    proofs: Mapping[str, ProofOnSheet],
    *,
    now: Utc,
    only: str | None = None,
) -> CrisisSheet:
    """Put the sheet together. `drills`: name → the services that it recovers."""
    services = [
        ServiceSheet(
            name=name,
            service=service,
            provider=plan.providers.get(service.provider or ""),
            drills=tuple(drill for drill, recovers in drills.items() if name in recovers),
            proof=proofs.get(name),
        )
        for name, service in plan.services.items()
        if only in {None, name}
    ]
    return CrisisSheet(
        organisation=plan.organisation,
        plan=plan.plan,
        made=now,
        services=tuple(sorted(services, key=_urgency)),
        providers={
            name: provider
            for name, provider in plan.providers.items()
            if only is None or name == plan.services[only].provider
        },
    )


def _urgency(sheet: ServiceSheet) -> tuple[bool, int]:
    tier = sheet.service.tier
    return tier is None, tier or 0
