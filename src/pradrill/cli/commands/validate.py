"""`pradrill validate`: check the plan, the drills, and all that they name."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.app.composition import App
from pradrill.config.checks.plays import ask_ansible
from pradrill.config.checks.responsibilities import unshown_lines
from pradrill.config.problems import ConfigurationProblemsError
from pradrill.errors import ExitCode

_FEW = 20  # more names than that are no line that anybody reads
EXAMPLE = "pradrill validate"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("drill", nargs="?", help="one drill, by name or file (default: all)")


def run(args: Namespace) -> int:
    """Load everything; the problems, if any, are raised all at once."""
    project = App(args).project(args.drill)
    asked = ask_ansible(project)
    if asked.problems:
        raise ConfigurationProblemsError(asked.problems)
    version = project.plan.plan
    print(f"{project.folder}: the plan (version {version}) and {_named(list(project.drills))}")
    for word in asked.passed_over:
        print(word)
    for line in unshown_lines(project) if args.drill is None else ():
        print(line)
    return ExitCode.PASSED


def _named(drills: list[str]) -> str:
    if len(drills) > _FEW:
        return f"its {len(drills):,} drills are valid"
    return f"its drills are valid: {', '.join(drills) or 'none'}"
