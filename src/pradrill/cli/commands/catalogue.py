"""`pradrill catalogue`: the backups of a drill, which one it would take, and the worst case."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any, NamedTuple

from pradrill.app.backup_watch import catalogue_of, points_of, watch_backups
from pradrill.app.composition import App
from pradrill.cli.json_output import json_argument, print_line
from pradrill.domain.declared.backup_source import RecoveryPointSpec, listed
from pradrill.domain.run.backup_catalogue import Catalogue, CatalogueReading, read
from pradrill.errors import ConfigurationError, ExitCode, NotReadyError, UsageError
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
        return watch_backups(app, app.project(args.drill), print)
    if args.drill is None:
        raise UsageError("no drill is named", hint="Name one, or watch all: catalogue --watch.")
    plan = app.plan_of(args.drill)
    declared = points_of(plan.drill)
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


class _Found(NamedTuple):
    """A branch's catalogue, and what a drill would take, or why nothing."""

    service: str | None
    catalogue: Catalogue
    reading: CatalogueReading | None
    refusal: NotReadyError | None


def _look(app: App, service: str | None, spec: RecoveryPointSpec) -> _Found:
    catalogue = catalogue_of(app, spec)
    try:
        reading = read(catalogue, spec.select, spec.window, spec.promised)
    except NotReadyError as error:
        return _Found(service, catalogue, None, error)
    return _Found(service, catalogue, reading, None)


def _as_json(look: _Found) -> dict[str, Any]:
    return {
        "service": look.service,
        "catalogue": look.catalogue.model_dump(mode="json"),
        "reading": look.reading.model_dump(mode="json") if look.reading else None,
        "refusal": look.refusal.message if look.refusal else None,
    }
