"""Say how each service stands in the cells of a page's table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pradrill.domain.dossier.status import ServiceStatus, Standing, Status
from pradrill.reporting.dossier.phrases import cadence
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import _, decimal, ngettext
from pradrill.reporting.text.brief_times import brief_age
from pradrill.reporting.text.status import part_left

_SHAPES = {
    Standing.PROVEN: "PASSED",
    Standing.EXPIRED: "INCONCLUSIVE",
    Standing.MISSED: "MISSED",
    Standing.NEVER_TESTED: "INCONCLUSIVE",
    Standing.FAILED: "FAILED",
}
"""Word → the verdict whose colour and frame it has."""


class Figure(NamedTuple):
    """An actual of the last conclusive run, and what it leaves of its objective."""

    text: str
    left: str
    is_missed: bool


class StatusRow(NamedTuple):
    """A service in the table."""

    service: ServiceStatus
    shape: str
    age: str
    rule: str
    rta: Figure | None
    rpa: Figure | None
    sabotage: str
    findings: str
    due: str
    is_late: bool


def status_rows(status: Status) -> tuple[StatusRow, ...]:
    """Return a row for each service, in the status's order."""
    return tuple(_rows(status))


def _rows(status: Status) -> Iterator[StatusRow]:
    for each in status.services:
        late = each.due is not None and each.due < status.made
        yield StatusRow(
            service=each,
            shape=_SHAPES[each.word],
            age="" if each.proof_age is None else _("%(length)s ago", length=_age(each.proof_age)),
            rule=_rule(each),
            rta=_figure(each.rta, each.rta_margin, each.rto),
            rpa=_figure(each.rpa, each.rpa_margin, each.rpo),
            sabotage=_score(each),
            findings=_findings(each),
            due=_due(each, status),
            is_late=late or each.is_due,
        )


def _rule(service: ServiceStatus) -> str:
    if service.drill_on is not None:
        return service.drill_on.text
    return "" if service.drill_every is None else cadence(service.drill_every)


def _figure(actual: float | None, margin: float | None, objective: float) -> Figure | None:
    if actual is None or margin is None:
        return None
    left = _("%(part)s left", part=decimal(part_left(margin, objective)))
    return Figure(wording.short(actual), left, is_missed=margin < 0)


def _score(service: ServiceStatus) -> str:
    sabotage = service.sabotage
    if sabotage is None or sabotage.score is None:
        return ""
    score = wording.percent(sabotage.score)
    return _("%(score)s, before its files changed", score=score) if sabotage.expired else score


def _findings(service: ServiceStatus) -> str:
    many = sum(service.findings_open.values())
    if not many:
        return ""
    text = ngettext("%(n)s open", "%(n)s open", many)
    late = service.findings_overdue
    if not late:
        return text
    overdue = ngettext("%(n)s late", "%(n)s late", late)
    return f"{text}, {overdue}"


def _due(service: ServiceStatus, status: Status) -> str:
    if service.drill_every is None and service.drill_on is None:
        return ""
    if service.due is None:
        return _("now") if service.is_due else _("never")
    day = wording.day(service.due)
    left = (service.due - status.made).total_seconds()
    if left > 0:
        return _("%(day)s, in %(length)s", day=day, length=_age(left))
    return _("%(day)s, %(length)s late", day=day, length=_age(-left))


def _age(seconds: float) -> str:
    return wording.respelt(brief_age(seconds))
