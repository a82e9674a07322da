"""`pradrill catalogue`: the backups of a drill, which one it would take, and the worst case."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any, NamedTuple

from pradrill.app.composition import App
from pradrill.app.tools import source
from pradrill.cli.commands.plan import resolve_one
from pradrill.cli.json_output import json_argument, print_line
from pradrill.domain.declared.backup_source import RecoveryPointSpec, listed
from pradrill.domain.run.backup_catalogue import Catalogue, CatalogueReading, read
from pradrill.errors import ConfigurationError, ExitCode, NotReadyError
from pradrill.ports import Bounds
from pradrill.reporting.text.screens import open_console, show_catalogue

EXAMPLE = "pradrill catalogue moodle"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("drill", help="name or file of a drill")
    json_argument(parser, "print it for programs, one line for each service")


def run(args: Namespace) -> int:
    """Read and print the catalogue; exit with 4 when the drill would find nothing to restore."""
    app = App(args)
    plan = resolve_one(app, args.drill)
    ways = plan.drill.ways.items()
    declared = {service: way.recovery_point for service, way in ways if way.recovery_point}
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
    catalogue = source(app, spec).catalogue(Bounds(spec.deadline.total_seconds()))
    catalogue = Catalogue.model_validate(
        app.secrets.masker.facts(catalogue.model_dump(mode="json"))
    )
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
