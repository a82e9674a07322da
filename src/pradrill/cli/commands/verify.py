"""`pradrill verify`: whether a bundle is what was recorded."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from pradrill.cli.arguments import signers_argument
from pradrill.cli.commands.register import read_text, tell
from pradrill.cli.json_output import json_argument
from pradrill.register.verification.bundle import verify_bundle

EXAMPLE = "pradrill verify /tmp/evidence"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's folder")
    signers_argument(parser)
    json_argument(parser)


def run(args: Namespace) -> int:
    """Verify, as the bundle's VERIFY.txt does; 0 when all is what it was, 14 when not."""
    verification = verify_bundle(args.bundle, read_text(args.signers) if args.signers else None)
    return tell(verification, args)
