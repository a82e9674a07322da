"""`pradrill due`: the quarterly drill. Which services are due, and their drills run."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from pradrill.app.attempt import attempting
from pradrill.app.composition import App
from pradrill.app.reading import warn
from pradrill.cli.arguments import verbose_argument
from pradrill.cli.commands.run import carry_out, tell
from pradrill.cli.json_output import json_argument, print_json, print_line
from pradrill.config.project import Project
from pradrill.domain.declared.provider import endings
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.finding_of_ending import finding_of_ending
from pradrill.domain.register.missed_dates import missed
from pradrill.domain.run.record import RunRecord, RunState
from pradrill.domain.values.duration import due_after
from pradrill.errors import ExitCode, PradrillError
from pradrill.reporting.text.commitments import ending_line


class Due(NamedTuple):
    """A service whose drill is due, the drills that cover it, and its last finished run."""

    service: str
    drills: tuple[str, ...]
    last: datetime | None
    since: datetime | None


EXAMPLE = "pradrill due --run"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--run",
        dest="launch",
        action="store_true",
        help="run their unattended drills, one after another; exit with the worst code",
    )
    verbose_argument(parser)
    json_argument(
        parser, "print what is due for programs; with --run how each run ended, a line each"
    )


def run(args: Namespace) -> int:
    """List what is due, or run it; return the worst exit code."""
    app = App(args)
    project = _project(app, launch=args.launch)
    app.settle()
    _enter_missed(app, project)
    _enter_endings(app, project)
    due = find_due(project, app.store.last_finished(), app.clock.now())
    if args.launch:
        return _launch(app, project, due)

    code = ExitCode.RECORD if app.in_doubt else ExitCode.PASSED
    if args.json:
        print_json(args, {"due": [_facts(item) for item in due]})
        return code

    for item in due:
        last = f"last finished run {item.last:%Y-%m-%d}" if item.last else "never drilled"
        drills = ", ".join(item.drills) or "no unattended drill covers it"
        print(f"{item.service}: due, {last}: {drills}")

    if not due:
        print("nothing is due")

    return code


def _facts(item: Due) -> dict[str, Any]:
    return {
        "service": item.service,
        "drills": item.drills,
        "last": item.last and item.last.isoformat(),
        "since": item.since and item.since.isoformat(),
    }


def _project(app: App, *, launch: bool) -> Project:
    """Load the project; that a launch found it wrong is an attempt too."""
    try:
        return app.project()
    except PradrillError:
        if launch:
            with attempting(app, "", trigger="due"):  # of which drill, nobody can tell
                raise

        raise


def _enter_missed(app: App, project: Project) -> None:
    """Enter the due dates that nobody attempted; a damaged register must not stop the drills."""
    services = project.plan.services.items()
    cadences = {name: service.drill_every for name, service in services if service.drill_every}
    now = app.clock.now()
    try:
        for miss in missed(cadences, app.register.entries(), now):
            app.register.append(EntryKind.SCHEDULE_MISSED, miss, now)
            warn(f"{miss.service} was due on {miss.due:%Y-%m-%d}, and nobody attempted its drill")
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


def find_due(project: Project, records: Iterable[RunRecord], now: datetime) -> list[Due]:
    """Return the services whose last finished run is older than `drill_every`, or missing."""
    last: dict[str, datetime] = {}
    for record in records:
        whole = record.state is RunState.FINISHED and record.refusal is None
        if whole and not record.launch.rehearsal:
            for name in record.plan.services:
                last[name] = max(record.started, last.get(name, record.started))

    due = []
    for name, service in project.plan.services.items():
        if service.drill_every is None:
            continue

        before = last.get(name)
        since = due_after(service.drill_every, before) if before else None
        if since is None or since <= now:
            drills = tuple(
                drill
                for drill, loaded in project.drills.items()
                if name in loaded.drill.services and loaded.drill.unattended
            )

            due.append(Due(name, drills, before, since))

    return due


def _launch(app: App, project: Project, due: list[Due]) -> int:
    codes: list[int] = [ExitCode.RECORD] if app.in_doubt else []
    for item in due:
        if not item.drills:
            why = f"{item.service} is due and no unattended drill covers it"
            hint = "HINT: Write a drill for it with unattended: true."
            _tell_unstarted(app, why, hint, services=[item.service], code=ExitCode.NOT_READY)
            codes.append(ExitCode.NOT_READY)

    for name in dict.fromkeys(drill for item in due for drill in item.drills):
        loaded = project.drills[name]
        try:
            with attempting(app, name, loaded.drill.services, trigger="due"):
                since = [item.since for item in due if name in item.drills and item.since]
                plan = app.plan(project, loaded)
                record = carry_out(app, plan, trigger="due", due=min(since, default=None))
        except PradrillError as error:
            services = [*loaded.drill.services]
            _tell_unstarted(app, f"{name}: {error}", services=services, code=error.exit_code)
            codes.append(error.exit_code)
            continue

        tell(app, record)
        codes.append(record.exit_code)
        if record.signal is not None:
            break

    return worst(codes)


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
