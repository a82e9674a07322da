"""The recovery point, read from the restored data."""

from __future__ import annotations

from pradrill.domain.actuals import recovery_point
from pradrill.domain.facts import Event, Reading
from pradrill.domain.instants import parse_instant
from pradrill.domain.outcome import StepOutcome
from pradrill.domain.run_plan import PlannedStep
from pradrill.domain.timeline import Instant, Provenance
from pradrill.engine.context import Came, Context
from pradrill.engine.steps.backups import BACKUP_ID

CATALOGUE_TIME = "pradrill_catalogue_time"


def newest_data(context: Context, _step: PlannedStep) -> Came:
    """Read the newest data's instant; the backup catalogue's time stands beside it."""
    newest = context.way.verify.newest_data
    values = context.values()
    if newest.command is not None:
        there = context.there()
        at = context.tools.probe.read_instant(there.hosts[0], there, newest)
        source = newest.command
    else:
        text = str(values.get(newest.value or "", ""))
        at = parse_instant(text, newest.format, newest.timezone)
        source = f"value {newest.value} of the restore playbook"
    catalogue = values.get(CATALOGUE_TIME)
    dated = parse_instant(str(catalogue), "iso", None) if catalogue else None
    branch = context.facts.plan.branch(context.service)
    governs = dated
    chosen = context.own.catalogue
    if dated is None and chosen is not None:
        dated = chosen.selected.data_time
        governs = None if chosen.worst_case.continuous else dated  # logs go on after the backup
    chosen_id = chosen.selected.id if chosen else None
    clocks = context.facts.recovery_of(branch).skew.values()
    skew = max((skew.worst for skew in clocks), default=0.0)
    reading = Reading(
        point=recovery_point(at, interval=newest.interval, skew=skew, catalogue=governs),
        source=source,
        catalogue=Instant.known(dated, Provenance.MEASURED) if dated else None,
        backup_id=str(values[BACKUP_ID])[:128] if BACKUP_ID in values else chosen_id,
    )
    context.note(Event.READING, **reading.model_dump(mode="json"))
    return Came(StepOutcome.PASSED)
