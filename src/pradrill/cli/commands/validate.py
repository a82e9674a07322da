"""`pradrill validate`: check the plan, the drills, and all that they name."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.app.composition import App
from pradrill.config.checks.plays import ask_ansible
from pradrill.config.problems import ConfigurationProblemsError
from pradrill.errors import ExitCode

EXAMPLE = "pradrill validate"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("drill", nargs="?", help="one drill, by name or file (default: all)")


def run(args: Namespace) -> int:
    """Load everything; the problems, if any, are raised all at once."""
    house = App(args).house(args.drill)
    asked = ask_ansible(house)
    if asked.problems:
        raise ConfigurationProblemsError(asked.problems)
    names = ", ".join(house.drills) or "none"
    print(f"{house.folder}: the plan (version {house.plan.plan}) and its drills are valid: {names}")
    for word in asked.passed_over:
        print(word)
    return ExitCode.PASSED
