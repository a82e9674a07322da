"""Read in whose name and language reports are made: the plan's, as it is today."""

from __future__ import annotations

from pradrill.app.reading import StateReader, warn
from pradrill.app.spoken import user_language
from pradrill.config.branding import chosen_clauses, read_logo
from pradrill.config.loader import load_plan
from pradrill.config.plan_file import plan_file
from pradrill.errors import ConfigurationError
from pradrill.reporting.run.html import Letterhead


def letterhead(app: StateReader, language: str | None) -> Letterhead:
    """Return what the organisation gives its reports; a report comes out without it too."""
    logo, clauses, default = None, None, None
    try:
        plan = load_plan(plan_file(app.drills))
        default = plan.language
        clauses = chosen_clauses(app.drills, plan)
        logo = None if plan.logo is None else read_logo(plan.logo)
    except ConfigurationError as error:
        if app.names_drills():
            warn(f"the report goes without letterhead: {error}")

    return Letterhead(
        language=language or default or user_language(),
        logo=logo,
        clauses=clauses,
    )
