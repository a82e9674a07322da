"""Write the dossier of a period as a page, as a table for a spreadsheet, and as data."""

from __future__ import annotations

import csv
import gc
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from markupsafe import Markup

from pradrill.domain.dossier.attempt import Attempt, Ending
from pradrill.domain.dossier.dossier import Dossier
from pradrill.domain.values.timeline import Elapsed
from pradrill.reporting.dossier import heat_map, provider_phrases
from pradrill.reporting.dossier import phrases as dossier_view
from pradrill.reporting.dossier.trend_layout import draw
from pradrill.reporting.language import i18n
from pradrill.reporting.pdf import Attached, render_pdf
from pradrill.reporting.run.csv import cell
from pradrill.reporting.run.html import Letterhead, render_page

_STYLE = Path(__file__).parents[1] / "templates" / "dossier.css"
_MOST_ATTEMPTS, _NOT_PASSED = 500, 100
_MOST_PICTURES, _WORST_PICTURES = 40, 12
_COLUMNS = (
    "at", "ended", "service", "ending", "run_ending", "run_id", "drill", "services", "scenario",
    "standby", "trigger", "exit_code", "rto_seconds", "rta_seconds", "rta_low", "rta_high",
    "rpo_seconds", "rpa_seconds", "rpa_low", "rpa_high", "restored_bytes", "residue", "reason",
    "record_sha256", "record_missing",
)  # fmt: skip


def dossier_html(
    dossier: Dossier,
    letterhead: Letterhead | None = None,
    *,
    printed: bool = False,
    reports: Mapping[str, str] | None = None,
) -> str:
    """Return the page; `reports` has where those of the runs lie.

    What is `printed` and long shows what did not go well, and counts the rest: nobody reads a
    thousand lines on paper, and each costs a PDF a hundredth of a second.
    """
    letterhead = letterhead or Letterhead()
    listed = _listed(dossier) if printed else list(dossier.attempts)

    pictured = _pictured(dossier) if printed else set(range(len(dossier.trends)))
    attempts = dossier_view.by_setting(dossier.attempts)
    with i18n.speaking(letterhead.language):
        return render_page(
            "dossier.html.j2",
            letterhead,
            organisation=dossier.organisation,
            dossier=dossier,
            d=dossier_view,
            hosting=provider_phrases,
            heat=heat_map,
            heat_rows=heat_map.rows(dossier, attempts),
            reports=reports or {},
            more_style=Markup(_STYLE.read_text(encoding="utf-8")),  # noqa: S704 ours
            trends=[
                (trend, draw(trend, dossier_view.of_trend(trend, attempts), dossier.period))
                for number, trend in enumerate(dossier.trends)
                if number in pictured
            ],
            others=[t for number, t in enumerate(dossier.trends) if number not in pictured],
            groups=dossier_view.groups(dossier, listed),
            listed=len(listed),
            printed=printed,
        )


def dossier_pdf(dossier: Dossier, letterhead: Letterhead | None = None) -> bytes:
    """Return the page as PDF/A-3a with every attempt attached as CSV, and the data as JSON."""
    page = dossier_html(dossier, letterhead, printed=True)
    attached = [
        Attached("attempts.csv", dossier_csv(dossier).encode(), "every attempt", dossier.made),
        Attached("dossier.json", dossier_json(dossier).encode(), "the dossier", dossier.made),
    ]

    gc.freeze()  # what was read stays anyway: looking through it again and again takes a fifth
    try:
        return render_pdf(page, attached)
    finally:
        gc.unfreeze()


def dossier_json(dossier: Dossier) -> str:
    """Return the dossier as data."""
    return dossier.model_dump_json(indent=1) + "\n"


def dossier_csv(dossier: Dossier) -> str:
    """Return every attempt of the period, one line for each service that it was to recover."""
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    for attempt in dossier.attempts:
        services = [name for name in attempt.services if not dossier.only or name in dossier.only]
        table.writerows(list(_cells(attempt, name)) for name in services or [""])

    return text.getvalue()


def _listed(dossier: Dossier) -> list[Attempt]:
    """Return all attempts, or of too many the newest that did not pass."""
    if len(dossier.attempts) <= _MOST_ATTEMPTS:
        return list(dossier.attempts)
    bad = [a for a in dossier.attempts if a.ending is not Ending.PASSED or a.residue]
    return bad[-_NOT_PASSED:]


def _pictured(dossier: Dossier) -> set[int]:
    """Return the numbers of the trends that are drawn: of too many, those in trouble first."""
    trends = dossier.trends
    if len(trends) <= _MOST_PICTURES:
        return set(range(len(trends)))
    worst = sorted(range(len(trends)), key=lambda number: dossier_view.trouble(trends[number]))
    return set(worst[:_WORST_PICTURES])


def _cells(attempt: Attempt, service: str) -> Iterator[object]:
    """Yield what the attempt came to for one service, and how the run as a whole ended."""
    part, goal = attempt.of(service), attempt.goals.get(service)
    yield attempt.at.isoformat()
    yield "" if attempt.ended is None else attempt.ended.isoformat()
    yield cell(service)
    yield part.ending
    yield attempt.ending

    for text in (
        attempt.run_id or "",
        attempt.drill,
        " ".join(attempt.services),
        attempt.scenario,
        part.standby,
        attempt.trigger,
    ):
        yield cell(text)

    yield "" if attempt.exit_code is None else attempt.exit_code
    yield "" if goal is None else goal.rto.total_seconds()
    yield from _bounds(part.rta)
    yield "" if goal is None else goal.rpo.total_seconds()
    yield from _bounds(part.rpa)
    yield "" if part.restored_bytes is None else round(part.restored_bytes)
    yield int(attempt.residue)
    yield cell(part.reason)
    yield attempt.record_sha256 or ""
    yield int(attempt.record_missing)


def _bounds(actual: Elapsed | None) -> tuple[object, object, object]:
    return ("", "", "") if actual is None else (actual.seconds, actual.low, actual.high)
