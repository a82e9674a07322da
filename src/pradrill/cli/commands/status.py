"""`pradrill status`: one screen, each service in one word, the worst first."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import ArgumentParser, Namespace

from pradrill.app.reading import StateReader, warn
from pradrill.app.status.reading import StatusReading, read_status
from pradrill.domain.dossier.status_of import narrowed
from pradrill.errors import ExitCode, UsageError
from pradrill.reporting.language.formats import line
from pradrill.reporting.text.status import status_lines

EXAMPLE = "pradrill status --monitor --service moodle"
_UNWATCHED_WIDTH = 120


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print it for programs, with its format")
    form.add_argument(
        "--monitor",
        action="store_true",
        help="as a plugin of Nagios, Icinga, Centreon or Zabbix: exit code 0, 1, 2 or 3, one line, "
        "performance data",
    )
    parser.add_argument(
        "--service", metavar="NAME", action="append", default=[], help="of this service only"
    )


def run(args: Namespace) -> int:
    """Print how the services stand; what cannot be read is told."""
    if args.monitor:
        from pradrill.app.status.monitor import plugin_answer  # noqa: PLC0415 few ask for it

        answer = plugin_answer(lambda: _reading(args).status)
        print(*answer.lines, sep="\n")
        return answer.state

    reading = _reading(args)
    status = reading.status
    if args.json:
        print(status.model_dump_json(indent=1))
    else:
        watched = sys.stdout.isatty()
        width = shutil.get_terminal_size().columns if watched else _UNWATCHED_WIDTH
        coloured = watched and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        print(*status_lines(status, width, coloured=coloured), sep="\n")
    for error in reading.damaged:
        warn(str(error))
    return ExitCode.PASSED if status.damage is None else ExitCode.RECORD


def _reading(args: Namespace) -> StatusReading:
    """Read the status of the services that were asked for. Raises UsageError."""
    reading = read_status(StateReader(args))
    names = [each.service for each in reading.status.services]
    for name in args.service:
        if name not in names:
            from pradrill.config.loader import suggestion  # noqa: PLC0415 with all of YAML

            raise UsageError(
                f'the plan has no service "{line(name, 80)}"', hint=suggestion(name, names)
            )
    return reading._replace(status=narrowed(reading.status, args.service))
