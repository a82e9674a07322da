"""Tell what wants attention: what went wrong, what is silent, what ends soon."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import NamedTuple

from pradrill.domain.declared.notice import SOON
from pradrill.domain.dossier.outbox import ChannelFailure
from pradrill.domain.dossier.status import GOES_ON, Alarm, AlarmKind, Level, ServiceStatus
from pradrill.domain.dossier.status_of import Grounds, is_overdue
from pradrill.domain.register.teardowns import owed


class LivingRun(NamedTuple):
    """A run whose process is alive."""

    run_id: str
    drill: str
    seconds: float
    """Since it began."""
    unrenewed: float | None
    """Seconds past the term of its leases, if they have run out while it holds its locks."""


class Watched(NamedTuple):
    """What the state directory shows beside the register."""

    living: Sequence[LivingRun]
    killed: Mapping[str, bool]
    """Runs without a record whose process is gone, and whether each may go on."""
    damage: str | None
    unpublished: str | None
    """Why the register's head is not where the plan publishes it."""
    silent: Mapping[str, ChannelFailure] = {}
    """Channels of the plan that tell nobody."""


def alarms_of(
    grounds: Grounds, services: Sequence[ServiceStatus], watched: Watched
) -> tuple[Alarm, ...]:
    """Return all that wants attention, the most urgent first."""
    alarms = [
        *_of_state(grounds, watched),
        *(alarm for each in watched.living for alarm in _of_living(each, grounds)),
        *_of_schedule(grounds, services, watched.living),
        *_of_findings(grounds),
        *_of_commitments(grounds),
    ]
    kinds = list(AlarmKind)
    return tuple(sorted(alarms, key=lambda alarm: (-alarm.level, kinds.index(alarm.kind))))


def _alarm(kind: AlarmKind, **values: object) -> Alarm:
    return Alarm.model_validate({"kind": kind, "level": kind.level, **values})


def _of_state(grounds: Grounds, watched: Watched) -> Iterator[Alarm]:
    if watched.damage is not None:
        yield _alarm(AlarmKind.DAMAGE, detail=watched.damage)
    for problem in grounds.facts.unreadable:
        yield _alarm(AlarmKind.UNREADABLE, detail=problem)
    for run_id, may_go_on in watched.killed.items():
        detail = GOES_ON if may_go_on else ""
        yield _alarm(AlarmKind.UNFINISHED, run_id=run_id, detail=detail)
    if watched.unpublished is not None:
        yield _alarm(AlarmKind.HEAD, detail=watched.unpublished)
    for name, failure in watched.silent.items():
        because = failure.because
        yield _alarm(AlarmKind.SILENT, detail=name, because=because, at=failure.since)
    for run in owed(grounds.register.entries):
        yield _alarm(
            AlarmKind.RESIDUE, run_id=run.run_id, at=run.ended, detail=", ".join(run.residue)
        )


def _of_living(run: LivingRun, grounds: Grounds) -> Iterator[Alarm]:
    yield _alarm(AlarmKind.RUNNING, run_id=run.run_id, seconds=run.seconds)
    longest = grounds.register.longest(run.drill)
    if longest is not None and run.seconds > longest:
        detail = str(round(longest))
        yield _alarm(AlarmKind.LONGER, run_id=run.run_id, seconds=run.seconds, detail=detail)
    if run.unrenewed is not None:
        yield _alarm(AlarmKind.STALE_LOCK, run_id=run.run_id, seconds=run.unrenewed)


def _of_schedule(
    grounds: Grounds, services: Iterable[ServiceStatus], living: Iterable[LivingRun]
) -> Iterator[Alarm]:
    cadences = {
        each.service: each.drill_every
        for each in services
        if each.drill_every and not each.drill_on
    }
    dates = grounds.register.missed_dates(cadences, grounds.now)
    unattended = {
        name
        for drill in grounds.facts.drills.values()
        if drill.unattended
        for name in drill.services
    }
    drills = grounds.facts.drills
    under_way = {
        name for run in living if run.drill in drills for name in drills[run.drill].services
    }
    for status in services:
        name = status.service
        for due in dates.get(name, ())[-1:]:
            many = str(len(dates[name]))
            yield _alarm(AlarmKind.MISSED_DATE, service=name, at=due, detail=many)
        if status.is_due and name not in dates and name not in under_way:
            yield _alarm(AlarmKind.OVERDUE, service=name, at=status.due)
        if (status.drill_every or status.drill_on) and name not in unattended:
            yield _alarm(AlarmKind.UNCOVERED, service=name)
        yield from _of_calendar(grounds, name)
        yield from _of_last_attempt(grounds, status)


def _of_calendar(grounds: Grounds, service: str) -> Iterator[Alarm]:
    view = grounds.calendar.of(service)
    if view is None:
        return
    if not view.is_watched:
        yield _alarm(AlarmKind.UNSCHEDULED, service=service, at=view.due)
    for miss in view.missed[-1:]:
        yield _alarm(
            AlarmKind.MISSED_DATE,
            service=service,
            at=miss.date.due,
            detail=str(len(view.missed)),
            because=miss.because,
        )


def _of_last_attempt(grounds: Grounds, status: ServiceStatus) -> Iterator[Alarm]:
    attempt = grounds.register.last_attempts.get(status.service)
    if attempt is not None and not attempt.concluded:
        yield _alarm(
            AlarmKind.INCONCLUSIVE,
            service=status.service,
            run_id=attempt.run_id,
            at=attempt.at,
            detail=attempt.what,
        )


def _of_findings(grounds: Grounds) -> Iterator[Alarm]:
    for finding in grounds.findings:
        if is_overdue(finding, grounds.now) and finding.due is not None:
            yield _alarm(
                AlarmKind.FINDING,
                at=datetime.combine(finding.due, time(), UTC),
                service=", ".join(finding.services) or None,
                detail=f"{finding.finding}: {finding.title}",
            )


def _of_commitments(grounds: Grounds) -> Iterator[Alarm]:
    for each in sorted(grounds.facts.commitments, key=lambda each: each.day):
        if each.day - grounds.now.date() <= SOON:
            ended = each.day < grounds.now.date()
            yield Alarm(
                kind=AlarmKind.ENDING,
                level=Level.CRITICAL if ended else Level.WARNING,
                at=datetime.combine(each.day, time(), UTC),
                provider=each.provider,
                detail=each.what,
            )
