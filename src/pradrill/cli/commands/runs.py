"""`pradrill runs`: list the runs."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from pradrill import __version__
from pradrill.app.reading import StateReader
from pradrill.app.settle import swept
from pradrill.cli.json_output import json_argument
from pradrill.domain.run.run_line import RunLine
from pradrill.errors import ExitCode, RecordError
from pradrill.register.chain.lines import line_hash
from pradrill.register.runs.folders import is_locked
from pradrill.register.runs.line_index import run_lines
from pradrill.reporting.language.formats import line
from pradrill.reporting.text.runs import NOTHING, runs_table

EXAMPLE = "pradrill runs"
_UNWATCHED_WIDTH = 200


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    json_argument(parser, "print them for programs, one a line")


def run(args: Namespace) -> int:
    """Print one line a run, oldest first; damaged records are named and do not hide the rest."""
    app = swept(StateReader(args))
    damaged = _print_records(app) if args.json else _print_lines(app)

    for error in damaged:
        print(error, file=sys.stderr)

    return ExitCode.RECORD if damaged or app.in_doubt else ExitCode.PASSED


def _print_records(app: StateReader) -> list[RecordError]:
    records, damaged = app.store.readable()
    for record in records:
        print(record.model_dump_json())
    return damaged


def _print_lines(app: StateReader) -> list[RecordError]:
    sealed, others = app.folders.sealed_or_not()
    lines, damaged = run_lines(app.register, sealed, _derived, app.clock.now(), __version__)
    damaged += app.folders.without_record(others)
    alive = [folder for folder in others if is_locked(folder)]
    if lines:
        watched = sys.stdout.isatty()
        width = shutil.get_terminal_size().columns if watched else _UNWATCHED_WIDTH
        coloured = watched and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        print(*runs_table(lines, width, coloured=coloured), sep="\n")
    elif not alive:
        print(NOTHING)
    for folder in alive:
        print(f"{line(folder.name, 200)}  is running{_waits(folder)}")
    return damaged


# A list that is known needs neither records nor what people are asked.


def _derived(path: Path) -> tuple[RunLine, str]:
    """Return a record's line, and the SHA-256 of its file. Raises RecordError."""
    from pradrill.register.runs.enter import read_record  # noqa: PLC0415
    from pradrill.reporting.run.run_line import run_line  # noqa: PLC0415

    record, content = read_record(path)
    return run_line(record), line_hash(content)


def _waits(folder: Path) -> str:
    from pradrill.adapters.questions.files import FilePeople  # noqa: PLC0415

    question = FilePeople().waiting(folder)
    return f" and waits for {line(question.who, 80)}: pradrill answer" if question else ""
