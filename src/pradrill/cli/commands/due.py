"""`pradrill due`: the quarterly drill. Which services are due, and their drills run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import ValidationError

from pradrill.adapters.notifications.health_check import HealthPinger
from pradrill.app.attempt import attempting
from pradrill.app.backup_watch import watch_daily
from pradrill.app.composition import App
from pradrill.app.notifications.news import tell_news
from pradrill.app.output import beside_deeds
from pradrill.app.reading import warn
from pradrill.app.schedule import Calendar, alone_at_the_schedule
from pradrill.cli.arguments import verbose_argument
from pradrill.cli.commands.run import carry_out, tell
from pradrill.cli.json_output import json_argument, print_json, print_line
from pradrill.config.project import Project
from pradrill.domain.declared.provider import endings
from pradrill.domain.dossier.register_facts import has_finished
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.finding_of_ending import finding_of_ending
from pradrill.domain.register.missed_dates import missed
from pradrill.domain.register.schedule import Date
from pradrill.domain.register.schedule_history import trials_of
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.duration import due_after
from pradrill.errors import ExitCode, PradrillError
from pradrill.reporting.language.formats import line
from pradrill.reporting.language.terms import ending_word
from pradrill.reporting.text.commitments import ending_line


class Due(NamedTuple):
    """A service whose drill is due, the drills that cover it, and its last finished run."""

    service: str
    drills: tuple[str, ...]
    last: datetime | None
    since: datetime | None
    end: datetime | None = None
    """Until when it may begin, by the calendar; none: until it was run."""


EXAMPLE = "pradrill due --run"
_A_DAY = timedelta(hours=20)
"""Between two trials of what no window bounds; less than a day: a late one moves no other."""
_NOBODY = "nobody attempted its drill"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--run",
        dest="launch",
        action="store_true",
        help="run their unattended drills, one after another; exit with the worst code",
    )
    parser.add_argument(
        "--scheduled",
        action="store_true",
        help="for a timer that comes every hour: what could not run is tried again within its "
        "window of drill_on each hour, by drill_every once a day; silent while another one runs",
    )
    verbose_argument(parser)
    json_argument(
        parser, "print what is due for programs; with --run how each run ended, a line each"
    )


def run(args: Namespace) -> int:
    """List what is due, or run it; return the worst exit code."""
    if args.launch:
        beside_deeds()
    app = App(args)
    start = app.clock.now()
    project = _project(app, start, launch=args.launch)
    app.settle()
    if args.launch:
        with alone_at_the_schedule(app) as alone:
            if alone:
                return _scheduled(app, project, start, scheduled=args.scheduled)
        if not args.scheduled:
            warn("another pradrill due --run is at work: it runs what is due")
        return ExitCode.PASSED

    _enter_silence(app, project)
    due = find_due(app, project)
    code = ExitCode.RECORD if app.in_doubt else ExitCode.PASSED
    if args.json:
        print_json(args, {"due": [_facts(item) for item in due]})
        return code

    for item in due:
        last = f"last finished run {item.last:%Y-%m-%d}" if item.last else "never drilled"
        until = f", until {item.end:%Y-%m-%d %H:%M} UTC" if item.end else ""
        drills = ", ".join(item.drills) or "no unattended drill covers it"
        print(f"{item.service}: due{until}, {last}: {drills}")

    if not due:
        print("nothing is due")

    return code


def _facts(item: Due) -> dict[str, Any]:
    return {
        "service": item.service,
        "drills": item.drills,
        "last": item.last and item.last.isoformat(),
        "since": item.since and item.since.isoformat(),
        "until": item.end and item.end.isoformat(),
    }


def _scheduled(app: App, project: Project, start: datetime, *, scheduled: bool) -> int:
    """Run what is due, and say at the plan's health check that it begins and has ended."""
    pinger = HealthPinger(project.plan.health_check, warn)
    pinger.begin()
    code: int = ExitCode.INTERNAL
    try:
        _enter_silence(app, project)
        code = _launch(app, project, start, scheduled=scheduled)
        if scheduled and code not in {ExitCode.INTERRUPTED, ExitCode.TERMINATED}:
            say = warn if app.for_programs else print
            code = worst([code, watch_daily(app, project, say)])
        tell_news(app, start, silence=True)
    finally:
        pinger.end(code)
    return code


def _enter_silence(app: App, project: Project) -> None:
    """Enter what nobody else would: dates that nobody attempted, commitments that end."""
    _enter_missed(app, project)
    _enter_endings(app, project)


def _project(app: App, start: datetime, *, launch: bool) -> Project:
    """Load the project; that a launch found it wrong is an attempt too."""
    try:
        return app.project()
    except PradrillError:
        if launch:
            try:
                with attempting(app, "", trigger="due"):  # of which drill, nobody can tell
                    raise
            finally:
                tell_news(app, start)

        raise


