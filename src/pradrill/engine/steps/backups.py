"""Choose the backup that is restored, before anything starts, and check that backups are sound."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pradrill.domain.declared.backup_source import RecoveryPointSpec
from pradrill.domain.run.backup_catalogue import RecoveryPoint, read
from pradrill.domain.run.backup_integrity import (
    IntegrityPart,
    IntegrityResult,
    Soundness,
    coverage,
    next_part,
)
from pradrill.domain.run.event import Event
from pradrill.domain.run.outcome import StepOutcome
from pradrill.domain.run.run_plan import PlannedStep
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.engine.context import Context, StepEnd, planned
from pradrill.ports import Bounds, RecoveryPointSource

POINT = "pradrill_recovery_point"
"""The variable that tells a restore playbook which backup to restore: its id."""

BACKUP_ID = "pradrill_backup_id"
"""The value in which a playbook may say which backup it restored."""

_OUTCOMES = {
    Soundness.SOUND: StepOutcome.PASSED,
    Soundness.DAMAGED: StepOutcome.FAILED,
    Soundness.UNPROVEN: StepOutcome.UNKNOWN,
}


def catalogue(context: Context, step: PlannedStep) -> StepEnd:
    """Read the catalogue and choose the backup that the drill restores."""
    declared, source = _declared(context)
    listing = source.catalogue(_bounds(context, step))
    reading = read(listing, declared.select, declared.window, declared.promised)
    context.note(Event.CATALOGUE, reading)
    chosen = reason(
        Code.BACKUP_CHOSEN, name=reading.selected.id, rule=reading.rule, why=reading.why
    )

    return StepEnd(StepOutcome.PASSED, chosen)


def integrity(context: Context, step: PlannedStep) -> StepEnd:
    """Check the backups themselves: the next part of them, or all."""
    declared, source = _declared(context)
    parts = planned(declared.integrity, "integrity").parts
    point = planned(selected(context), "a chosen backup")
    before = context.tools.checked.get(context.service, ())
    part = next_part(before, parts)
    checked = source.check(point, IntegrityPart(part, parts), _bounds(context, step))
    result = IntegrityResult(
        soundness=checked.soundness,
        method=checked.method,
        detail=checked.detail,
        source=declared.source.name,
        location=context.branch_facts.catalogue.location if context.branch_facts.catalogue else "",
        backup_id=point.id,
        at=context.tools.clock.now(),
        part=part,
        parts=parts,
        covered=0.0,
        full_on=None,
    )

    covered, full_on = coverage([*before, result], parts)
    result = result.model_copy(update={"covered": covered, "full_on": full_on})
    context.note(Event.INTEGRITY, result)
    text = f"{checked.method}: {checked.detail or checked.soundness}"

    return StepEnd(_OUTCOMES[checked.soundness], text)


def selected(context: Context) -> RecoveryPoint | None:
    """Return the backup that the run chose, if the drill declares where its backups are."""
    reading = context.branch_facts.catalogue
    return reading.selected if reading else None


def other_backup(point: RecoveryPoint | None, values: Mapping[str, Any]) -> Reason | None:
    """Say that a playbook tells of another backup than the chosen one, perhaps by a short id."""
    restored = str(values.get(BACKUP_ID, ""))
    if point is None or not restored or restored == point.id:
        return None
    if len(restored) >= 8 and point.id.startswith(restored):  # noqa: PLR2004 restic's short ids
        return None
    return reason(Code.OTHER_BACKUP, name=restored[:128], other=point.id)


def _declared(context: Context) -> tuple[RecoveryPointSpec, RecoveryPointSource]:
    declared = planned(context.way.recovery_point, "recovery_point")
    source = planned(context.tools.sources.get(context.service), "a source of backups")
    return declared, source


def _bounds(context: Context, step: PlannedStep) -> Bounds:
    return Bounds(step.deadline.total_seconds(), context.cancelled, context.journal.run_id)
