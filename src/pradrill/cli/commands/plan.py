"""`pradrill plan`: print every step that a drill would take, and touch nothing."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.app.composition import App
from pradrill.cli.json_output import json_argument, print_json
from pradrill.domain.run.run_plan import RunPlan
from pradrill.errors import ExitCode
from pradrill.reporting.text.screens import open_console, show_plan

EXAMPLE = "pradrill plan wordpress"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("drill", help="name or file of a drill")
    json_argument(parser)


def run(args: Namespace) -> int:
    """Print the resolved plan for people, or as JSON."""
    app = App(args)
    print_plan(app.masked(app.plan_of(args.drill)), args)
    return ExitCode.PASSED


def print_plan(plan: RunPlan, args: Namespace) -> None:
    """Print a plan for people, or for programs."""
    if args.json:
        print_json(args, plan.model_dump(mode="json"))
    else:
        show_plan(plan, open_console())
