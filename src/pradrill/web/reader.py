"""Read the state for pages: what `status`, `runs`, `show` and `report` read, anew each time.

Nothing is entered, torn down or kept: a page that is looked at must not change what it shows.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from pradrill.adapters.questions.files import FilePeople
from pradrill.app.case_file import casefile
from pradrill.app.composition import App
from pradrill.app.damage import wrongs
from pradrill.app.dossier import compiled_dossier
from pradrill.app.journal import JournalReading, read_journal
from pradrill.app.killed_runs import prospect
from pradrill.app.letterhead import letterhead
from pradrill.app.status.reading import read_status
from pradrill.domain.dossier.dossier import Dossier
from pradrill.domain.dossier.period import Period, a_year_before
from pradrill.domain.register.finding_history import open_findings
from pradrill.domain.register.symptom import Symptom
from pradrill.domain.run.record import RunRecord
from pradrill.errors import PradrillError, RecordError, UsageError
from pradrill.register.chain.lines import line_hash
from pradrill.register.runs.enter import read_record
from pradrill.register.runs.entries import changed, hashes_at_hand
from pradrill.register.runs.folders import RECORD, is_locked, is_sealed
from pradrill.reporting.dossier.files import dossier_html
from pradrill.reporting.language.i18n import _, speaking
from pradrill.reporting.run.doubt import doubts
from pradrill.reporting.run.html import render_html
from pradrill.reporting.text.teardowns import teardown_lines
from pradrill.reporting.web import pages
from pradrill.reporting.web.pages import Look, RunningRun, Slice
from pradrill.reporting.web.run_progress import RunProgress, run_progress

_Item = TypeVar("_Item")
RUNS_A_PAGE, FINDINGS_A_PAGE = 50, 100


class NoPageError(UsageError):
    """An address shows nothing; it is said in the page's language."""


class PageReader(App):
    """One look at the state. It enters nothing, unlike a command."""

    def enter_late(self, names: Collection[str] | None = None) -> bool:
        """Leave what a crash kept out of the register to a command."""
        del names
        return False


