"""Phrase what the dossier says of providers: what they promised, and what of it counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from pradrill.domain.declared.dependence import Loss, Survival
from pradrill.domain.declared.maintenance import AvailabilityPeriod, MaintenanceWindow, Weekday
from pradrill.domain.declared.provider import Sla
from pradrill.domain.dossier.dossier import Dossier
from pradrill.domain.dossier.provider_section import IncidentShown, LossShown
from pradrill.domain.register.availability import MonthlyAvailability
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import _, decimal, pgettext
from pradrill.reporting.language.terms import word

_MOST_INCIDENTS, _MOST_MONTHS, _NAMED = 40, 40, 6
_YEAR = 12


def availability_promised(sla: Sla) -> str:
    """Say how much is promised, and of which time."""
    if sla.availability_percent is None:
        return sla.availability or ""
    percent = decimal(f"{sla.availability_percent:g}")
    number = {
        AvailabilityPeriod.MONTH: _("%(percent)s %% of a month", percent=percent),
        AvailabilityPeriod.QUARTER: _("%(percent)s %% of a quarter", percent=percent),
        AvailabilityPeriod.YEAR: _("%(percent)s %% of a year", percent=percent),
    }[sla.availability_period]
    return f"{number} ({sla.availability})" if sla.availability else number


def what_counts(sla: Sla) -> str:
    """Say whether maintenance is an outage, as the contract has it."""
    if sla.maintenance_counts:
        return _("Maintenance counts as an outage.")
    if sla.maintenance_notice is not None:
        notice = wording.promised(sla.maintenance_notice)
        return _(
            "Maintenance that was announced %(notice)s before is not counted, nor what lies in "
            "the maintenance windows; what takes longer than announced is.",
            notice=notice,
        )
    return _(
        "Announced maintenance is not counted, nor what lies in the maintenance windows; what "
        "takes longer than announced is."
    )


def window(each: MaintenanceWindow | str) -> str:
    """Say when a provider may work on its machines."""
    if isinstance(each, str):
        return each
    names = {
        Weekday.MONDAY: _("Mondays"),
        Weekday.TUESDAY: _("Tuesdays"),
        Weekday.WEDNESDAY: _("Wednesdays"),
        Weekday.THURSDAY: _("Thursdays"),
        Weekday.FRIDAY: _("Fridays"),
        Weekday.SATURDAY: _("Saturdays"),
        Weekday.SUNDAY: _("Sundays"),
    }
    every = set(each.days) == set(Weekday)
    days = (
        pgettext("maintenance", "every day")
        if every
        else ", ".join(names[day] for day in each.days)
    )
    return f"{days} {each.begins}–{each.ends} ({each.timezone})"  # noqa: RUF001 from, to


def printed_incidents(incidents: Sequence[IncidentShown]) -> list[IncidentShown]:
    """Return those that paper has room for: the newest, and those that are open."""
    newest = incidents[-_MOST_INCIDENTS:]
    older = incidents[: -len(newest)] if newest else ()
    still_open = [each for each in older if each.incident.closing is None]
    return [*still_open[-_MOST_INCIDENTS:], *newest]


def printed_months(months: Sequence[MonthlyAvailability]) -> list[MonthlyAvailability]:
    """Return those that paper has room for: of too many, the worst."""
    if len(months) <= _MOST_MONTHS:
        return list(months)
    return sorted(months, key=lambda month: month.percent)[:_MOST_MONTHS]


class UntestedLoss(NamedTuple):
    """The loss of a provider that no drill has played, for the services that it hits alike."""

    provider: str
    services: tuple[str, ...]
    because: str


def untested_losses(dossier: Dossier) -> list[UntestedLoss]:
    """Return which losses of a provider were never tested, and what would come of them."""
    alike: dict[tuple[str, str], list[str]] = {}
    for section in dossier.providers:
        for each in section.losses:
            if each.proven is None:
                key = each.loss.provider, _outcome(each.loss)
                alike.setdefault(key, []).append(each.loss.service)
    return [UntestedLoss(provider, tuple(names), why) for (provider, why), names in alike.items()]


def alike(losses: Sequence[LossShown]) -> list[tuple[tuple[str, ...], LossShown]]:
    """Return the losses that come to the same, with the services that they hit."""
    groups: dict[tuple[str, datetime | None], list[LossShown]] = {}
    for each in losses:
        groups.setdefault((_outcome(each.loss), each.proven), []).append(each)
    return [(tuple(each.loss.service for each in group), group[0]) for group in groups.values()]


def _outcome(loss: Loss) -> str:
    """Say whether a service could be recovered from a loss, and why not."""
    if loss.survival is Survival.COULD_NOT:
        parts = ", ".join(map(word, loss.gone))
        return _("could not be recovered, because it also runs %(parts)s", parts=parts)
    if loss.survival is Survival.UNKNOWN:
        parts = ", ".join(map(word, loss.unknown))
        return _("not known: the plan does not say who runs %(parts)s", parts=parts)
    return _("could be recovered, as far as the plan says")


def span(month: MonthlyAvailability) -> str:
    """Say which month it is, or which months together."""
    if month.months == _YEAR:
        return f"{month.year:04d}"
    first = wording.month(month.year, month.month)
    if month.months == 1:
        return first
    last = month.month - (month.month - 1) % month.months + month.months - 1
    return f"{first} – {wording.month(month.year, last)}"  # noqa: RUF001 from, to


def some(names: Sequence[str]) -> str:
    """Name a few of many, and count the others."""
    text = wording.line(", ".join(names[:_NAMED]), 300)
    more = len(names) - _NAMED
    return text if more <= 0 else _("%(named)s and %(n)s more", named=text, n=more)
