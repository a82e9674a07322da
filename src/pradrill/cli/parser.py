"""What the command line accepts. Imports nothing heavy: `--help` must answer at once."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from pradrill import __version__
from pradrill.cli.arguments import CommandParser, Parser, add, subcommands
from pradrill.cli.registry import COMMANDS

_EXIT_CODES = """\
exit codes: 0 PASSED, 1 internal error, 2 usage, 3 configuration, 4 not ready, 5 busy,
            10 FAILED, 11 MISSED, 12 INCONCLUSIVE, 13 passed but residue left,
            14 record not written, or register changed, 15 changed as acknowledged,
            130/143 interrupted (after teardown)"""

_DESCRIPTION = """\
Recovery drills that prove a recovery plan: restore real backups onto a standby,
verify the service, measure RTA and RPA against RTO and RPO, keep the evidence."""


def parser() -> ArgumentParser:
    """Return the parser of every command."""
    top = Parser(
        prog="pradrill",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"pradrill {__version__}")
    top.add_argument(
        "--drills", type=Path, metavar="FOLDER", help="folder with plan.yml (default: ./drills)"
    )
    top.add_argument(
        "--state",
        type=Path,
        metavar="FOLDER",
        help="where runs are kept (default: $PRADRILL_STATE, /var/lib/pradrill for root, "
        "else ~/.local/state/pradrill)",
    )
    top.add_argument(
        "--log",
        metavar="FILE",
        help="where the JSON log of unwatched runs goes; - is stderr (default: STATE/log.jsonl)",
    )
    commands = subcommands(top, CommandParser)
    for name, about in COMMANDS.items():
        add(commands, name, about, command=name)
    return top
