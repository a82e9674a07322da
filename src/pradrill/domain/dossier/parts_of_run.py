"""Take from a record what a status needs of it."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.domain.dossier.attempt import Attempt, Ending, Setting, attempt_of, settings_of
from pradrill.domain.dossier.project_facts import ProofPlace
from pradrill.domain.dossier.run_parts import ProvenPoint, RunPart, RunParts
from pradrill.domain.run.ending import Verdict
from pradrill.domain.run.record import Recovery, RunRecord
from pradrill.domain.run.run_plan import RunPlan

_CONCLUSIVE = {
    Ending.PASSED: Verdict.PASSED,
    Ending.MISSED: Verdict.MISSED,
    Ending.FAILED: Verdict.FAILED,
}


def parts_of(record: RunRecord) -> RunParts:
    """Return how a run ended for each service; of a rehearsal nothing is a conclusion."""
    attempt = attempt_of(record, None)
    return RunParts(
        run_id=record.run_id,
        drill=attempt.drill,
        verdict=record.verdict,
        parts=tuple(
            _part(setting, part, record.recovery_of(setting.service))
            for setting, part in attempt.apart()
        ),
    )


def places_of(plan: RunPlan) -> Iterator[ProofPlace]:
    """Return what a drill would prove."""
    return map(_place, settings_of(plan.drill))


def _part(setting: Setting, attempt: Attempt, recovery: Recovery) -> RunPart:
    reading, point = recovery.catalogue, recovery.recovery_point
    catalogue_time = recovery.catalogue_time.at if recovery.catalogue_time else None
    return RunPart(
        place=_place(setting),
        verdict=_CONCLUSIVE.get(attempt.ending),
        rta=attempt.rta.high if attempt.rta else None,
        rpa=attempt.rpa.high if attempt.rpa else None,
        point=ProvenPoint(
            at=point.at if point else None,
            provenance=point.provenance.value if point else None,
            backup_id=recovery.backup_id or (reading.selected.id if reading else None),
            backup_time=catalogue_time or (reading.selected.data_time if reading else None),
            source=reading.source if reading else None,
            location=reading.location if reading else None,
        ),
    )


def _place(setting: Setting) -> ProofPlace:
    return ProofPlace(
        service=setting.service,
        scenario=setting.scenario,
        standby=setting.standby,
        lab=setting.lab,
    )
