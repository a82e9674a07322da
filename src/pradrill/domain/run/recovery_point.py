"""Weigh the readings of the restored data: the recovery point, and what does not fit together.

The rules, in order:

- A heartbeat or a log-replay point proves how far the data reaches; of several, the oldest
  governs. Business rows govern when there is neither, the oldest of several again.
- Rows behind that proof are a quiet service up to `quiet_for`: that is no loss, and no proof of
  none; the record's limits say so. Rows that are further behind govern themselves.
- The loss lies between the newest datum and the next one due (`interval`). Without an interval
  the next one is not known, so the RPA is an upper bound: the loss may be anything down to none.
- A backup takes time: it began before its oldest datum was read, which raises the upper bound,
  and until it ended it may have read something newer, or have held writes up with a lock, which
  lowers the lower one. Not so with a replay point: archived logs reach beyond the backup that
  they continue.

What cannot be true together becomes a contradiction. A critical one means that the instants
cannot be trusted, and the run is INCONCLUSIVE; with a major one the worse of the two governs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations

from pydantic import Field

from pradrill.domain.declared.drill import Role
from pradrill.domain.values.duration import Duration
from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Instant, Provenance

BACKUP_LASTS = timedelta(hours=1)
"""How long a backup is taken to last at most when nothing tells its end."""

QUIET_FROM = timedelta(minutes=1)
"""Rows that are closer than this to the heartbeat's interval are as new as the heartbeat."""


class DataReading(Model):
    """What one source of newest data said."""

    name: str
    role: Role
    source: str = Field(description="the command, or the value that was handed back")
    newest: Instant = Field(description="its newest datum, as well as the clocks are known")
    interval: Duration = timedelta(0)
    quiet_for: Duration = timedelta(days=1)

    @property
    def next_due(self) -> datetime:
        """Return by when the next datum would have been written, at the latest."""
        return self.newest.latest + self.interval


class BackupTimes(Model):
    """When the backup's catalogue says that it was taken, and complete."""

    taken: Instant | None = None
    ended: Instant | None = None


class Contradiction(Model):
    """Two instants that cannot both be right. Critical: the RPA cannot be trusted."""

    contradiction: str = Field(description="stable key, as in data-in-the-future")
    severity: Severity
    text: Reason


class Weighed(Model):
    """What the readings come to; `point` is None when none gave an answer."""

    point: Instant | None
    governing: str = Field(description="name of the reading that the recovery point is")
    contradictions: tuple[Contradiction, ...] = ()
    remarks: tuple[Reason, ...] = Field(default=(), description="what the readings do not prove")


def weigh(
    readings: Sequence[DataReading], backup: BackupTimes, *, disruption: Instant, now: datetime
) -> Weighed:
    """Return the recovery point, what contradicts it, and what it does not prove."""
    if not readings:
        return Weighed(point=None, governing="")

    rows = [each for each in readings if each.role is Role.BUSINESS]
    beats = [each for each in readings if each.role is Role.HEARTBEAT]
    replays = [each for each in readings if each.role is Role.REPLAY]
    if replays:
        backup = BackupTimes()  # the logs go on where the backup ends: it bounds nothing

    # What proves the point: a replay that certainly ended before every beat, else the beats, else
    # the rows; of several the oldest, because all of the service must come back.
    short = [each for each in replays if all(_certainly(each, beat) for beat in beats)]
    proof = _oldest(short or beats or rows)

    # Rows that lag by more than the service is ever quiet are a loss, whatever the proof says.
    behind = [row for row in rows if _behind(row, proof) > row.quiet_for]
    worst = _oldest(behind) if behind else proof

    return Weighed(
        point=_point(worst, proof, rows, backup, disruption),
        governing=worst.name,
        contradictions=(
            *_impossible(readings, disruption, now),
            *_against_backup(readings, backup),
            *_catalogue_too_late(backup, disruption),
            *_replay_too_short(replays, (*rows, *beats)),
            *_beats_apart(beats, backup),
            *_rows_apart(rows, proof),
        ),
        remarks=tuple(_remarks(rows, proof, disruption)),
    )


def _point(
    worst: DataReading,
    proof: DataReading,
    rows: Sequence[DataReading],
    backup: BackupTimes,
    disruption: Instant,
) -> Instant:
    # Lower bound: files are read while the backup goes on, so some may be as old as its beginning.
    earliest = worst.newest.earliest
    if backup.taken is not None:
        earliest = min(earliest, backup.taken.earliest)

    # Upper bound: nothing later than the disruption was saved; and a beat that did not come back
    # was not saved, unless rows newer than it show that the heartbeat itself had stopped.
    latest = disruption.latest
    if proof.interval and not any(row.newest.earliest > proof.next_due for row in rows):
        ended = proof.next_due if backup.ended is None else backup.ended.latest
        latest = min(latest, max(proof.next_due, ended))

    return Instant(
        at=worst.newest.at,
        earliest=earliest,
        latest=max(latest, proof.newest.latest, worst.newest.latest),
        provenance=Provenance.MEASURED,
    )


