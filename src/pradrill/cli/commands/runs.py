"""`pradrill runs`: list the runs."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace

from pradrill.adapters.questions.files import FilePeople
from pradrill.app.composition import App
from pradrill.app.settle import swept
from pradrill.errors import ExitCode, RecordError
from pradrill.reporting.language.formats import line
from pradrill.reporting.text.screens import open_console, show_runs

EXAMPLE = "pradrill runs"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--json", action="store_true", help="print them for programs, one a line")


def run(args: Namespace) -> int:
    """Print one line a run, oldest first; damaged records are named and do not hide the rest."""
    app = swept(App(args))
    records, damaged = app.store.readable()
    if args.json:
        for record in records:
            print(record.model_dump_json())
    else:
        alive = app.store.running()
        if records or not alive:
            show_runs(records, open_console())

        for journal in alive:
            question = FilePeople().waiting(journal.folder)
            waits = f" and waits for {line(question.who, 80)}: pradrill answer" if question else ""
            print(f"{line(journal.run_id, 200)}  is running{waits}")

    for error in damaged:
        print(error, file=sys.stderr)

    return RecordError.exit_code if damaged else ExitCode.PASSED
