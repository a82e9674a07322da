"""`pradrill metrics`: how the services stand for Prometheus, its alert rules, a dashboard."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from pradrill.app.reading import StateReader, warn
from pradrill.app.shipped import monitoring
from pradrill.cli.json_output import json_argument, print_json
from pradrill.errors import ExitCode, UsageError

EXAMPLE = "pradrill metrics --output /var/lib/prometheus/node-exporter/pradrill.prom"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="write them there, for the textfile collector; its name must end in .prom",
    )
    what.add_argument("--rules", action="store_true", help="print alert rules for Prometheus")
    what.add_argument("--dashboard", action="store_true", help="print a dashboard for Grafana")
    json_argument(parser, "print for programs where it is, or the text of what is shipped")


def run(args: Namespace) -> int:
    """Write the file, or print one of those that are shipped."""
    if args.rules or args.dashboard:
        name = "alerts.yml" if args.rules else "dashboard.json"
        text = (monitoring() / name).read_text(encoding="utf-8")
        if args.json:
            print_json(args, {"name": name, "text": text})
        else:
            print(text, end="")
        return ExitCode.PASSED

    if args.output.suffix != ".prom":
        raise UsageError(
            f"{args.output} would not be read: its name does not end in .prom",
            hint="The textfile collector reads no other files.",
        )
    from pradrill.adapters.metrics.textfile import write_metrics  # noqa: PLC0415 shown files need none
    from pradrill.app.status.reading import read_status  # noqa: PLC0415 likewise

    reading = read_status(StateReader(args))
    write_metrics(reading.status, args.output.absolute())
    if args.json:
        print_json(args, {"output": args.output.absolute()})
    for error in reading.damaged:
        warn(str(error))
    return ExitCode.PASSED if reading.status.damage is None else ExitCode.RECORD
