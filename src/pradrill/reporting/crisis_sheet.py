"""Write the crisis sheet as a page to be printed, and as a PDF."""

from __future__ import annotations

from markupsafe import Markup

from pradrill.domain.report.crisis_sheet import CrisisSheet
from pradrill.reporting.language import i18n
from pradrill.reporting.pdf import render_pdf
from pradrill.reporting.run.html import TEMPLATES, Letterhead, render_page

_STYLE = TEMPLATES / "crisis_sheet.css"


def sheet_html(sheet: CrisisSheet, letterhead: Letterhead) -> str:
    """Return the page."""
    with i18n.speaking(letterhead.language):
        return render_page(
            "crisis_sheet.html.j2",
            letterhead,
            organisation=sheet.organisation,
            sheet=sheet,
            more_style=Markup(_STYLE.read_text(encoding="utf-8")),  # noqa: S704 ours
        )


def sheet_pdf(sheet: CrisisSheet, letterhead: Letterhead) -> bytes:
    """Return the page as PDF/A-3a."""
    return render_pdf(sheet_html(sheet, letterhead))
