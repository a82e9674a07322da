"""`pradrill gc`: find what older runs have left anywhere, show it, and remove it."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable

from pradrill.app.composition import App
from pradrill.app.discreet_progress import DiscreetProgress
from pradrill.app.leftovers import leftovers
from pradrill.app.output import beside_deeds
from pradrill.app.progress import watch
from pradrill.app.settle import swept
from pradrill.cli.arguments import verbose_argument
from pradrill.cli.json_output import json_argument, print_json
from pradrill.errors import ExitCode
from pradrill.reporting.language.formats import line

EXAMPLE = "pradrill gc --yes"

_LONGEST = 400


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--yes", action="store_true", help="remove what is found, without asking: for cron"
    )
    verbose_argument(parser)
    json_argument(parser, "print it for programs, which are never asked")


def run(args: Namespace) -> int:
    """Show what is left of runs that are over, then remove it if somebody says so."""
    if args.yes:
        beside_deeds()
    app = swept(App(args))
    with watch(app) as progress:
        discreet = DiscreetProgress(progress, app.secrets.masker)
        lefts = leftovers(app, discreet)
        lines = [each for leftover in lefts for each in leftover.lines]
        if args.json:
            left = [each for leftover in lefts if args.yes for each in leftover.remove()]
            print_json(args, {"left": lines, "removed": args.yes, "still_there": left})
            return ExitCode.RESIDUE if left else ExitCode.PASSED

        _print(lines)
        if not lefts:
            print("nothing is left of any run that is over")
            return ExitCode.PASSED
        if not (args.yes or _agreed()):
            print("nothing was removed; remove it with: pradrill gc --yes")
            return ExitCode.PASSED
        left = [each for leftover in lefts for each in leftover.remove()]
    if left:
        print("still there:")
        _print(left)
        return ExitCode.RESIDUE
    print("all of it is removed")
    return ExitCode.PASSED


def _print(lines: Iterable[str]) -> None:
    for each in lines:
        print(line(each, _LONGEST))


def _agreed() -> bool:
    """Ask on a terminal; without one nobody has agreed."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    print("Remove all of it? [y/N] ", end="", flush=True)
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
