"""`pradrill validate`: check the plan, the drills, and all that they name."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from pradrill.app.composition import App
from pradrill.app.vaults import closed_vaults
from pradrill.cli.json_output import json_argument, print_json
from pradrill.config.channels import absence
from pradrill.config.checks.plays import ask_ansible
from pradrill.config.checks.responsibilities import gap_problems, has_gaps, responsibility_remarks
from pradrill.config.loader import read_document
from pradrill.config.plan_file import plan_file
from pradrill.config.problems import ConfigurationProblemsError, Problem
from pradrill.config.project import Project
from pradrill.domain.declared.provider import endings
from pradrill.errors import ExitCode
from pradrill.reporting.language import formats as wording
from pradrill.reporting.text.commitments import ending_line

_FEW = 20  # more names than that are no line that anybody reads
EXAMPLE = "pradrill validate"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("drill", nargs="?", help="one drill, by name or file (default: all)")
    json_argument(parser)


def run(args: Namespace) -> int:
    """Load everything; the problems, if any, are told all at once."""
    try:
        return _validated(App(args), args)
    except ConfigurationProblemsError as error:
        if not args.json:
            raise
        print_json(args, {"valid": False, "problems": [each._asdict() for each in error.problems]})
        return error.exit_code


def _validated(app: App, args: Namespace) -> int:
    project = app.project(args.drill)
    answers = ask_ansible(project, app.secrets.resolve)
    gaps = list(_gaps(project)) if args.drill is None else []
    if answers.problems or gaps:
        raise ConfigurationProblemsError([*answers.problems, *gaps])

    today = app.clock.now().date()
    notes = [
        *answers.passed_over,
        *closed_vaults(app, project),
        *_absences(project),
        *(responsibility_remarks(project) if args.drill is None else ()),
        *(ending_line(ending, today) for ending in endings(project.plan.providers, today)),
    ]
    version, drills = project.plan.plan, list(project.drills)
    if args.json:
        facts = {"folder": project.folder, "plan": version, "drills": drills, "notes": notes}
        print_json(args, {"valid": True, **facts})
    else:
        print(f"{project.folder}: the plan (version {version}) and {_names_text(drills)}")
        print(*map(wording.line, notes), sep="\n", end="\n" if notes else "")

    return ExitCode.PASSED


def _gaps(project: Project) -> Iterator[Problem]:
    """Find what nobody answers for; the plan is read again for its lines, if there is anything."""
    if has_gaps(project.plan):
        yield from gap_problems(read_document(plan_file(project.folder)), project.plan)


def _absences(project: Project) -> Iterator[str]:
    notify = project.plan.notify
    if notify is not None and (why := absence(notify.program)) is not None:
        yield f"notify would tell nobody from here that a step waits: {why}"
    for channel in project.plan.notifications:
        if (why := absence(channel.program)) is not None:
            yield f"the channel {channel.name} would tell nobody from here: {why}"


def _names_text(drills: list[str]) -> str:
    if len(drills) > _FEW:
        return f"its {len(drills):,} drills are valid"
    return f"its drills are valid: {', '.join(drills) or 'none'}"
