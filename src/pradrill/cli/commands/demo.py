"""`pradrill demo`: a real recovery drill, on a lab that it builds itself."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, Namespace

from pradrill.app.attempt import attempting
from pradrill.app.composition import App
from pradrill.app.demo_lab import demo_lab, destroy, set_up
from pradrill.app.output import beside_deeds
from pradrill.app.program import program
from pradrill.app.progress import watch_lines
from pradrill.app.reading import warn
from pradrill.app.sabotage import faults_that_fit, sabotage
from pradrill.app.shipped import shipped
from pradrill.cli.arguments import verbose_argument
from pradrill.cli.commands.report import write_report
from pradrill.cli.json_output import json_argument, print_line
from pradrill.cli.watched_run import carry_out
from pradrill.errors import ExitCode, PradrillError
from pradrill.reporting.run.run_end import run_end
from pradrill.reporting.text.sabotage import sabotage_lines
from pradrill.reporting.text.summary import summary

_DRILL = "wordpress"


EXAMPLE = "pradrill demo"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--keep", action="store_true", help="leave the primary's backup server running afterwards"
    )
    parser.add_argument(
        "--sabotage",
        action="store_true",
        help="then damage copies of what was recovered, and see which faults the checks notice",
    )
    verbose_argument(parser)
    json_argument(parser, "print how it ended as a line of JSON")


def run(args: Namespace) -> int:
    """Destroy a primary, drill its recovery, tell how it went; return the drill's exit code."""
    share = shipped()
    if args.drills is None:
        args.drills = share / "drills"

    beside_deeds()
    app = App(args)
    say = _Teller()
    with app.lab.alone(), demo_lab(app, share / "playbooks", say, keep=args.keep) as demo:
        disruption = destroy(demo, set_up(demo))
        with attempting(app, _DRILL, trigger="demo") as attempt:
            plan = app.plan_of(_DRILL)
            attempt.know(plan)
            say("the drill starts")
            record = carry_out(app, plan, trigger="demo", disruption=disruption)

        if args.sabotage and record.exit_code == ExitCode.PASSED:
            say("the sabotage starts: it restores once more, and then damages copies")
            with watch_lines(app) as progress:
                entry = sabotage(app, plan, faults_that_fit(plan), progress, whole=True)
            if not args.json:
                print(*sabotage_lines(entry, whole=True), sep="\n", end="\n\n")

    folder = app.store.runs / record.run_id
    if args.json:
        print_line(args, run_end(record, folder))
    else:
        print(summary(record, folder, app.head(), program=program()), end="")
    try:
        report = write_report(app, record.run_id)
        if not args.json:
            print(f"Report: {report}")
    except PradrillError as error:  # the exit code is the record's
        warn(f"there is no report: {error}")

    return record.exit_code


class _Teller:
    """Tells each step of the demo, with the time since the start."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __call__(self, line: str) -> None:
        passed = int(time.monotonic() - self._start)
        print(f"{passed // 60:02d}:{passed % 60:02d}  {line}", file=sys.stderr, flush=True)
