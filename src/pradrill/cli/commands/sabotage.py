"""`pradrill sabotage`: damage copies of a restored machine, and see which checks notice."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.app.composition import App
from pradrill.app.output import beside_deeds
from pradrill.app.progress import watch_lines
from pradrill.app.sabotage import changed_since, faults_that_fit, sabotage
from pradrill.cli.arguments import verbose_argument
from pradrill.cli.json_output import json_argument, print_json
from pradrill.domain.register.sabotage import sabotages
from pradrill.errors import ExitCode, UsageError
from pradrill.reporting.text.sabotage import fault_lines, last_lines, sabotage_lines

EXAMPLE = "pradrill sabotage wordpress"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "drill", nargs="?", help="name or file of a drill; without one, the last scores are listed"
    )
    parser.add_argument(
        "--list", action="store_true", help="list the faults that fit it, and touch nothing"
    )
    verbose_argument(parser)
    json_argument(parser)
    parser.add_argument(
        "--only",
        metavar="FAULT",
        action="append",
        default=[],
        help="try this fault alone, and enter no score; may be given several times",
    )


def run(args: Namespace) -> int:
    """Sabotage the drill, enter its score, and print what nothing caught."""
    app = App(args)
    if args.drill is None:
        return _list_scores(app, args)

    if not args.list:
        beside_deeds()
    plan = app.plan_of(args.drill)
    faults = faults_that_fit(plan, tuple(args.only))
    if args.list:
        fitting = [fault for each in faults.values() for fault in each]
        if args.json:
            print_json(args, {"faults": [each.model_dump(mode="json") for each in fitting]})
        else:
            print(*fault_lines(fitting), sep="\n")
        return ExitCode.PASSED

    with watch_lines(app) as progress:
        entry = sabotage(app, plan, faults, progress, whole=not args.only)

    if args.json:
        print_json(args, {**entry.model_dump(mode="json"), "score": entry.score})
    else:
        print(*sabotage_lines(entry, whole=not args.only), sep="\n")
    return ExitCode.PASSED if entry.score is not None else ExitCode.INCONCLUSIVE


def _list_scores(app: App, args: Namespace) -> int:
    if args.list or args.only:
        raise UsageError("which drill is not said", hint="Name one: pradrill sabotage DRILL.")
    last = sabotages(app.register.entries())
    stale = changed_since(app, last) if last and app.names_drills() else []
    if args.json:
        scores = [{**e.model_dump(mode="json"), "score": e.score} for e in last.values()]
        print_json(args, {"sabotages": scores, "changed_since": [*stale]})
    else:
        print(*last_lines([*last.values()], stale, app.clock.now()), sep="\n")
    return ExitCode.PASSED