class Pages:
    """Makes each page from what lies on the disk now."""

    def __init__(self, args: Namespace, language: str, organisation: str) -> None:
        self._args = args
        self.bare_look = Look(language, "")
        """Of pages that tell nothing of the state."""
        self.look = Look(language, organisation)

    def status(self) -> str:
        """Return how the services stand, as `pradrill status`."""
        app = self._reader()
        reading = read_status(app)
        damaged = [error.message for error in reading.damaged]
        return pages.status_page(self._doubted(app), reading.status, damaged)

    def runs(self, number: int) -> str:
        """Return a part of the list of runs; of the others nothing is read."""
        app = self._reader()
        sealed, others = app.folders.sealed_or_not()
        part = _slice(number, len(sealed), RUNS_A_PAGE)
        registered = hashes_at_hand(app.register)

        damaged = [error.message for error in app.folders.without_record(others)]
        records: list[RunRecord] = []
        for folder in _of_slice(sealed[::-1], part, RUNS_A_PAGE):
            try:
                record, content = read_record(folder / RECORD)
            except RecordError as error:
                damaged.append(error.message)
                continue
            hashes = registered.get(folder.name)
            if hashes is None and not is_locked(folder):  # its own process enters it in a moment
                damaged.append(Symptom.RECORD_NOT_ENTERED.text(run=folder.name))
            elif hashes is not None and line_hash(content) not in hashes:
                damaged.append(changed(folder.name).message)
            records.append(record)

        first = [each for each in others if part.number == 1 and each.name not in registered]
        running = [_running(each) for each in first]
        return pages.runs_page(self._doubted(app), records, running, part, damaged)

    def run(self, run_id: str) -> str:
        """Return what came of a run, or how it goes. Raises UsageError, RecordError."""
        app = self._reader()
        folder = self._folder(app, run_id)
        if is_sealed(folder):
            return self._ended(app, run_id)

        run, reading = _running(folder), read_journal(app, run_id)
        run = run._replace(may_go_on=not run.is_alive and prospect(app.store, run_id).may_go_on)
        drill, progress = run_id, None
        if reading is not None:
            drill = reading.facts.plan.drill.drill
            progress = self._progress(app, reading, is_alive=run.is_alive)
        return pages.running_page(self._doubted(app), run, drill, progress)

    def _ended(self, app: PageReader, run_id: str) -> str:
        record = app.store.read(run_id)
        with speaking(self.look.language):
            added = list(teardown_lines(app.teardowns(run_id)))
        return pages.run_page(self._doubted(app, run_id), record, added)

    def folder(self, run_id: str) -> Path:
        """Return a run's folder. Raises UsageError when there is none."""
        return self._folder(self._reader(), run_id)

    def journal(self, run_id: str) -> JournalReading | None:
        """Return what a run has noted up to now. Raises RecordError."""
        return read_journal(self._reader(), run_id)

    def live_parts(self, run_id: str, reading: JournalReading) -> dict[str, str]:
        """Return the parts of a running run's page that change: name → HTML."""
        progress = self._progress(self._reader(), reading, is_alive=True)
        return {
            "summary": pages.live_summary(self.look, run_id, progress),
            "steps": pages.live_steps(self.look, run_id, progress),
        }

    def _progress(self, app: PageReader, reading: JournalReading, *, is_alive: bool) -> RunProgress:
        now = app.clock.now() if is_alive else reading.last
        with speaking(self.look.language):
            return run_progress(reading.facts, reading.beginnings, now, is_alive=is_alive)

    def report(self, run_id: str) -> str:
        """Return a run's report, as `pradrill report` writes it. Raises PradrillError."""
        app = self._reader()
        if not is_sealed(self._folder(app, run_id)):
            with speaking(self.look.language):
                raise NoPageError(
                    _("the run %(run)s has no record yet", run=run_id),
                    hint=_("See how it goes: its own page."),
                )
        return render_html(casefile(app, run_id), letterhead(app, self.look.language))

    def findings(self, number: int, service: str | None, *, closed_too: bool) -> str:
        """Return a part of the findings, as `pradrill findings` lists them. Raises RecordError."""
        app = self._reader()
        findings = list(app.findings())
        listed = findings if closed_too else open_findings(findings)
        if service is not None:
            listed = [each for each in listed if service in each.services]
        part = _slice(number, len(listed), FINDINGS_A_PAGE)
        visible = _of_slice(listed, part, FINDINGS_A_PAGE)
        look = self._doubted(app)
        return pages.findings_page(look, visible, part, service, closed_too=closed_too)

    def coverage(self) -> str:
        """Return the dossier's section of how far each recovery is proven. Raises PradrillError."""
        app = self._reader()
        return pages.coverage_page(self._doubted(app), _of_a_year(app))

    def dossier(self) -> str:
        """Return the dossier of the last year, as `pradrill dossier`. Raises PradrillError."""
        app = self._reader()
        return dossier_html(_of_a_year(app), letterhead(app, self.look.language))

    def _folder(self, app: PageReader, run_id: str) -> Path:
        """Return a run's folder. What an address names is compared with what is there: no path."""
        sealed, others = app.folders.sealed_or_not()
        for folder in (*others, *sealed):
            if folder.name == run_id:
                return folder
        with speaking(self.look.language):
            raise NoPageError(
                _("no run is named %(run)s", run=run_id[:120]),
                hint=_("List them: pradrill runs."),
            )

    def _reader(self) -> PageReader:
        return PageReader(self._args)

    def _doubted(self, app: PageReader, run_id: str | None = None) -> Look:
        """Look at the whole chain: what is wrong with it, or with a run, stands before all else."""
        if _is_new(app):
            return self.look
        with speaking(self.look.language):
            return self.look._replace(doubts=tuple(doubts(run_id, wrongs(app, run_id))))


def _is_new(app: PageReader) -> bool:
    """Tell whether nothing was ever recorded: there is nothing to vouch for yet."""
    with suppress(PradrillError):
        return app.register.head() is None and not app.folders.sealed()
    return False


def _of_a_year(app: PageReader) -> Dossier:
    today = app.clock.now().date()
    period = Period(first=a_year_before(today), last=today)
    return compiled_dossier(app, app.project(), period)


def _running(folder: Path) -> RunningRun:
    question = FilePeople().waiting(folder)
    who = "" if question is None else question.who
    return RunningRun(folder.name, is_alive=is_locked(folder), who=who)


def _slice(number: int, many: int, size: int) -> Slice:
    """Return which part is meant: the last one where there are not so many."""
    last = max(1, -(-many // size))
    return Slice(min(max(1, number), last), last, many)


def _of_slice(items: Sequence[_Item], part: Slice, size: int) -> Sequence[_Item]:
    return items[(part.number - 1) * size : part.number * size]
