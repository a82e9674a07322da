"""`pradrill catalogue`: the backups of a drill, which one it would take, and the worst case."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any, NamedTuple

from pradrill.app.composition import App
from pradrill.app.reading import warn
from pradrill.app.tools import source
from pradrill.cli.commands.plan import resolve_one
from pradrill.cli.json_output import json_argument, print_line
from pradrill.domain.declared.backup_source import RecoveryPointSpec, listed
from pradrill.domain.declared.drill import Drill
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.finding_of_backup import finding_of_backup
from pradrill.domain.run.backup_catalogue import Catalogue, CatalogueReading, read
from pradrill.domain.run.backup_watch import suspicions
from pradrill.errors import (
    ConfigurationError,
    ExitCode,
    NotReadyError,
    PradrillError,
    UsageError,
)
from pradrill.ports import Bounds
from pradrill.reporting.language.formats import line
from pradrill.reporting.text.screens import open_console, show_catalogue

EXAMPLE = "pradrill catalogue moodle"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("drill", nargs="?", help="name or file of a drill; with --watch: all")
    form = parser.add_mutually_exclusive_group()
    json_argument(form, "print it for programs, one line for each service")
    form.add_argument(
        "--watch",
        action="store_true",
        help="open a finding when the newest backup is half as large as those before, took twice "
        "as long, or is late; say nothing else",
    )


def run(args: Namespace) -> int:
    """Read and print the catalogue; exit with 4 when the drill would find nothing to restore."""
    app = App(args)
    if args.watch:
        return _watch(app, args.drill)
    if args.drill is None:
        raise UsageError("no drill is named", hint="Name one, or watch all: catalogue --watch.")
    plan = resolve_one(app, args.drill)
    declared = _declared(plan.drill)
    if not declared:
        raise ConfigurationError(
            f"the drill {plan.drill.drill} declares no recovery_point",
            hint=f"Add recovery_point with {listed('or')}.",
        )

    looks = [_look(app, service, spec) for service, spec in declared.items()]
    if args.json:
        for each in looks:
            print_line(args, _as_json(each))
    else:
        for each in looks:
            show_catalogue(each.catalogue, each.reading, open_console())

    for each in looks:
        if each.refusal is not None:
            raise each.refusal

    return ExitCode.PASSED


def _declared(drill: Drill) -> dict[str | None, RecoveryPointSpec]:
    ways = drill.ways.items()
    return {service: way.recovery_point for service, way in ways if way.recovery_point}


def _watch(app: App, only: str | None) -> int:
    """Open a finding for each backup that is suspicious; one that could be read hides no other."""
    project = app.project(only)
    keys = {finding.key for finding in app.findings()}
    codes: list[int] = [ExitCode.PASSED]
    for name, loaded in project.drills.items():
        for service, spec in _declared(loaded.drill).items():
            services = loaded.drill.services if service is None else (service,)
            owners = (project.plan.services[each].owner for each in services)
            owner = next((each for each in owners if each), None)
            try:
                catalogue = _catalogue(app, spec)
            except PradrillError as error:
                warn(app.secrets.masker.text(f"{name}: {error}"))
                codes.append(error.exit_code)
                continue

            now = app.clock.now()
            for each in suspicions(catalogue, spec.promised):
                finding = finding_of_backup(each, name, services, owner, now)
                if finding.key not in keys:
                    app.register.append(EntryKind.FINDING, finding, now)
                    keys.add(finding.key)
                    print(line(f"{finding.title}: {finding.detail}", 400))

    return max(codes, key=ExitCode.rank_of)


class _Found(NamedTuple):
    """A branch's catalogue, and what a drill would take, or why nothing."""

    service: str | None
    catalogue: Catalogue
    reading: CatalogueReading | None
    refusal: NotReadyError | None


def _look(app: App, service: str | None, spec: RecoveryPointSpec) -> _Found:
    catalogue = _catalogue(app, spec)
    try:
        reading = read(catalogue, spec.select, spec.window, spec.promised)
    except NotReadyError as error:
        return _Found(service, catalogue, None, error)
    return _Found(service, catalogue, reading, None)


def _catalogue(app: App, spec: RecoveryPointSpec) -> Catalogue:
    catalogue = source(app, spec).catalogue(Bounds(spec.deadline.total_seconds()))
    return Catalogue.model_validate(app.secrets.masker.facts(catalogue.model_dump(mode="json")))


def _as_json(look: _Found) -> dict[str, Any]:
    return {
        "service": look.service,
        "catalogue": look.catalogue.model_dump(mode="json"),
        "reading": look.reading.model_dump(mode="json") if look.reading else None,
        "refusal": look.refusal.message if look.refusal else None,
    }
