"""What the checks of the shipped drills notice: the score of each, and how long a pass takes.

    .venv/bin/python tests/benchmarks/sabotage.py --state FOLDER [DRILL …]

The state is one that `pradrill demo --keep` has left, with the secrets of its drills in the
environment. Exits with 1 when a drill catches less than 95 % of the faults that fit it, or when
twenty of them would take more than fifteen minutes.
"""

from __future__ import annotations

import argparse
import sys
from argparse import Namespace
from pathlib import Path

from pradrill.app.composition import App
from pradrill.app.progress import LineProgress
from pradrill.app.sabotage import faults_that_fit, sabotage
from pradrill.cli.commands.plan import resolve_one
from pradrill.reporting.text.sabotage import sabotage_lines

AT_LEAST = 0.95
FAULTS = 20
SECONDS = 900.0
DRILLS = Path(__file__).parents[2] / "drills"


def main() -> int:
    """Sabotage each drill, print what it came to, and tell whether the promises are kept."""
    options = arguments()
    broken = 0
    for name in options.drill:
        app = App(Namespace(state=options.state, log=None, drills=options.drills))
        plan = resolve_one(app, name)
        faults = faults_that_fit(plan)
        entry = sabotage(app, plan, faults, LineProgress(app.clock), whole=True)
        print(*sabotage_lines(entry, whole=True), sep="\n")

        damages = sum(each.seconds for each in entry.faults)
        besides = (entry.ended - entry.began).total_seconds() - damages
        twenty = besides + damages / len(entry.faults) * FAULTS
        print(
            f"{len(entry.faults)} faults, {damages / len(entry.faults):.1f} s each; restoring and"
        )
        print(f"undamaged copies {besides:.0f} s: twenty faults take {twenty:.0f} s\n")
        broken |= (entry.score or 0.0) < AT_LEAST or twenty > SECONDS

    return int(broken)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="what the checks of the shipped drills notice")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--drills", type=Path, default=DRILLS)
    parser.add_argument("drill", nargs="*", default=["wordpress"])
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
