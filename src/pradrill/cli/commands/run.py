"""`pradrill run`: run a drill now."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from threading import Thread

from pradrill.app.attempt import attempting
from pradrill.app.composition import App
from pradrill.app.first_words import first_words
from pradrill.app.notifications.news import tell_news
from pradrill.app.output import beside_deeds
from pradrill.app.program import program
from pradrill.cli.arguments import verbose_argument
from pradrill.cli.commands.plan import print_plan, resolve_one
from pradrill.cli.json_output import json_argument, print_line
from pradrill.cli.typed import plain
from pradrill.config.once import one_reading
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.timeline import Instant, Provenance
from pradrill.engine.context import Disruption
from pradrill.errors import ExitCode
from pradrill.reporting.run.run_end import run_end
from pradrill.reporting.text.summary import summary

EXAMPLE = "pradrill run wordpress"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("drill", help="name or file of a drill")
    parser.add_argument("--dry-run", action="store_true", help="print the plan and touch nothing")
    parser.add_argument(
        "--rehearsal",
        action="store_true",
        help="a whole run, recorded, that counts for nothing: no proof, no finding, no due date",
    )
    verbose_argument(parser)
    json_argument(parser, "print how it ended as a line of JSON; the plan, with --dry-run")


def run(args: Namespace) -> int:
    """Run the drill, or print its plan; return the run's exit code."""
    app = App(args)
    start = app.clock.now()
    if args.dry_run:
        print_plan(app.masked(resolve_one(app, args.drill)), args)
        return ExitCode.PASSED

    beside_deeds()
    rehearsal: bool = args.rehearsal
    attempt_made = attempting(app, args.drill, trigger="cli", rehearsal=rehearsal)
    with attempt_made as attempt, one_reading():
        drill = plain(args.drill)[-30:]
        reading = first_words(f"{drill}: reading the plan, the drill and its playbooks")
        with reading, _loading("pradrill.app.launch", "pradrill.app.progress"):
            plan = resolve_one(app, args.drill)
        attempt.know(plan)
        record = carry_out(app, plan, trigger="cli", last=True, rehearsal=rehearsal)

    tell(app, record)
    tell_news(app, start, last=True)
    return record.exit_code


@contextmanager
def _loading(*modules: str) -> Iterator[None]:
    """Import meanwhile what the run itself needs: what is done here waits for Ansible."""
    thread = Thread(target=lambda: [*map(import_module, modules)])
    thread.start()
    try:
        yield
    finally:
        thread.join()


def carry_out(  # noqa: PLR0913 what a run may be told
    app: App,
    plan: RunPlan,
    *,
    trigger: str,
    disruption: Disruption | None = None,
    due: datetime | None = None,
    last: bool = False,
    rehearsal: bool = False,
) -> RunRecord:
    """Sweep crashed runs, then run the plan under whoever watches.

    `due`: by the schedule; `last`: its process does nothing after it but tell.
    """
    from pradrill.app.launch import launch, sweep  # noqa: PLC0415 see _loading
    from pradrill.app.progress import watch  # noqa: PLC0415

    if disruption is None:
        disruption = declared_disruption(plan)
    now = app.clock.now()
    since = (now - disruption.instant.at).total_seconds() if disruption else 0.0

    with watch(app, plan, since_disruption=since) as progress:
        sweep(app, progress)
        return launch(
            app,
            plan,
            progress,
            trigger=trigger,
            disruption=disruption,
            due=due,
            last=last,
            rehearsal=rehearsal,
        )


def declared_disruption(plan: RunPlan) -> Disruption | None:
    """Return the T0 that a person wrote into the drill, if it is not the launch."""
    declared = plan.drill.scenario.disruption
    if not isinstance(declared, datetime):
        return None
    return Disruption(Instant.around(declared, Provenance.ENTERED))


def tell(app: App, record: RunRecord) -> None:
    """Print the summary; say nothing when nobody watches and the drill passed.

    With --json: a line for programs, whoever watches.
    """
    if app.for_programs:
        print_line(app.args, run_end(record, app.store.runs / record.run_id))
        return

    watched = sys.stdout.isatty() or sys.stderr.isatty() or app.verbose
    if watched or record.exit_code != ExitCode.PASSED:
        folder = app.store.runs / record.run_id
        findings = app.open_findings(record)
        print(summary(record, folder, app.head(), findings, program()), end="")
