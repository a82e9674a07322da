"""Enter what nobody else would: due dates that nobody kept, commitments that end."""

from __future__ import annotations

from pradrill.app.composition import App
from pradrill.app.reading import warn
from pradrill.app.schedule import Calendar
from pradrill.config.project import Project
from pradrill.domain.declared.provider import endings
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.finding_of_ending import finding_of_ending
from pradrill.errors import PradrillError
from pradrill.reporting.language.formats import line
from pradrill.reporting.language.terms import ending_word
from pradrill.reporting.text.commitments import ending_line

_NOBODY = "nobody attempted its drill"


def enter_silence(app: App, project: Project) -> None:
    """Enter both; a damaged register is told, and stops nothing here."""
    _enter_missed(app, project)
    _enter_endings(app, project)


def _enter_missed(app: App, project: Project) -> None:
    """Enter the due dates that nobody kept."""
    now = app.clock.now()
    try:
        Calendar(app, project.plan, app.register.legible()).enter_changes()
        # Of whole entries alone: a run that a damaged line hides is no missed one.
        for miss in Calendar(app, project.plan, app.register.entries()).missed(now):
            app.register.append(EntryKind.SCHEDULE_MISSED, miss, now)
            because = ending_word(miss.because)
            why = f"its drill could not run: {because}" if because else _NOBODY
            warn(f"{miss.service} was due on {miss.due:%Y-%m-%d}, and {line(why, 300)}")
    except (PradrillError, ValueError) as error:
        warn(f"missed drills cannot be told: {error}")


def _enter_endings(app: App, project: Project) -> None:
    """Open a finding for each commitment of a provider that ends soon; once for each date."""
    now = app.clock.now()
    try:
        keys = app.finding_keys()
        for ending in endings(project.plan.providers, now.date()):
            finding = finding_of_ending(ending, now)
            if finding.key not in keys:
                app.register.append(EntryKind.FINDING, finding, now)
                warn(ending_line(ending, now.date()))
    except PradrillError as error:
        warn(f"commitments that end cannot be told: {error}")
