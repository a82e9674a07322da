"""`pradrill schema`: JSON Schema for editors."""

from __future__ import annotations

import json
from argparse import Namespace

from pradrill.config.schema import json_schema
from pradrill.errors import ExitCode


def run(args: Namespace) -> int:
    """Print the schema of a drill or of the plan."""
    print(json.dumps(json_schema(args.kind), indent=2))
    return ExitCode.PASSED
