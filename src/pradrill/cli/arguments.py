"""What the declarations of commands share. Imports nothing heavy."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter, _SubParsersAction
from typing import NoReturn, TypeAlias


class Parser(ArgumentParser):
    """Speaks as the rest does: one lower-case sentence, then a hint; exit code 2."""

    def error(self, message: str) -> NoReturn:
        """End with 2."""
        self.exit(2, f"{message}\nHINT: Read {self.prog} --help.\n")


Commands: TypeAlias = "_SubParsersAction[ArgumentParser]"  # argparse names it in private only


def subcommands(parser: ArgumentParser) -> Commands:
    """Return where a parser's commands are declared."""
    return parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=Parser
    )


def add(
    commands: Commands, name: str, about: str, example: str, module: str = ""
) -> ArgumentParser:
    """Declare a command that a module of its name, or `module`, carries out."""
    command = commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=f"example:\n  {example}",
        formatter_class=RawDescriptionHelpFormatter,
    )
    command.set_defaults(module=module or name)
    return command


def run_argument(command: ArgumentParser) -> None:
    """Let a command name the run that it is about."""
    command.add_argument(
        "run", nargs="?", help="a run's id, or any part of it that is unique (default: the newest)"
    )
