"""`pradrill catalogue`: the backups of a drill, which one it would take, and the worst case."""

from __future__ import annotations

import json
from argparse import Namespace

from pradrill.cli.plan import resolve_one
from pradrill.cli.sources import source_of
from pradrill.cli.workplace import Workplace
from pradrill.domain.catalogue import Catalogue, CatalogueReading, read
from pradrill.domain.recovery_source import RecoveryPointSpec
from pradrill.errors import ConfigurationError, ExitCode, NotReadyError
from pradrill.ports import Bounds
from pradrill.reporting.terminal import open_console, show_catalogue


def run(args: Namespace) -> int:
    """Read and print the catalogue; exit with 4 when the drill would find nothing to restore."""
    place = Workplace(args)
    plan = resolve_one(place, args.drill)
    ways = plan.drill.ways.items()
    declared = {service: way.recovery_point for service, way in ways if way.recovery_point}
    if not declared:
        raise ConfigurationError(
            f"the drill {plan.drill.drill} declares no recovery_point",
            hint="Add recovery_point with restic, borg, pgbackrest, barman or dumps.",
        )
    refusals = [_show(place, service, spec, args) for service, spec in declared.items()]
    for refusal in filter(None, refusals):
        raise refusal
    return ExitCode.PASSED


def _show(
    place: Workplace, service: str | None, spec: RecoveryPointSpec, args: Namespace
) -> NotReadyError | None:
    """Print one catalogue; return why nothing in it can be restored, if so."""
    catalogue = source_of(spec.source, place.clock).catalogue(Bounds(spec.deadline.total_seconds()))
    reading: CatalogueReading | None = None
    refusal: NotReadyError | None = None
    try:
        reading = read(catalogue, spec.select, spec.window, spec.promised)
    except NotReadyError as error:
        refusal = error
    if args.json:
        print(_as_json(service, catalogue, reading, refusal))
    else:
        show_catalogue(catalogue, reading, open_console())
    return refusal


def _as_json(
    service: str | None,
    catalogue: Catalogue,
    reading: CatalogueReading | None,
    refusal: NotReadyError | None,
) -> str:
    told = {
        "service": service,
        "catalogue": catalogue.model_dump(mode="json"),
        "reading": reading.model_dump(mode="json") if reading else None,
        "refusal": refusal.message if refusal else None,
    }
    return json.dumps(told, indent=1)
