"""`pradrill schema`: JSON Schema for editors, and the tables of every key."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from pradrill.config.key_tables import key_tables
from pradrill.config.schema import json_schema
from pradrill.errors import ExitCode

EXAMPLE = "pradrill schema drill > drill.schema.json"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("kind", choices=("drill", "plan"), nargs="?", default="drill")
    parser.add_argument(
        "--format",
        choices=("json", "md"),
        default="json",
        help="json for editors, or md: a table of every key",
    )


def run(args: Namespace) -> int:
    """Print the schema of a drill or of the plan."""
    if args.format == "md":
        print(key_tables(args.kind), end="")
    else:
        print(json.dumps(json_schema(args.kind), indent=2))
    return ExitCode.PASSED
