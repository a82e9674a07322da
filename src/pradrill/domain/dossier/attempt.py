"""Summarise every attempt at a drill in one line: what a dossier counts, draws and lists."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.plan import Objectives
from pradrill.domain.register.entry import AttemptEntry as Unbegun
from pradrill.domain.register.entry import Entry, RunEntry, ScheduleMissed
from pradrill.domain.run.outcome import Phase
from pradrill.domain.run.record import Refusal, RunRecord, RunState
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.timeline import Elapsed, Provenance

RESTORED_BYTES = "pradrill_restored_bytes"
"""The value by which a restore playbook may hand back how much it restored (set_stats)."""


class Ending(StrEnum):
    """What became of an attempt; each has exactly one. The first three came to a conclusion."""

    PASSED = "passed"
    MISSED = "missed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    INTERRUPTED = "interrupted"
    CRASHED = "crashed"
    NOT_READY = "not_ready"
    BUSY = "busy"
    NOT_STARTED = "not_started"  # ended before its run began: wrong configuration, or killed
    NOT_ATTEMPTED = "not_attempted"  # missed by the schedule: due, and nobody tried
    REHEARSED = "rehearsed"  # said beforehand to count for nothing, however it ended


CONCLUSIVE = (Ending.PASSED, Ending.MISSED, Ending.FAILED)
"""Tests: attempts that said something about the recovery."""


class Setting(NamedTuple):
    """What was proved where: a proof holds for this and for nothing else."""

    service: str
    scenario: str
    standby: str
    lab: bool


class Own(Model):
    """What an attempt came to for one of several services, against its own objectives."""

    ending: Ending
    reason: str = Field(default="", description="the first reason of its own verdict")
    standby: str
    rta: Elapsed | None
    rpa: Elapsed | None
    restored_bytes: float | None


class Attempt(Model):
    """One attempt, or a drill that was due and not attempted."""

    run_id: str | None = Field(description="none when no run began")
    drill: str
    services: tuple[str, ...]
    at: Utc = Field(description="when it began, or was due")
    ended: Utc | None = None
    ending: Ending
    reason: str = Field(default="", description="the first reason of the verdict")
    exit_code: int | None = None
    residue: bool = False
    scenario: str = ""
    standby: str = ""
    lab: bool = Field(default=False, description="the standby is a machine of the lab")
    trigger: str = ""
    goals: dict[str, Objectives] = Field(default={}, description="of each service, at that time")
    rta: Elapsed | None = None
    rpa: Elapsed | None = None
    restored_bytes: float | None = Field(
        default=None, description="as a playbook handed it back, else as the catalogue tells"
    )
    own: dict[str, Own] = Field(default={}, description="of each, where there are several")
    record_sha256: str | None = None
    record_missing: bool = Field(
        default=False, description="known from the register only: its record cannot be read"
    )

    @property
    def conclusive(self) -> bool:
        """Tell whether it said something about the recovery."""
        return self.ending in CONCLUSIVE

    @property
    def finished(self) -> bool:
        """Tell whether it came to its end by itself, which is what `pradrill due` asks."""
        return self.conclusive or self.ending is Ending.INCONCLUSIVE

    def of(self, service: str) -> Attempt:
        """Return the same attempt as it was for one service."""
        part = self.own.get(service)
        if part is None:
            return self
        return self.model_copy(
            update={
                "ending": part.ending,
                "reason": part.reason or self.reason,
                "standby": part.standby,
                "rta": part.rta,
                "rpa": part.rpa,
                "restored_bytes": part.restored_bytes,
            }
        )

    def apart(self) -> Iterator[tuple[Setting, Attempt]]:
        """Return what it was about and how it ended, one service at a time."""
        for service in self.services:
            part = self.of(service)
            yield Setting(service, self.scenario, part.standby, self.lab), part


def attempt_of(record: RunRecord, sha256: str | None) -> Attempt:
    """Return a record's line."""
    drill = record.plan.drill
    return Attempt(
        run_id=record.run_id,
        drill=drill.drill,
        services=tuple(record.plan.services),
        at=record.started,
        ended=record.ended,
        ending=_ending(record),
        reason=record.reasons[0].text if record.reasons else "",
        exit_code=record.exit_code,
        residue=bool(record.residue),
        scenario=drill.scenario.name,
        standby=standby_of(drill),
        lab=drill.standby.stand_in,
        trigger=record.launch.trigger,
        goals={name: service.objectives for name, service in record.plan.services.items()},
        rta=_telling(record.recovery.rta),
        rpa=_telling(record.recovery.rpa),
        restored_bytes=_restored(record, None),
        own={name: _part_of(record, name) for name in record.services}
        if drill.recover or len(record.services) > 1
        else {},
        record_sha256=sha256,
    )


