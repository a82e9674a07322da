"""`pradrill run`: run a drill now."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Thread

from pradrill.app.attempt import attempting
from pradrill.app.composition import App
from pradrill.app.first_words import first_words
from pradrill.app.notifications.news import tell_news
from pradrill.app.output import beside_deeds
from pradrill.cli.arguments import verbose_argument
from pradrill.cli.commands.plan import print_plan
from pradrill.cli.json_output import json_argument
from pradrill.cli.typed import plain
from pradrill.cli.watched_run import carry_out, tell
from pradrill.config.once import one_reading
from pradrill.errors import ExitCode

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
        print_plan(app.masked(app.plan_of(args.drill)), args)
        return ExitCode.PASSED

    beside_deeds()
    rehearsal: bool = args.rehearsal
    attempt_made = attempting(app, args.drill, trigger="cli", rehearsal=rehearsal)
    with attempt_made as attempt, one_reading():
        drill = plain(args.drill)[-30:]
        reading = first_words(f"{drill}: reading the plan, the drill and its playbooks")
        with reading, _loading("pradrill.app.launch", "pradrill.app.progress"):
            plan = app.plan_of(args.drill)
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
