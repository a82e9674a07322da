"""Tell which recovery points are proven: a backup job that knows them can keep them."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from pradrill.domain.dossier.run_parts import ProvenPoint
from pradrill.domain.dossier.tests_of_services import DrillTests, ServiceTest
from pradrill.domain.values.model import Model, Utc

PROVEN_FORMAT = 1


class ProvenService(Model):
    """The last run that passed for a service, and what it had restored."""

    service: str
    run_id: str
    drill: str
    proven_at: Utc = Field(description="when the run ended")
    recovery_point: ProvenPoint


class ProvenServices(Model):
    """Every service that a run has ever proven, as far as the records can be read."""

    format: int = PROVEN_FORMAT
    made: Utc
    services: tuple[ProvenService, ...]
    damage: str | None = Field(
        description="why nobody vouches for all of this: keep older backups, too"
    )


def proven_services(tests: Iterable[DrillTests]) -> tuple[ProvenService, ...]:
    """Return of each service the last proof, whatever drill it is of."""
    proofs: dict[str, ServiceTest] = {}
    for each in tests:
        best = proofs.get(each.service)
        if each.proof and (best is None or best.run.started < each.proof.run.started):
            proofs[each.service] = each.proof

    return tuple(
        ProvenService(
            service=name,
            run_id=proof.run.run_id,
            drill=proof.run.drill,
            proven_at=proof.run.ended,
            recovery_point=proof.part.point,
        )
        for name, proof in sorted(proofs.items())
    )
