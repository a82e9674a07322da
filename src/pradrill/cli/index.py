"""`pradrill index`: a database for queries, made anew from the files."""

from __future__ import annotations

from argparse import Namespace

from pradrill.cli.sweeping import swept
from pradrill.cli.workplace import Workplace
from pradrill.errors import ExitCode
from pradrill.register.index import content_of, write_index


def run(args: Namespace) -> int:
    """Write the index and say where it is."""
    place = swept(Workplace(args))
    content = content_of(place.register, place.store.readable()[0])
    print(write_index(content, args.url, place.state))
    return ExitCode.PASSED