def _enter_missed(app: App, project: Project) -> None:
    """Enter the due dates that nobody kept; a damaged register must not stop the drills."""
    services = project.plan.services.items()
    cadences = {
        name: service.drill_every
        for name, service in services
        if service.drill_every and not service.drill_on
    }
    now = app.clock.now()
    try:
        calendar = Calendar(app, project.plan)
        calendar.enter_changes()
        for miss in [*missed(cadences, app.register.entries(), now), *calendar.missed(now)]:
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
        keys = {finding.key for finding in app.findings()}
        for ending in endings(project.plan.providers, now.date()):
            finding = finding_of_ending(ending, now)
            if finding.key not in keys:
                app.register.append(EntryKind.FINDING, finding, now)
                warn(ending_line(ending, now.date()))
    except PradrillError as error:
        warn(f"commitments that end cannot be told: {error}")


def find_due(app: App, project: Project) -> list[Due]:
    """Return the services that are due now: by the calendar, or since their last finished run."""
    now = app.clock.now()
    last = _last_finished(app.store.last_finished())
    by_calendar: dict[str, Date] = {}
    try:
        by_calendar = dict(Calendar(app, project.plan).due(now))
    except PradrillError as error:
        warn(f"what is due by the calendar cannot be told: {error}")

    due = []
    for name, service in project.plan.services.items():
        before, date = last.get(name), by_calendar.get(name)
        drills = _drills_of(project, name)
        if date is not None:
            due.append(Due(name, drills, before, date.due, date.end))
        elif service.drill_on is None and service.drill_every is not None:
            since = due_after(service.drill_every, before) if before else None
            if since is None or since <= now:
                due.append(Due(name, drills, before, since))

    return due


def _last_finished(records: Iterable[RunRecord]) -> dict[str, datetime]:
    last: dict[str, datetime] = {}
    for record in records:
        if record.finished and not record.launch.rehearsal:
            for name in record.plan.services:
                last[name] = max(record.started, last.get(name, record.started))
    return last


def _drills_of(project: Project, service: str) -> tuple[str, ...]:
    return tuple(
        name
        for name, loaded in project.drills.items()
        if service in loaded.drill.services and loaded.drill.unattended
    )


def _launch(app: App, project: Project, start: datetime, *, scheduled: bool) -> int:
    codes: list[int] = [ExitCode.RECORD] if app.in_doubt else []
    listed = app.clock.now()
    due = find_due(app, project)
    if scheduled:
        due = _left_for_today(app, due)
    for item in due:
        if not item.drills:
            why = f"{item.service} is due and no unattended drill covers it"
            hint = "HINT: Write a drill for it with unattended: true."
            _tell_unstarted(app, why, hint, services=[item.service], code=ExitCode.NOT_READY)
            codes.append(ExitCode.NOT_READY)

    for name in dict.fromkeys(drill for item in due for drill in item.drills):
        still = [item for item in due if name in item.drills and _is_open(item, app.clock.now())]
        if not still or _ran_meanwhile(app, name, listed):
            continue

        loaded = project.drills[name]
        try:
            with attempting(app, name, loaded.drill.services, trigger="due"):
                since = [item.since for item in still if item.since]
                plan = app.plan(project, loaded)
                record = carry_out(app, plan, trigger="due", due=min(since, default=None))
        except PradrillError as error:
            services = [*loaded.drill.services]
            _tell_unstarted(app, f"{name}: {error}", services=services, code=error.exit_code)
            codes.append(error.exit_code)
            continue

        tell(app, record)
        tell_news(app, start)
        codes.append(record.exit_code)
        if record.signal is not None:
            break

    return worst(codes)


def _is_open(item: Due, now: datetime) -> bool:
    """Tell whether its drill may begin now: those before it may have taken hours."""
    return item.end is None or now < item.end


def _ran_meanwhile(app: App, drill: str, since: datetime) -> bool:
    """Tell whether somebody's run of a drill has come to its end while others were running here."""
    return any(
        entry.kind is EntryKind.RUN
        and entry.at >= since
        and entry.body.get("drill") == drill
        and has_finished(entry.body)
        and not entry.body.get("rehearsal")
        for entry in app.register.entries()
    )


def _left_for_today(app: App, due: list[Due]) -> list[Due]:
    """Leave out what is due by drill_every and was tried within a day."""
    last: dict[str, datetime] = {}
    for entry in app.register.entries():
        with suppress(ValidationError):
            last.update((service, trial.began) for service, trial in trials_of(entry))
    now = app.clock.now()
    today = {name for name, at in last.items() if now - _A_DAY < at <= now}  # or by a wrong clock
    return [item for item in due if item.end or item.service not in today]


def _tell_unstarted(app: App, *lines: str, services: list[str], code: int) -> None:
    """Say why something that is due was not run; with --json in a line like that of a run."""
    text = app.secrets.masker.text("\n".join(lines))
    if app.for_programs:
        facts = {"run_id": None, "services": services, "verdict": None, "exit_code": code}
        print_line(app.args, {**facts, "because": text})
    else:
        print(text)


def worst(codes: Iterable[int]) -> int:
    """Return the code with the highest rank; an unknown one is worst."""
    return max(codes, key=ExitCode.rank_of, default=ExitCode.PASSED)
