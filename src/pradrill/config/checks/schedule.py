"""Check what only a calendar can tell of a rule: its zone, and whether it is ever due."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from pradrill.config import cron
from pradrill.config.loader import Document, read_document, validate
from pradrill.config.problems import ConfigurationProblemsError, Problem
from pradrill.domain.declared.drill_on import DrillOn
from pradrill.domain.declared.plan import Plan


def load_dated_plan(path: Path) -> Plan:
    """Read a plan whose dates are to be reckoned. Raises ConfigurationProblemsError."""
    document = read_document(path)
    plan = validate(document, Plan)
    if problems := [*schedule_problems(document, plan)]:
        raise ConfigurationProblemsError(problems)
    return plan


def schedule_problems(document: Document, plan: Plan) -> Iterator[Problem]:
    """Refuse a rule whose zone there is not, and one that cron does not understand."""
    for name, service in plan.services.items():
        where = ("services", name, "drill_on")
        if service.drill_on is not None and (wrong := _problem(service.drill_on)) is not None:
            yield document.problem(where, *wrong)
        if service.drill_on is None and service.no_drills:
            yield document.problem(
                ("services", name, "no_drills"),
                "there is no drill_on whose drills would be put off",
            )


def _problem(rule: DrillOn) -> tuple[str, str] | None:
    try:
        ZoneInfo(rule.zone)
    except (ValueError, OSError):  # not found is a KeyError in name, and an OSError for a folder
        return f'there is no time zone "{rule.zone}"', "As in Europe/Paris, or UTC."
    except KeyError:
        return f'there is no time zone "{rule.zone}"', "As in Europe/Paris, or UTC."
    wrong = cron.problem(rule.cron)
    return None if wrong is None else (wrong, 'As in "first Saturday of the quarter 02:00 UTC".')
