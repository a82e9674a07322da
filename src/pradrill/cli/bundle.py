"""`pradrill bundle`: a run's evidence in a folder that verifies without pradrill."""

from __future__ import annotations

from argparse import Namespace

from pradrill.cli.register import tell
from pradrill.cli.sweeping import swept
from pradrill.cli.workplace import Workplace
from pradrill.register.bundle import make_bundle


def run(args: Namespace) -> int:
    """Write the bundle, then verify what was written; 14 when it is not what was recorded."""
    place = swept(Workplace(args))
    verified = make_bundle(
        place.register, [place.store.find(args.run)], args.output, place.trusted()
    )
    print(args.output)
    return tell(verified)
