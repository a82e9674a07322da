"""`pradrill show`: print a run's record."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.app.damage import wrongs
from pradrill.app.reading import StateReader, warn
from pradrill.app.settle import swept
from pradrill.cli.arguments import run_argument
from pradrill.cli.json_output import json_argument
from pradrill.errors import ExitCode
from pradrill.reporting.run.doubt import doubts
from pradrill.reporting.text.screens import open_console, show
from pradrill.reporting.text.teardowns import teardown_lines

EXAMPLE = "pradrill show --json"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    run_argument(parser)
    json_argument(parser)


def run(args: Namespace) -> int:
    """Print the record for people, or as JSON."""
    app = swept(StateReader(args))
    record = app.store.read(app.store.find(args.run))
    wrong = wrongs(app, record.run_id)
    if args.json:
        print(record.model_dump_json(indent=1))
        for line in doubts(record.run_id, wrong):
            warn(line)
    else:
        show(record, open_console(), wrong)
        for line in teardown_lines(app.teardowns(record.run_id)):
            print(line)

    return ExitCode.RECORD if wrong else ExitCode.PASSED
