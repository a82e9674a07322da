"""`pradrill catalogue`: the backups of a drill, which one it would take, and the worst case."""

from __future__ import annotations

import json
from argparse import Namespace

from pradrill.cli.plan import resolve_one
from pradrill.cli.sources import source_of
from pradrill.cli.workplace import Workplace
from pradrill.domain.catalogue import Catalogue, CatalogueReading, read
from pradrill.errors import ConfigurationError, ExitCode, NotReadyError
from pradrill.ports import Bounds
from pradrill.reporting.terminal import open_console, show_catalogue


def run(args: Namespace) -> int:
    """Read and print the catalogue; exit with 4 when the drill would find nothing to restore."""
    place = Workplace(args)
    plan = resolve_one(place, args.drill)
    spec = plan.drill.recovery_point
    if spec is None:
        raise ConfigurationError(
            f"the drill {plan.drill.drill} declares no recovery_point",
            hint="Add recovery_point with restic, borg, pgbackrest, barman or dumps.",
        )
    source = source_of(spec.source, place.clock)
    catalogue = source.catalogue(Bounds(spec.deadline.total_seconds()))
    reading: CatalogueReading | None = None
    refusal: NotReadyError | None = None
    try:
        reading = read(catalogue, spec.select, spec.window, spec.promised)
    except NotReadyError as error:
        refusal = error
    if args.json:
        print(_as_json(catalogue, reading, refusal))
    else:
        show_catalogue(catalogue, reading, open_console())
    if refusal is not None:
        raise refusal
    return ExitCode.PASSED


def _as_json(
    catalogue: Catalogue, reading: CatalogueReading | None, refusal: NotReadyError | None
) -> str:
    told = {
        "catalogue": catalogue.model_dump(mode="json"),
        "reading": reading.model_dump(mode="json") if reading else None,
        "refusal": refusal.message if refusal else None,
    }
    return json.dumps(told, indent=1)
