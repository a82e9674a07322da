"""Share what the declarations of commands have in common. Imports nothing heavy."""

from __future__ import annotations

from argparse import ArgumentParser, RawDescriptionHelpFormatter, _SubParsersAction
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn, TypeAlias


class Parser(ArgumentParser):
    """Speaks as the rest does: one lower-case sentence, then a hint; exit code 2."""

    def error(self, message: str) -> NoReturn:
        """End with 2."""
        self.exit(2, f"{message}\nHINT: Read {self.prog} --help.\n")

    def format_help(self) -> str:
        """Return the help: its description in lines that fit, an example as it is typed."""
        from shutil import get_terminal_size  # noqa: PLC0415 only who asks for help waits for it
        from textwrap import fill  # noqa: PLC0415

        width = get_terminal_size().columns
        lines = (self.description or "").splitlines()
        self.description = "\n".join(fill(line, width) for line in lines) or None
        return super().format_help()


class CommandParser(Parser):
    """The parser of one command: its module is imported once the command is asked for."""

    def __init__(self, *, command: str, **options: Any) -> None:
        super().__init__(**options)
        self._command: str | None = command

    def declare(self) -> None:
        """Declare what the command takes, once."""
        if self._command is None:
            return

        module = import_module(f"pradrill.cli.commands.{self._command}")
        self._command = None
        self.set_defaults(handler=module.run)
        self.epilog = f"example:\n  {module.EXAMPLE}"
        module.arguments(self)

    def parse_known_args(self, *args: Any, **options: Any) -> Any:
        """Declare the command's arguments, then read them."""
        self.declare()
        return super().parse_known_args(*args, **options)


Commands: TypeAlias = "_SubParsersAction[Any]"  # argparse names it in private only


def subcommands(parser: ArgumentParser, kind: type[ArgumentParser] = Parser) -> Commands:
    """Return where a parser's commands are declared."""
    return parser.add_subparsers(
        title="commands", metavar="COMMAND", required=True, parser_class=kind
    )


def add(commands: Commands, name: str, about: str, example: str = "", **options: Any) -> Any:
    """Declare a command, or one of a command's own, and return its parser."""
    return commands.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=f"example:\n  {example}" if example else None,
        formatter_class=RawDescriptionHelpFormatter,
        **options,
    )


def run_argument(command: ArgumentParser) -> None:
    """Let a command name the run that it is about."""
    command.add_argument(
        "run", nargs="?", help="a run's id, or any part of it that is unique (default: the newest)"
    )


def verbose_argument(command: ArgumentParser) -> None:
    """Let a command say what it does where nobody watches."""
    command.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="say on stderr what it does, line by line, where that is no terminal; without it a "
        "run that passed prints nothing there",
    )


def signers_argument(command: ArgumentParser) -> None:
    """Let a reader name the keys that they trust."""
    command.add_argument(
        "--signers",
        type=Path,
        metavar="FILE",
        help="allowed_signers that you trust (default: the keys that the register names)",
    )
