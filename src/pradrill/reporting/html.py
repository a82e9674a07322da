"""The report as one self-contained HTML page, from the sealed record alone."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pradrill.domain.record import RunRecord
from pradrill.domain.timeline import Mark
from pradrill.reporting import view, wording
from pradrill.reporting.timeline_picture import draw

_TEMPLATES = Path(__file__).parent / "templates"


def render_html(record: RunRecord) -> str:
    """Return the page: no script, no link to anything outside, the same bytes for a record."""
    page = _environment().get_template("report.html.j2")
    return page.render(
        record=record,
        plan=record.plan,
        recovery=record.recovery,
        comparisons=view.comparisons(record),
        picture=draw(record),
        marks=[(mark, wording.MARKS[mark], record.recovery.marks.get(mark)) for mark in Mark],
        style=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 ours
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        finalize=_safe,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(view=view, say=wording)
    environment.filters.update(
        at=wording.at,
        at_tenth=wording.at_tenth,
        short=wording.short,
        words=view.outcome,
        line=wording.line,
    )
    return environment


def _safe(value: object) -> object:
    """Clean whatever a template shows: nothing from a record can bypass this."""
    return value if isinstance(value, Markup) else wording.clean(value)
