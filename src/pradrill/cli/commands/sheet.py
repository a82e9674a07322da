"""`pradrill sheet`: whom to call and what to do, printed before it is needed."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from pradrill.app.composition import App
from pradrill.app.letterhead import letterhead
from pradrill.app.settle import swept
from pradrill.cli.commands.report import write_file
from pradrill.cli.json_output import json_argument, print_json
from pradrill.config.loader import suggestion
from pradrill.config.project import Project
from pradrill.domain.register.entry import RunEntry
from pradrill.domain.register.incident_history import all_incidents
from pradrill.domain.register.promises import unmeasured
from pradrill.domain.report.crisis_sheet import ProofOnSheet, crisis_sheet
from pradrill.domain.run.ending import Verdict
from pradrill.domain.run.question import CallStage
from pradrill.errors import ExitCode, PradrillError, UsageError
from pradrill.register.runs.entries import runs_of
from pradrill.reporting.crisis_sheet import sheet_html, sheet_pdf

_RUNS_WITH_CALLS = 20
"""So many of the last runs in which somebody called are read for what they measured."""

EXAMPLE = "pradrill sheet --lang fr --format pdf --output sheet.pdf"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("service", nargs="?", help="one service (default: all, one page each)")
    parser.add_argument(
        "--lang", choices=("fr", "en"), help="default: the plan's language, else that of $LANG"
    )
    parser.add_argument("--format", choices=("html", "pdf"), default="html", help="default: html")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="default: a file in STATE/sheets"
    )
    json_argument(parser, "say for programs where it is")


def run(args: Namespace) -> int:
    """Write the sheet and print where it is."""
    app = swept(App(args))
    project = app.project()
    services = project.plan.services
    if args.service not in {None, *services}:
        hint = suggestion(args.service, list(services))
        raise UsageError(f'the plan has no service "{args.service}"', hint=hint)

    path = write_sheet(app, project, args, only=args.service)
    if args.json:
        print_json(args, {"file": path})
    else:
        print(path)
    return ExitCode.RECORD if app.in_doubt else ExitCode.PASSED


def write_sheet(app: App, project: Project, args: Namespace, *, only: str | None = None) -> Path:
    """Write the sheet of all services, or of one; return where it is.

    `args`: format, language, and the file, if one was named.
    """
    now = app.clock.now()
    drills = {name: loaded.drill.services for name, loaded in project.drills.items()}
    sheet = crisis_sheet(
        project.plan,
        drills,
        _proofs(app),
        now=now,
        unmeasured=_unmeasured(app, project),
        only=only,
    )
    words = letterhead(app, args.lang)
    content = sheet_pdf(sheet, words) if args.format == "pdf" else sheet_html(sheet, words).encode()

    name = "-".join(("sheet", f"{now:%Y-%m-%d}", *([only] if only else ())))
    path: Path = args.output or app.state / "sheets" / f"{name}.{args.format}"
    write_file(path, content)
    return path


def _proofs(app: App) -> dict[str, ProofOnSheet]:
    """Return each service's newest run that passed; nobody's where the register is in doubt."""
    if app.in_doubt:
        return {}
    newest: dict[str, RunEntry] = {}
    for run_entry in runs_of(app.register):
        is_proof = run_entry.verdict == Verdict.PASSED and run_entry.refusal is None
        if is_proof and not run_entry.rehearsal:
            newest |= dict.fromkeys(run_entry.services, run_entry)
    return {service: _proof(app, service, entry) for service, entry in newest.items()}


def _unmeasured(app: App, project: Project) -> dict[str, tuple[CallStage, ...]]:
    """Return what each provider promises and nobody ever measured; all, where there is doubt."""
    incidents = () if app.in_doubt else all_incidents(app.register.entries())
    measured = set() if app.in_doubt else set(_measured(app, project))
    return {
        name: tuple(
            unmeasured(name, provider, [i for i in incidents if i.provider == name], measured)
        )
        for name, provider in project.plan.providers.items()
    }


def _measured(app: App, project: Project) -> Iterator[tuple[str, CallStage]]:
    """Yield the promises that the last runs of drills with a call have measured."""
    calling = {
        name
        for name, loaded in project.drills.items()
        if any(step.call for _, step in loaded.drill.manual())
    }
    runs = [each for each in runs_of(app.register) if each.drill in calling and not each.rehearsal]
    for run_entry in runs[-_RUNS_WITH_CALLS:]:
        try:
            measures = app.store.read(run_entry.run_id).sla
        except PradrillError:  # its record is gone or was changed: then it measured nothing
            continue
        yield from ((each.provider, each.stage) for each in measures if each.seconds is not None)


def _proof(app: App, service: str, entry: RunEntry) -> ProofOnSheet:
    try:
        rta = app.store.read(entry.run_id).recovery_of(service).rta
    except PradrillError:  # its record is gone or was changed: that it passed stands in the chain
        rta = None
    return ProofOnSheet(run_id=entry.run_id, at=entry.started, rta=rta)
