"""`pradrill index`: a database for queries, made anew from the files."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.app.reading import StateReader
from pradrill.app.settle import swept
from pradrill.cli.json_output import json_argument, print_json
from pradrill.errors import ExitCode
from pradrill.register.index import content_of, write_index

EXAMPLE = "pradrill index --url postgresql:///pradrill"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--url", help="sqlite:///FILE or postgresql://HOST/DATABASE (default: STATE/index.sqlite)"
    )
    json_argument(parser)


def run(args: Namespace) -> int:
    """Write the index and say where it is."""
    app = swept(StateReader(args))
    content = content_of(app.register, app.store.readable()[0])
    place = write_index(content, args.url, app.state)
    if args.json:
        print_json(args, {"index": place})
    else:
        print(place)
    return ExitCode.PASSED
