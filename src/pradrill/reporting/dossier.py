"""The dossier of a period as a page, as a table for a spreadsheet, and as data."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from pradrill.domain.dossier.attempt import Attempt, Ending
from pradrill.domain.dossier.build import Dossier
from pradrill.domain.timeline import Elapsed
from pradrill.reporting import dossier_view, i18n, wording
from pradrill.reporting.html import Letterhead, render_page
from pradrill.reporting.pdf import Attached, render_pdf
from pradrill.reporting.trend_picture import draw

_STYLE = Path(__file__).parent / "templates" / "dossier.css"
_MOST_PRINTED = 500
_COLUMNS = (
    "at", "ended", "ending", "run_id", "drill", "services", "scenario", "standby", "trigger",
    "exit_code", "rto_seconds", "rta_seconds", "rta_low", "rta_high", "rpo_seconds", "rpa_seconds",
    "rpa_low", "rpa_high", "restored_bytes", "residue", "reason", "record_sha256",
    "record_missing",
)  # fmt: skip


def dossier_html(
    dossier: Dossier, letterhead: Letterhead | None = None, *, most: int | None = None
) -> str:
    """Return the page; of more than `most` attempts, its annex lists those that did not pass."""
    letterhead = letterhead or Letterhead()
    listed = _listed(dossier, most)
    found = dossier_view.by_setting(dossier.attempts)
    with i18n.speaking(letterhead.language):
        return render_page(
            "dossier.html.j2",
            letterhead,
            organisation=dossier.organisation,
            dossier=dossier,
            d=dossier_view,
            more_style=Markup(_STYLE.read_text(encoding="utf-8")),  # noqa: S704 ours
            trends=[
                (trend, draw(trend, dossier_view.of_trend(trend, found), dossier.period))
                for trend in dossier.trends
            ],
            groups=dossier_view.groups(dossier, listed),
            listed=len(listed),
        )


def dossier_pdf(dossier: Dossier, letterhead: Letterhead | None = None) -> bytes:
    """Return the page as PDF/A-3a with every attempt attached as CSV, and the data as JSON."""
    page = dossier_html(dossier, letterhead, most=_MOST_PRINTED)
    attached = [
        Attached("attempts.csv", dossier_csv(dossier).encode(), "every attempt", dossier.made),
        Attached("dossier.json", dossier_json(dossier).encode(), "the dossier", dossier.made),
    ]
    return render_pdf(page, attached)


def dossier_json(dossier: Dossier) -> str:
    """Return the dossier as data."""
    return dossier.model_dump_json(indent=1) + "\n"


def dossier_csv(dossier: Dossier) -> str:
    """Return every attempt of the period, one a line."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    table.writerows(list(_cells(attempt)) for attempt in dossier.attempts)
    return text.getvalue()


def _listed(dossier: Dossier, most: int | None) -> list[Attempt]:
    if most is None or len(dossier.attempts) <= most:
        return list(dossier.attempts)
    return [a for a in dossier.attempts if a.ending is not Ending.PASSED or a.residue][:most]


def _cells(attempt: Attempt) -> Iterator[object]:
    goals = attempt.goals.values()
    yield attempt.at.isoformat()
    yield "" if attempt.ended is None else attempt.ended.isoformat()
    yield attempt.ending
    for text in (
        attempt.run_id or "",
        attempt.drill,
        " ".join(attempt.services),
        attempt.scenario,
        attempt.standby,
        attempt.trigger,
    ):
        yield _harmless(text)
    yield "" if attempt.exit_code is None else attempt.exit_code
    yield min((goal.rto.total_seconds() for goal in goals), default="")
    yield from _bounds(attempt.rta)
    yield min((goal.rpo.total_seconds() for goal in goals), default="")
    yield from _bounds(attempt.rpa)
    yield "" if attempt.restored_bytes is None else round(attempt.restored_bytes)
    yield int(attempt.residue)
    yield _harmless(attempt.reason)
    yield attempt.record_sha256 or ""
    yield int(attempt.record_missing)


def _bounds(actual: Elapsed | None) -> tuple[object, object, object]:
    return ("", "", "") if actual is None else (actual.seconds, actual.low, actual.high)


def _harmless(text: str) -> str:
    """Return text that a spreadsheet takes for text: no formula begins with a quote."""
    told = wording.line(text, 500)
    return f"'{told}" if told[:1] in {"=", "+", "-", "@"} else told
