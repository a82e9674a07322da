"""Parse the command line. Imports nothing heavy: `--help` must answer at once."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter
from pathlib import Path

from pradrill import __version__
from pradrill.cli.arguments import CommandParser, Parser, add, subcommands
from pradrill.cli.registry import COMMANDS
from pradrill.errors import ExitCode

_DESCRIPTION = """\
Recovery drills that prove a recovery plan: restore real backups onto a standby,
verify the service, measure RTA and RPA against RTO and RPO, keep the evidence."""


def parser(*, declared: bool = False) -> ArgumentParser:
    """Return the parser of every command.

    `declared`: with all that each one takes, for man pages and completion; that imports them all.
    """
    top = Parser(
        prog="pradrill",
        description=_DESCRIPTION,
        epilog=_exit_codes(),
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
        command = add(commands, name, about, command=name)
        if declared:
            command.declare()

    return top


def _exit_codes() -> str:
    lines = (f"  {code.value:>3}  {code.meaning}" for code in ExitCode)
    return "\n".join(["exit codes (treat one that you do not know as a failure):", *lines])
