"""`pradrill schema`: JSON Schema for editors and readers, and the tables of every key."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from pradrill.config.key_tables import key_tables
from pradrill.config.schema import json_schema
from pradrill.errors import ExitCode, UsageError

EXAMPLE = "pradrill schema drill > drill.schema.json"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("kind", choices=("drill", "plan", "record"), nargs="?", default="drill")
    parser.add_argument(
        "--format",
        choices=("json", "md"),
        default="json",
        help="json for editors, or md: a table of every key",
    )
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="as --format json"
    )


def run(args: Namespace) -> int:
    """Print the schema of a drill, of the plan or of a record."""
    if args.format == "md":
        if args.kind == "record":
            raise UsageError(
                "there are no tables of a record's keys: people do not write one",
                hint="Leave out --format md.",
            )
        print(key_tables(args.kind), end="")
    else:
        print(json.dumps(json_schema(args.kind), indent=2))
    return ExitCode.PASSED
