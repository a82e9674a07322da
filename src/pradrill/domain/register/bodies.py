"""Name the model of what each kind of entry holds."""

from __future__ import annotations

from pradrill.domain.register.annotation import Annotation
from pradrill.domain.register.entry import (
    Acknowledgement,
    AttemptEntry,
    Damage,
    EntryKind,
    RunEntry,
    ScheduleMissed,
    ScheduleRule,
    Seals,
    Stamp,
    TeardownEntry,
)
from pradrill.domain.register.finding import Closure, Finding
from pradrill.domain.register.incident import IncidentStep
from pradrill.domain.register.sabotage import SabotageEntry
from pradrill.domain.values.model import Model

BODIES: dict[EntryKind, type[Model]] = {
    EntryKind.RUN: RunEntry,
    EntryKind.ATTEMPT: AttemptEntry,
    EntryKind.SCHEDULE_MISSED: ScheduleMissed,
    EntryKind.SCHEDULE: ScheduleRule,
    EntryKind.ANNOTATION: Annotation,
    EntryKind.FINDING: Finding,
    EntryKind.CLOSURE: Closure,
    EntryKind.INCIDENT: IncidentStep,
    EntryKind.SEALS: Seals,
    EntryKind.STAMP: Stamp,
    EntryKind.TEARDOWN: TeardownEntry,
    EntryKind.SABOTAGE: SabotageEntry,
    EntryKind.DAMAGE: Damage,
    EntryKind.ACKNOWLEDGEMENT: Acknowledgement,
}
