"""Render reports as self-contained HTML pages: no script, nothing to load, stable bytes."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from pradrill.domain.report.accesses import accesses
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.report.clauses import ClauseMap
from pradrill.domain.report.flows import flows_of
from pradrill.domain.report.responsibilities import responsibilities
from pradrill.domain.report.sections import sections_of
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language import i18n, reasons, symptoms
from pradrill.reporting.language import terms as vocabulary
from pradrill.reporting.run import case_sections as case_view
from pradrill.reporting.run import edges, front, inward, mail_sink, outward
from pradrill.reporting.run import page as view
from pradrill.reporting.run import sourced_fields as fields
from pradrill.reporting.run.timeline_layout import draw

_DATA = re.compile(r"data:image/(?:png|svg\+xml);base64,[A-Za-z0-9+/]+=*")
_LONG_WORD = re.compile(r"[^\s<>]{28,}")
TEMPLATES = Path(__file__).parents[1] / "templates"


class Letterhead(NamedTuple):
    """In whose name and language a report is made. None of it is evidence."""

    language: str = "en"
    logo: str | None = None
    """A data URI of a PNG or SVG image that was looked at when it was read."""
    clauses: ClauseMap | None = None


def render_html(case: CaseFile, letterhead: Letterhead | None = None) -> str:
    """Return the report on one run."""
    letterhead = letterhead or Letterhead()
    record = case.record
    front_sections, body_sections = sections_of(case)
    with i18n.speaking(letterhead.language):
        return render_page(
            "report.html.j2",
            letterhead,
            organisation=record.plan.organisation,
            case=case,
            record=record,
            plan=record.plan,
            recovery=record.recovery,
            comparisons=view.comparisons(record),
            picture=draw(record),
            front_sections=front_sections,
            body_sections=body_sections,
        )


def render_page(template: str, letterhead: Letterhead, **values: Any) -> str:
    """Return any page that extends base.html.j2; `values` must name the organisation."""
    with i18n.speaking(letterhead.language):
        return (
            _environment()
            .get_template(template)
            .render(
                language=letterhead.language,
                logo=_image(letterhead.logo),
                clauses=letterhead.clauses,
                style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 ours
                **values,
            )
        )


def _image(logo: str | None) -> Markup | None:
    """Return the logo's address, which holds nothing that could end an attribute."""
    if logo is None or not _DATA.fullmatch(logo):
        return None
    return Markup(logo)  # noqa: S704 looked at above


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_safe,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        _=i18n._,
        ngettext=i18n.ngettext,
        view=view,
        cases=case_view,
        fields=fields,
        say=wording,
        responsibilities=responsibilities,
        flows_of=flows_of,
        accesses=accesses,
        front=front,
        edges=edges,
        outward=outward,
        inward=inward,
        mail_sink=mail_sink,
    )
    environment.filters.update(
        at=wording.at,
        at_tenth=wording.at_tenth,
        day=wording.day,
        plain=_plain,
        short=wording.short,
        word=vocabulary.word,
        spoken=reasons.spoken,
        is_translated=reasons.is_translated,
        step_name=vocabulary.step_name,
        responsibility=vocabulary.responsibility,
        party=vocabulary.party,
        line=wording.line,
        damage=symptoms.damage,
        symptom=symptoms.symptom,
        figure_name=view.figure_name,
        block=wording.block,
    )
    return environment


def _safe(value: object) -> object:
    """Clean whatever a template shows: nothing from a record can bypass this.

    A word that is longer than a column may be is marked, so that it alone is broken.
    """
    if isinstance(value, Markup):
        return value
    text = str(escape(wording.clean(value)))
    return Markup(_LONG_WORD.sub(r'<span class="long">\g<0></span>', text))  # noqa: S704 escaped


def _plain(value: object) -> Markup:
    """Clean what stands in an attribute, a title or a picture, where no element can."""
    return escape(wording.clean(value))
