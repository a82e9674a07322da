"""`pradrill findings`: what runs and people showed to be wrong, the oldest first."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.app.reading import StateReader
from pradrill.app.settle import swept
from pradrill.cli.json_output import json_argument, print_line
from pradrill.domain.register.finding_history import open_findings
from pradrill.errors import ExitCode
from pradrill.reporting.text.findings import finding_line

EXAMPLE = "pradrill findings --all"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--all", action="store_true", help="the closed ones too")
    parser.add_argument("--service", metavar="NAME", help="of one service")
    json_argument(parser, "print them for programs, one a line")


def run(args: Namespace) -> int:
    """List the open findings, or all of them."""
    app = swept(StateReader(args))
    findings = app.findings()
    listed = findings if args.all else open_findings(findings)
    if args.service:
        listed = [finding for finding in listed if args.service in finding.services]

    for finding in listed:
        if args.json:
            print_line(args, finding.model_dump(mode="json"))
        else:
            print(finding_line(finding, app.clock.now()))

    if not listed and not args.json:
        print("no finding is on record" if args.all else "no finding is open")

    return ExitCode.RECORD if app.in_doubt else ExitCode.PASSED
