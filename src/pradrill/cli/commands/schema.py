"""`pradrill schema`: JSON Schema for editors, and the tables of every key."""

from __future__ import annotations

import json
from argparse import Namespace

from pradrill.config.key_tables import key_tables
from pradrill.config.schema import json_schema
from pradrill.errors import ExitCode


def run(args: Namespace) -> int:
    """Print the schema of a drill or of the plan."""
    if args.format == "md":
        print(key_tables(args.kind), end="")
    else:
        print(json.dumps(json_schema(args.kind), indent=2))
    return ExitCode.PASSED
