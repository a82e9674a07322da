"""`pradrill bundle`: a run's evidence in a folder that verifies without pradrill."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from pradrill.app.composition import App
from pradrill.app.settle import swept
from pradrill.cli.arguments import run_argument
from pradrill.cli.commands.register import tell
from pradrill.cli.json_output import json_argument
from pradrill.register.verification.bundle import make_bundle

EXAMPLE = "pradrill bundle --output /tmp/evidence"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    run_argument(parser)
    parser.add_argument(
        "--output", type=Path, metavar="FOLDER", required=True, help="a folder that is made"
    )
    json_argument(parser)


def run(args: Namespace) -> int:
    """Write the bundle, then verify what was written; 14 when it is not what was recorded."""
    app = swept(App(args))
    run_id, (_, heads) = app.store.find(args.run), app.published()
    published = [heads] if heads.strip() else []
    verified = make_bundle(
        app.register, [run_id], args.output, app.trusted(required=True), published
    )
    if not args.json:
        print(args.output)
    return tell(verified, args, folder=args.output)