def _part_of(record: RunRecord, service: str) -> Own:
    """Return what a run came to for a service; how the run as a whole ended comes first."""
    result, whole, drill = record.services[service], _ending(record), record.plan.drill
    finished = whole in {*CONCLUSIVE, Ending.INCONCLUSIVE} and not record.launch.dry_run
    return Own(
        ending=_OF_VERDICT[result.verdict] if finished else whole,
        reason=result.reasons[0].text if result.reasons and finished else "",
        standby=drill.recover[service].hosts if service in drill.recover else standby_of(drill),
        rta=_telling(result.recovery.rta),
        rpa=_telling(result.recovery.rpa),
        restored_bytes=_restored(record, service),
    )


def attempt_without_record(entry: Entry) -> Attempt:
    """Return the line of a run whose record is gone: the register still tells that it was."""
    run = RunEntry.model_validate(entry.body)
    return Attempt(
        run_id=run.run_id,
        drill=run.drill,
        services=run.services,
        at=run.started,
        ended=run.ended,
        ending=Ending.REHEARSED if run.rehearsal else Ending.INCONCLUSIVE,
        exit_code=run.exit_code,
        record_sha256=run.record_sha256,
        record_missing=True,
    )


def attempt_unbegun(entry: Entry) -> Attempt:
    """Return the line of an attempt that ended before there was a run."""
    unbegun = Unbegun.model_validate(entry.body)
    return Attempt(
        run_id=None,
        drill=unbegun.drill,
        services=unbegun.services,
        at=unbegun.began or entry.at,
        ending=Ending.REHEARSED if unbegun.rehearsal else Ending.NOT_STARTED,
        reason=unbegun.because,
        exit_code=unbegun.exit_code,
        trigger=unbegun.trigger,
    )


def attempt_missed(entry: Entry) -> Attempt:
    """Return the line of a drill that was due and not attempted."""
    missed = ScheduleMissed.model_validate(entry.body)
    return Attempt(
        run_id=None,
        drill="",
        services=(missed.service,),
        at=missed.due,
        ending=Ending.NOT_ATTEMPTED,
    )


def standby_of(drill: Drill) -> str:
    """Name where a drill recovers: the lab machines, or the hosts of the inventory."""
    return drill.standby.where


def settings_of(drill: Drill) -> Iterator[Setting]:
    """Return what a declared drill would prove."""
    for service in drill.services:
        way = drill.recover.get(service)
        standby = standby_of(drill) if way is None else way.hosts
        yield Setting(service, drill.scenario.name, standby, drill.standby.stand_in)


def order(attempt: Attempt) -> tuple[datetime, str]:
    """Sort attempts by when they began."""
    return attempt.at, attempt.run_id or ""


def _ending(record: RunRecord) -> Ending:
    if record.launch.rehearsal:
        return Ending.REHEARSED
    if record.refusal is not None:
        return Ending.BUSY if record.refusal is Refusal.BUSY else Ending.NOT_READY
    if record.state is RunState.INTERRUPTED:
        return Ending.INTERRUPTED
    if record.state is RunState.CRASHED:
        return Ending.CRASHED
    if record.state is not RunState.FINISHED or record.launch.dry_run:
        return Ending.INCONCLUSIVE

    return _OF_VERDICT[record.verdict]


_OF_VERDICT = {
    Verdict.PASSED: Ending.PASSED,
    Verdict.MISSED: Ending.MISSED,
    Verdict.FAILED: Ending.FAILED,
    Verdict.INCONCLUSIVE: Ending.INCONCLUSIVE,
}


def _telling(actual: Elapsed | None) -> Elapsed | None:
    """Return an actual that tells something: measured or entered, and not contradictory."""
    if actual is None or actual.provenance is Provenance.ASSUMED:
        return None
    return actual if actual.high >= 0 and actual.low <= actual.seconds <= actual.high else None


def _restored(record: RunRecord, service: str | None) -> float | None:
    """Add up what the restore playbooks say that they restored; else what the backup's size is."""
    steps = (step for step in record.steps if step.phase is Phase.RESTORE)
    values = [
        step.values.get(RESTORED_BYTES)
        for step in steps
        if service is None or step.service in {None, service}
    ]

    sizes = [_size(value) for value in values if value is not None]
    numbers = [size for size in sizes if size is not None]
    if sizes:
        return sum(numbers) if len(numbers) == len(sizes) else None

    catalogue = record.recovery_of(service).catalogue
    return None if catalogue is None else _size(catalogue.selected.size)


def _size(value: object) -> float | None:
    try:
        size = float(value) if isinstance(value, str | int | float) else -1.0
    except (ValueError, OverflowError):
        return None
    return size if 0 <= size < 1e18 else None  # noqa: PLR2004 an exabyte
