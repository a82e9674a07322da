"""Read the recovery point from the restored data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pradrill.domain.declared.drill import NewestData, Role
from pradrill.domain.run.event import Event, Reading
from pradrill.domain.run.outcome import StepOutcome
from pradrill.domain.run.recovery_point import BackupTimes, DataReading, weigh
from pradrill.domain.run.run_plan import PlannedStep
from pradrill.domain.values.instant_text import parse_instant
from pradrill.domain.values.reason import in_lines
from pradrill.domain.values.timeline import Instant, Mark, Provenance
from pradrill.engine.context import Context, StepEnd
from pradrill.engine.steps.backups import BACKUP_ID
from pradrill.errors import PradrillError, UnreachableError

CATALOGUE_TIME = "pradrill_catalogue_time"
CATALOGUE_END = "pradrill_catalogue_end"
REPLAY_POINT = "pradrill_replay_point"
"""Values that restore playbooks hand back: ISO 8601 instants with their zone."""


def newest_data(context: Context, _step: PlannedStep) -> StepEnd:
    """Read every source of newest data and weigh them; the catalogue's time stands beside.

    A source without an answer leaves the run inconclusive; the others are recorded all the same.
    """
    declared = dict(context.way.verify.readings)
    if _handed(context, REPLAY_POINT) and Role.REPLAY not in {d.role for d in declared.values()}:
        declared["log replay"] = NewestData(role=Role.REPLAY, value=REPLAY_POINT)

    readings, problems = _readings(context, declared)
    times, unread = _times_handed(context)
    problems += unread

    chosen, continuous = context.branch_facts.catalogue, False
    backup = BackupTimes(taken=times.get(CATALOGUE_TIME), ended=times.get(CATALOGUE_END))
    if backup.taken is None and chosen is not None:
        continuous = chosen.worst_case.continuous  # archived logs go on after the backup
        point = chosen.selected
        ended = point.end_time and _as_instant(context, point.end_time)
        backup = BackupTimes(taken=_as_instant(context, point.data_time), ended=ended)

    disruption = context.branch_facts.marks[Mark.DISRUPTION]
    against = BackupTimes() if continuous else backup
    weighed = weigh(readings, against, disruption=disruption, now=context.tools.clock.now())
    reading = Reading(
        point=weighed.point,
        source=next((r.source for r in readings if r.name == weighed.governing), ""),
        catalogue=backup.taken,
        backup_id=_handed(context, BACKUP_ID)[:128] or (chosen.selected.id if chosen else None),
        readings=tuple(readings),
        contradictions=weighed.contradictions,
        remarks=weighed.remarks,
    )

    context.note(Event.READING, reading)
    return StepEnd(StepOutcome.UNKNOWN if problems else StepOutcome.PASSED, in_lines(problems))


def _readings(
    context: Context, declared: Mapping[str, NewestData]
) -> tuple[list[DataReading], list[str]]:
    """Read each source; return what was read, and why the others could not be."""
    readings: list[DataReading] = []
    problems: list[str] = []
    for name, source in declared.items():
        try:
            readings.append(_read(context, name, source))
        except UnreachableError:
            raise
        except PradrillError as error:
            problems.append(f"{name}: {error.message}" if len(declared) > 1 else error.message)

    return readings, problems


def _times_handed(context: Context) -> tuple[dict[str, Instant], list[str]]:
    """Return the backup's times that a restore handed back, and what is wrong with others."""
    times: dict[str, Instant] = {}
    problems: list[str] = []
    for value in (CATALOGUE_TIME, CATALOGUE_END):
        if text := _handed(context, value):
            try:
                times[value] = _as_instant(context, parse_instant(text, "iso", None))
            except PradrillError as error:
                problems.append(f"{value}: {error.message}")

    return times, problems


def _read(context: Context, name: str, source: NewestData) -> DataReading:
    if source.command is not None:
        host, there = context.host(source.host), context.there()
        at = context.tools.probe.read_instant(host, there, source)
        place = source.command if len(there.hosts) == 1 else f"{source.command} on {host.name}"
    else:
        handed = _handed(context, source.value or "")
        at = parse_instant(handed, source.format, source.timezone)
        place = f"value {source.value} of the restore playbook"

    return DataReading(
        name=name,
        role=source.role,
        source=place,
        newest=_as_instant(context, at),
        interval=source.interval,
        quiet_for=source.quiet_for,
    )


def _as_instant(context: Context, at: datetime) -> Instant:
    """Return an instant of another machine's clock, as well as the clocks are known."""
    clocks = context.facts.skew_of(context.facts.plan.branch(context.service))
    skew = max((skew.worst for skew in clocks.values()), default=0.0)
    return Instant.around(at, Provenance.MEASURED, within=skew)


def _handed(context: Context, value: str) -> str:
    value_text = context.values().get(value)
    return "" if value_text is None else str(value_text)
