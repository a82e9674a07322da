"""Tell whether a service could be recovered once a provider is lost."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from pradrill.domain.declared.plan import Part, Plan, Service
from pradrill.domain.values.model import Model

NEEDED = (Part.STANDBY, Part.BACKUPS, Part.CONTROLLER, Part.DNS, Part.IDENTITY)
"""Without these no recovery: what nobody says who runs leaves it unknown."""


class Survival(StrEnum):
    """Whether a service could be recovered once its primary's provider is lost."""

    COULD = "could"
    COULD_NOT = "could not"
    UNKNOWN = "unknown"


class Loss(Model):
    """What the loss of the provider that runs its primary means for a service."""

    service: str
    provider: str
    survival: Survival
    gone: tuple[Part, ...] = Field(description="what else the provider runs of it")
    unknown: tuple[Part, ...] = Field(description="needed, and the plan does not say who runs it")


def losses(plan: Plan) -> list[Loss]:
    """Return the loss of its primary's provider for each service that names one."""
    return [
        _worst([_loss(name, each, provider) for each in _with_what_it_needs(name, plan)])
        for name, service in plan.services.items()
        if (provider := service.run_by.get(Part.PRIMARY, service.provider)) is not None
    ]


def _with_what_it_needs(name: str, plan: Plan) -> list[Service]:
    """Return a service and all that it depends on, however far."""
    names = [name]
    for each in names:
        names += [other for other in plan.services[each].depends_on if other not in names]
    return [plan.services[each] for each in names]


def _worst(each_loss: list[Loss]) -> Loss:
    """Return what a loss means for a service of which each of these must be recovered."""
    order = (Survival.COULD_NOT, Survival.UNKNOWN, Survival.COULD)
    survival = min((each.survival for each in each_loss), key=order.index)
    return each_loss[0].model_copy(
        update={
            "survival": survival,
            "gone": tuple(p for p in Part if any(p in each.gone for each in each_loss)),
            "unknown": tuple(p for p in Part if any(p in each.unknown for each in each_loss)),
        }
    )


def _loss(name: str, service: Service, provider: str) -> Loss:
    lost_parts = tuple(
        part
        for part in Part
        if part is not Part.PRIMARY and _same(service.run_by.get(part, ""), provider)
    )
    unknown = tuple(part for part in NEEDED if part not in service.run_by)
    survival = Survival.UNKNOWN if unknown else Survival.COULD
    if not set(lost_parts).isdisjoint(NEEDED):
        survival = Survival.COULD_NOT
    return Loss(
        service=name, provider=provider, survival=survival, gone=lost_parts, unknown=unknown
    )


def _same(one: str, other: str) -> bool:
    """Tell whether two names are one, however they are written."""
    return one.strip().casefold() == other.strip().casefold()
