"""Render the pages that a browser is shown: templates in templates/web, views of reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from pradrill.domain.dossier.dossier import Dossier
from pradrill.domain.dossier.status import Status
from pradrill.domain.register.finding import Finding
from pradrill.domain.run.question import Wait
from pradrill.domain.run.record import RunRecord
from pradrill.reporting.dossier import heat_map, phrases, provider_phrases
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import N_, _, speaking
from pradrill.reporting.language.symptoms import symptom
from pradrill.reporting.run import page as view
from pradrill.reporting.run.html import TEMPLATES, Letterhead, render_page
from pradrill.reporting.run.run_line import run_line
from pradrill.reporting.text.alarms import alarm_line
from pradrill.reporting.text.questions import short_id
from pradrill.reporting.text.status import standing_reasons
from pradrill.reporting.web.run_progress import RunProgress, record_rows
from pradrill.reporting.web.status_rows import status_rows

WEB = TEMPLATES / "web"
PLACES = (
    ("/", "status", N_("Status")),
    ("/runs", "runs", N_("Runs")),
    ("/findings", "findings", N_("Findings")),
    ("/coverage", "coverage", N_("Coverage")),
)
"""Where the pages are, in the order in which they are offered."""


class Look(NamedTuple):
    """In whose name and language pages are made, and what a reader of each must know first."""

    language: str
    organisation: str
    doubts: tuple[str, ...] = ()
    """That it is not to be relied on, and why."""


class Slice(NamedTuple):
    """Some of many, and which they are."""

    number: int
    last: int
    many: int


class RunningRun(NamedTuple):
    """A run without a record: it is running, or was killed."""

    run_id: str
    is_alive: bool
    who: str = ""
    """Whom it waits for."""
    may_go_on: bool = False
    """It was killed, and `pradrill resume` may go on with it."""


class WordedText(NamedTuple):
    """A sentence, and whether it is not in the page's language but in English."""

    text: str
    is_foreign: bool


def stylesheet() -> str:
    """Return the styles of every page: those of reports, and what only a screen needs."""
    files = (TEMPLATES / "report.css", TEMPLATES / "dossier.css", WEB / "web.css")
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def script() -> str:
    """Return what keeps a run's page up to date."""
    return (WEB / "live.js").read_text(encoding="utf-8")


def status_page(look: Look, status: Status, damaged: Sequence[str]) -> str:
    """Return how each service stands, and what wants attention."""
    with speaking(look.language):
        return _page(
            "status",
            look,
            status=status,
            rows=status_rows(status),
            reasons=[text for each in status.services for text in standing_reasons(each)],
            alarms=[(alarm, alarm_line(alarm, status.made)) for alarm in status.alarms],
            damaged=damaged,
        )


def runs_page(
    look: Look,
    records: Sequence[RunRecord],
    running: Sequence[RunningRun],
    part: Slice,
    damaged: Sequence[str],
) -> str:
    """Return a list of runs, newest first."""
    with speaking(look.language):
        lines = [(run_line(record), record) for record in records]
        return _page("runs", look, lines=lines, running=running, part=part, damaged=damaged)


def run_page(look: Look, record: RunRecord, added: Sequence[str]) -> str:
    """Return what came of a run, step by step. `added`: what was done to its standby later."""
    with speaking(look.language):
        return _page(
            "run",
            look,
            record=record,
            comparisons=view.comparisons(record),
            rows=record_rows(record),
            added=added,
        )


def running_page(look: Look, run: RunningRun, drill: str, progress: RunProgress | None) -> str:
    """Return how a run goes: a page that keeps itself up to date while it lasts."""
    with speaking(look.language):
        return _page("running", look, run=run, run_id=run.run_id, drill=drill, progress=progress)


def live_summary(look: Look, run_id: str, progress: RunProgress) -> str:
    """Return what stands above the steps of a run that goes on, for the page that shows it."""
    return _part("live_summary", look, run_id, progress)


def live_steps(look: Look, run_id: str, progress: RunProgress) -> str:
    """Return the steps of a run that goes on, for the page that shows it."""
    return _part("live_steps", look, run_id, progress)


def findings_page(
    look: Look, findings: Sequence[Finding], part: Slice, service: str | None, *, closed_too: bool
) -> str:
    """Return findings, oldest first; of one service, or of all."""
    with speaking(look.language):
        return _page(
            "findings", look, findings=findings, part=part, service=service, closed_too=closed_too
        )


def coverage_page(look: Look, dossier: Dossier) -> str:
    """Return how far the recovery of each service is proven: the dossier's section."""
    with speaking(look.language):
        attempts = phrases.by_setting(dossier.attempts)
        return _page(
            "coverage",
            look,
            dossier=dossier,
            d=phrases,
            hosting=provider_phrases,
            heat=heat_map,
            heat_rows=heat_map.rows(dossier, attempts),
            printed=False,
        )


def message_page(
    look: Look, title: str, message: str = "", hint: str | None = None, *, worded: bool = False
) -> str:
    """Return a page that says why there is nothing else to see.

    What is wrong with the state has words in every language; other errors are in English, unless
    they are `worded` in that of the page already.
    """
    with speaking(look.language):
        texts = [(message, symptom(message)), (hint or "", _(hint) if hint else "")]
        native = worded or look.language == "en"
        lines = [
            WordedText(text, is_foreign=not native and text == english) for english, text in texts
        ]
        return _page("message", look, heading=title, texts=[each for each in lines if each.text])


def entrance_page(look: Look, *, is_wrong: bool) -> str:
    """Return the page that asks for the token; nothing of the state is on it."""
    with speaking(look.language):
        return _page("entrance", look, is_wrong=is_wrong)


def waiting(wait: Wait) -> str:
    """Say whom a run waits for, and for what."""
    return _(
        "waits for %(who)s: %(step)s",
        who=wording.line(wait.who, 80),
        step=wording.line(wait.step, 200),
    )


def _page(name: str, look: Look, **values: Any) -> str:
    return render_page(
        f"web/{name}.html.j2",
        Letterhead(language=look.language),
        organisation=look.organisation,
        places=PLACES,
        here=name,
        doubts=look.doubts,
        waiting=waiting,
        short_id=short_id,
        **values,
    )


def _part(name: str, look: Look, run_id: str, progress: RunProgress) -> str:
    with speaking(look.language):
        return render_page(
            f"web/{name}.html.j2",
            Letterhead(language=look.language),
            progress=progress,
            run_id=run_id,
            waiting=waiting,
            short_id=short_id,
        )