def _impossible(
    readings: Sequence[DataReading], disruption: Instant, now: datetime
) -> Iterator[Contradiction]:
    for each in readings:
        newer = each.newest.earliest
        if newer > now:
            why = reason(Code.IN_THE_FUTURE, reading=each.name, length=newer - now)
            yield _critical("data-in-the-future", why)
        elif newer > disruption.latest:
            after = newer - disruption.latest
            why = reason(Code.AFTER_DISRUPTION, reading=each.name, length=after)
            yield _critical("data-after-disruption", why)


def _against_backup(
    readings: Sequence[DataReading], backup: BackupTimes
) -> Iterator[Contradiction]:
    for each in readings:
        newer = each.newest.earliest
        if backup.ended is not None and newer > backup.ended.latest:
            by = newer - backup.ended.latest
            why = reason(Code.AFTER_BACKUP, reading=each.name, length=by)
            yield _critical("data-after-backup", why)

        if (
            backup.ended is None
            and backup.taken is not None
            and newer > backup.taken.latest + BACKUP_LASTS
        ):
            by = newer - backup.taken.latest
            why = reason(Code.BEFORE_DATA, reading=each.name, length=by, allowed=BACKUP_LASTS)
            yield _major("catalogue-before-data", why)


def _replay_too_short(
    replays: Sequence[DataReading], others: Sequence[DataReading]
) -> Iterator[Contradiction]:
    for replay in replays:
        for each in others:
            if _certainly(replay, each):
                by = abs(_behind(replay, each))
                why = reason(Code.AFTER_REPLAY, reading=each.name, length=by)
                yield _critical("replay-before-data", why)


def _beats_apart(beats: Sequence[DataReading], backup: BackupTimes) -> Iterator[Contradiction]:
    for one, other in combinations(beats, 2):
        by = abs(_behind(one, other))
        if by > one.interval + other.interval + _lasted(backup):
            why = reason(Code.HEARTBEATS_APART, reading=one.name, other=other.name, length=by)
            yield _major("heartbeats-apart", why)


def _rows_apart(rows: Sequence[DataReading], proof: DataReading) -> Iterator[Contradiction]:
    for row in rows if proof.role is not Role.BUSINESS else ():
        by = abs(_behind(row, proof))
        if _behind(row, proof) > row.quiet_for:
            why = reason(
                Code.FAR_BEHIND,
                reading=row.name,
                length=by,
                other=proof.name,
                allowed=row.quiet_for,
            )

            yield _major("rows-far-behind", why)
        elif proof.role is Role.HEARTBEAT and row.newest.earliest > proof.next_due:
            why = reason(Code.AHEAD_OF_HEARTBEAT, reading=row.name, length=by, other=proof.name)
            yield _major("rows-ahead-of-heartbeat", why)


def _catalogue_too_late(backup: BackupTimes, disruption: Instant) -> Iterator[Contradiction]:
    if backup.taken is not None and backup.taken.earliest > disruption.latest:
        by = backup.taken.earliest - disruption.latest
        yield _major("backup-after-disruption", reason(Code.BACKUP_TOO_LATE, length=by))


def _remarks(
    rows: Sequence[DataReading], proof: DataReading, disruption: Instant
) -> Iterator[Reason]:
    if not proof.interval:
        yield reason(Code.NO_HEARTBEAT)
    for row in rows if proof.role is not Role.BUSINESS else ():
        if proof.interval + QUIET_FROM < _behind(row, proof) <= row.quiet_for:
            age = disruption.at - row.newest.at
            yield reason(Code.SERVICE_QUIET, reading=row.name, length=age, other=proof.name)


def _oldest(readings: Sequence[DataReading]) -> DataReading:
    return min(readings, key=lambda each: each.newest.at)


def _behind(one: DataReading, other: DataReading) -> timedelta:
    return other.newest.at - one.newest.at


def _certainly(older: DataReading, newer: DataReading) -> bool:
    """Tell whether one is older than the other whatever the clocks."""
    return older.newest.latest < newer.newest.earliest


def _lasted(backup: BackupTimes) -> timedelta:
    if backup.taken is None or backup.ended is None:
        return BACKUP_LASTS
    return max(timedelta(0), backup.ended.latest - backup.taken.earliest)


def _critical(key: str, text: Reason) -> Contradiction:
    return Contradiction(contradiction=key, severity=Severity.CRITICAL, text=text)


def _major(key: str, text: Reason) -> Contradiction:
    return Contradiction(contradiction=key, severity=Severity.MAJOR, text=text)
