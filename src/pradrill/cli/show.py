"""`pradrill show`: print a run's record."""

from __future__ import annotations

from argparse import Namespace

from pradrill.cli.sweeping import swept
from pradrill.cli.workplace import Workplace
from pradrill.errors import ExitCode
from pradrill.reporting.terminal import open_console, show


def run(args: Namespace) -> int:
    """Print the record for people, or as JSON."""
    place = swept(Workplace(args))
    record = place.store.read(place.store.find(args.run))
    if args.json:
        print(record.model_dump_json(indent=1))
    else:
        show(record, open_console())
    return ExitCode.PASSED
