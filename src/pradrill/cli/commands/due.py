"""`pradrill due`: the quarterly drill. Which services are due, and their drills run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import datetime
from typing import Any

from pradrill.adapters.notifications.health_check import HealthPinger
from pradrill.app.attempt import attempting
from pradrill.app.backup_watch import watch_daily
from pradrill.app.composition import App
from pradrill.app.due import Due, find_due, left_for_today, ran_meanwhile
from pradrill.app.notifications.news import tell_news
from pradrill.app.output import beside_deeds
from pradrill.app.reading import warn
from pradrill.app.schedule import alone_at_the_schedule
from pradrill.app.silence import enter_silence
from pradrill.cli.arguments import verbose_argument
from pradrill.cli.json_output import json_argument, print_json, print_line
from pradrill.cli.watched_run import carry_out, tell
from pradrill.config.project import Project
from pradrill.errors import ExitCode, PradrillError

EXAMPLE = "pradrill due --run"


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

    enter_silence(app, project)
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
        enter_silence(app, project)
        code = _launch(app, project, start, scheduled=scheduled)
        if scheduled and code not in {ExitCode.INTERRUPTED, ExitCode.TERMINATED}:
            say = warn if app.for_programs else print
            code = ExitCode.worst([code, watch_daily(app, project, say)])
        tell_news(app, start, silence=True)
    finally:
        pinger.end(code)
    return code


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


def _launch(app: App, project: Project, start: datetime, *, scheduled: bool) -> int:
    codes: list[int] = [ExitCode.RECORD] if app.in_doubt else []
    listed = app.clock.now()
    due = find_due(app, project)
    if scheduled:
        due = left_for_today(app, due)
    for item in due:
        if not item.drills:
            why = f"{item.service} is due and no unattended drill covers it"
            hint = "HINT: Write a drill for it with unattended: true."
            _tell_unstarted(app, why, hint, services=[item.service], code=ExitCode.NOT_READY)
            codes.append(ExitCode.NOT_READY)

    for name in dict.fromkeys(drill for item in due for drill in item.drills):
        still = [item for item in due if name in item.drills and item.may_begin(app.clock.now())]
        if not still or ran_meanwhile(app, name, listed):
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

    return ExitCode.worst(codes)


def _tell_unstarted(app: App, *lines: str, services: list[str], code: int) -> None:
    """Say why something that is due was not run; with --json in a line like that of a run."""
    text = app.secrets.masker.text("\n".join(lines))
    if app.for_programs:
        facts = {"run_id": None, "services": services, "verdict": None, "exit_code": code}
        print_line(app.args, {**facts, "because": text})
    else:
        print(text)
