"""`pradrill schema`: JSON Schema for editors and readers, and the tables of every key."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from pradrill.config.key_tables import key_tables
from pradrill.config.schema import KINDS, MODELS, json_schema
from pradrill.errors import ExitCode, UsageError

EXAMPLE = "pradrill schema drill > drill.schema.json"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("kind", choices=KINDS, nargs="?", default="drill")
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
    """Print the schema of what people write, or of what is recorded."""
    if args.format == "md":
        if args.kind not in MODELS:
            raise UsageError(
                f"there are no tables of the keys of a {args.kind}: people do not write one",
                hint="Leave out --format md.",
            )
        print(key_tables(args.kind), end="")
    else:
        print(json.dumps(json_schema(args.kind), indent=2))
    return ExitCode.PASSED
