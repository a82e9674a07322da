"""`pradrill proven`: the last proven recovery point of each service, so that it can be kept."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.app.reading import StateReader, warn
from pradrill.app.status.reading import read_proven
from pradrill.domain.dossier.proven_points import ProvenService
from pradrill.errors import ExitCode
from pradrill.reporting.language.formats import line

EXAMPLE = "pradrill proven --json --service moodle"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--json", action="store_true", help="print it for programs, with its format"
    )
    parser.add_argument(
        "--service", metavar="NAME", action="append", default=[], help="of this service only"
    )


def run(args: Namespace) -> int:
    """Print them; 4 when one was asked for that no run has proven."""
    proven = read_proven(StateReader(args))
    if args.service:
        services = tuple(each for each in proven.services if each.service in args.service)
        for name in sorted({*args.service} - {each.service for each in services}):
            warn(f"no proof of {line(name, 60)} is on record")
        proven = proven.model_copy(update={"services": services})

    if args.json:
        print(proven.model_dump_json(indent=1))
    else:
        for each in proven.services:
            print(_line(each))
        if not proven.services:
            print("no run has proven a recovery point yet")

    if proven.damage is not None:
        warn(f"not all of it can be relied on: {proven.damage}")
        warn("HINT: Keep older backups, too, until then: pradrill register verify.")
        return ExitCode.RECORD
    is_known = {each.service for each in proven.services} >= {*args.service}
    return ExitCode.PASSED if is_known else ExitCode.NOT_READY


def _line(proven: ProvenService) -> str:
    point = proven.recovery_point
    at = "not known" if point.at is None else f"{point.at:%Y-%m-%d %H:%M:%S} UTC"
    backup = line(f"{point.source or 'backup'} {point.backup_id or '(no id on record)'}", 120)
    return f"{line(proven.service, 60)}  {at}  {backup}  run {proven.run_id}"
