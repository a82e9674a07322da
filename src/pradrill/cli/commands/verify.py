"""`pradrill verify`: whether a bundle is what was recorded."""

from __future__ import annotations

from argparse import Namespace

from pradrill.cli.commands.register import read_text, tell
from pradrill.register.verification.bundle import verify_bundle


def run(args: Namespace) -> int:
    """Verify, as the bundle's VERIFY.txt does; 0 when all is what it was, 14 when not."""
    return tell(verify_bundle(args.bundle, read_text(args.signers) if args.signers else None))
