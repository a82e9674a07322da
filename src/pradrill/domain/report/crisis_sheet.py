"""Describe the crisis sheet: what a person needs at 03:00 whose screens are dark."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pydantic import Field

from pradrill.domain.declared.plan import Part, Plan, Service
from pradrill.domain.declared.provider import Provider
from pradrill.domain.declared.responsibility import is_same_line
from pradrill.domain.run.question import CallStage
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.timeline import Elapsed


class ProofOnSheet(Model):
    """The newest drill of a service that passed, and how long its recovery took."""

    run_id: str
    at: Utc
    rta: Elapsed | None


class OtherProvider(Model):
    """Who runs other parts of a service: the backups may be somewhere else."""

    name: str
    parts: tuple[Part, ...]
    provider: Provider | None = Field(description="none: not one of the plan's providers")


class ServiceSheet(Model):
    """One page: one service, its provider, its drills, its last proof."""

    name: str
    service: Service
    provider: Provider | None
    drills: tuple[str, ...]
    proof: ProofOnSheet | None
    others: tuple[OtherProvider, ...] = Field(default=(), description="who runs its other parts")


class CrisisSheet(Model):
    """The pages of all services, the most urgent first, and whom to call."""

    organisation: str
    plan: int
    made: Utc
    services: tuple[ServiceSheet, ...]
    providers: dict[str, Provider]
    unmeasured: dict[str, tuple[CallStage, ...]] = Field(
        default={}, description="provider → what it promises, and nobody ever measured"
    )


def crisis_sheet(  # noqa: PLR0913 each is read from somewhere else
    plan: Plan,
    drills: Mapping[str, Collection[str]],
    proofs: Mapping[str, ProofOnSheet],
    *,
    now: Utc,
    unmeasured: Mapping[str, tuple[CallStage, ...]] | None = None,
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
            others=tuple(_others(plan, service)),
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
            if only is None or _is_of(name, plan.services[only])
        },
        unmeasured=dict(unmeasured or {}),
    )


def _is_of(provider: str, service: Service) -> bool:
    """Tell whether a provider hosts a service, or runs a part of it."""
    parts = service.run_by.values()
    return provider == service.provider or any(is_same_line(provider, each) for each in parts)


def _others(plan: Plan, service: Service) -> Iterator[OtherProvider]:
    """Yield who runs parts of a service and does not host it."""
    parts_of: dict[str, list[Part]] = {}
    for part, name in service.run_by.items():
        provider = next((each for each in plan.providers if is_same_line(each, name)), name)
        if provider != service.provider:
            parts_of.setdefault(provider, []).append(part)
    for name, parts in parts_of.items():
        yield OtherProvider(name=name, parts=tuple(parts), provider=plan.providers.get(name))


def _urgency(sheet: ServiceSheet) -> tuple[bool, int]:
    tier = sheet.service.tier
    return tier is None, tier or 0
