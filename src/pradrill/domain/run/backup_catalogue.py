"""Describe a backup catalogue: its recovery points, which one a drill takes, the worst case."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pydantic import Field

from pradrill.domain.declared.backup_source import Promised, Select, listed
from pradrill.domain.values.duration import Duration, approximate
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.errors import NotReadyError

LATEST = 4_102_444_800
"""The year 2100, in seconds since 1970: a tool, or a file system, that says more says nonsense."""

_WORD = r"[A-Za-z0-9][A-Za-z0-9_.:@+=,~-]{0,199}"
_HARMLESS = re.compile(rf"{_WORD}(/{_WORD})?")  # a dump may lie in a folder of its day
AHEAD = timedelta(minutes=5)
"""How far another clock may be before this one."""

_EARLY = timedelta(minutes=1)  # clocks differ
_LISTED = 100
_SHORTEST_ID = 4


class RecoveryPoint(Model):
    """One backup, as its catalogue describes it."""

    id: str = Field(min_length=1, max_length=400, description="what the restore tool takes")
    data_time: Utc = Field(description="the instant whose data it holds")
    end_time: Utc | None = Field(default=None, description="when it was complete, if known")
    size: int | None = Field(default=None, ge=0, description="bytes, if the catalogue tells")
    host: str = ""
    paths: tuple[str, ...] = Field(default=(), description="what it is of, if the catalogue tells")
    tags: tuple[str, ...] = ()
    integrity: str = Field(default="", description="what would tell that it was altered")
    problem: str = Field(default="", description="why nothing can be restored from it")

    @property
    def available(self) -> datetime:
        """Return from when on it could have been restored."""
        return max(self.data_time, self.end_time or self.data_time)

    def unusable(self, now: datetime) -> str:
        """Say why no drill may use it; empty when one may."""
        if self.problem:
            return self.problem
        if not _HARMLESS.fullmatch(self.id):  # a playbook templates and quotes what it is given
            return "its name holds characters that a playbook could take for something else"
        if self.available > now + AHEAD:
            return f"it is dated {self.available:%Y-%m-%d %H:%M:%S} UTC, in the future"
        return ""


_Series = tuple[str, tuple[str, ...]]


def _series(point: RecoveryPoint) -> _Series:
    return point.host, tuple(sorted(point.paths))


def _is_unlike(one: _Series, other: _Series) -> bool:
    """Tell whether two have neither their machine nor a folder in common."""
    return one[0] != other[0] and bool(one[1] and other[1]) and not {*one[1]} & {*other[1]}


class Catalogue(Model):
    """Everything that a source holds, when it was read."""

    source: str = Field(description=f"the tool: {listed('or')}")
    location: str = Field(description="where the copy is, without credentials")
    read_at: Utc
    points: tuple[RecoveryPoint, ...]
    continuous: bool = Field(
        default=False, description="logs between the backups are archived too (PITR)"
    )
    append_only: bool = Field(
        default=False, description="its server refused to delete; false: it was not asked"
    )
    due: tuple[Utc, ...] = Field(
        default=(), description="when the declared cron schedule promised a backup"
    )

    def usable(self) -> tuple[RecoveryPoint, ...]:
        """Return the points that a drill may use, by the time of their data."""
        fit = (point for point in self.points if not point.unusable(self.read_at))
        return tuple(sorted(fit, key=lambda point: (point.data_time, point.available, point.id)))

    def history_of(self, point: RecoveryPoint) -> Catalogue:
        """Return it without what is of other machines and folders than a point.

        A machine that was renamed, or has another name each night, has one history, and so have
        folders that became more: but for what was written between its first backup and its last.
        """
        times: dict[_Series, list[datetime]] = {}
        for each in self.usable():
            times.setdefault(_series(each), []).append(each.data_time)

        its = _series(point)
        first, last = times[its][0], times[its][-1]
        others = {
            each
            for each, dates in times.items()
            if each != its and (_is_unlike(each, its) or (dates[0] < last and dates[-1] > first))
        }
        points = tuple(each for each in self.points if _series(each) not in others)
        return self.model_copy(update={"points": points})

    def unusable(self) -> Iterator[str]:
        """Say which points no drill may use, and why."""
        for point in self.points:
            if why := point.unusable(self.read_at):
                yield f"{point.id}: {why}"


class WorstCase(Model):
    """The largest loss that the catalogue's history would have allowed, as it stands today.

    What retention has removed since then counts as never made: the history is all there is.
    """

    seconds: float = Field(ge=0)
    data_from: Utc = Field(description="the newest data that could have been restored then")
    struck: Utc = Field(description="the worst moment: just before the next usable backup, or now")
    restored_from: str = Field(description="id of the backup that would have been restored")
    ended_by: str | None = Field(description="id of the next usable backup; none up to now")
    since: Utc = Field(description="where the history looked at begins")
    window: Duration
    continuous: bool
    is_short: bool = Field(
        default=False,
        description="the history is shorter than the window or the promise: nothing is met by it",
    )
    promised: Reason = Field(default=Reason(), description="the schedule, if one was declared")
    missing: tuple[Utc, ...] = Field(default=(), description="promised backups that do not exist")
    missing_count: int = 0


class CatalogueReading(Model):
    """What a run learnt from the catalogue, and which point it took."""

    source: str
    location: str
    read_at: Utc
    points: int
    beside: int = Field(
        default=0,
        description="how many backups of other machines or folders lie beside the selected one's: "
        "the worst case leaves them out",
    )
    unusable: tuple[str, ...] = Field(description="points that no drill may use, and why")
    rule: Reason = Field(description="the selection rule")
    why: Reason = Field(description="why this point and no other")
    selected: RecoveryPoint
    worst_case: WorstCase
    append_only: bool = Field(
        default=False, description="its server refused to delete; false: it was not asked"
    )


def read(
    catalogue: Catalogue, select: Select, window: timedelta, promised: Promised | None
) -> CatalogueReading:
    """Choose a point and draw the worst case; raises NotReadyError when no point fits."""
    selected, why = choose(catalogue, select)
    history = catalogue.history_of(selected)
    return CatalogueReading(
        source=catalogue.source,
        location=catalogue.location,
        read_at=catalogue.read_at,
        points=len(catalogue.points),
        beside=len(catalogue.points) - len(history.points),
        unusable=tuple(catalogue.unusable())[:_LISTED],
        rule=select.in_words,
        why=why,
        selected=selected,
        worst_case=worst_case(history, window, promised),
        append_only=catalogue.append_only,
    )


def choose(catalogue: Catalogue, select: Select) -> tuple[RecoveryPoint, Reason]:
    """Return the point that the rule means, and why it; raises NotReadyError."""
    where = f"the {catalogue.source} catalogue {catalogue.location}"
    if not catalogue.points:
        raise NotReadyError(
            f"{where} is empty",
            hint="See that the backup job writes there, and that host, tag or names match it.",
        )
    if select.id is not None:
        return _by_id(catalogue, select.id, where)

    usable = catalogue.usable()
    matching = [point for point in usable if _matches(point, select)]
    if not matching:
        raise NotReadyError(
            f"{where} holds no usable backup for the rule {select.in_words}: {_count(catalogue)}",
            hint="Read them all with: pradrill catalogue DRILL.",
        )

    later = len(usable) - len(matching)
    if later:
        return matching[-1], reason(Code.NEWEST_OF_SOME, count=len(matching), number=later)

    return matching[-1], reason(Code.NEWEST, count=len(matching))


def _by_id(catalogue: Catalogue, prefix: str, where: str) -> tuple[RecoveryPoint, Reason]:
    matches = [point for point in catalogue.points if point.id == prefix]
    if not matches and len(prefix) >= _SHORTEST_ID:
        matches = [point for point in catalogue.points if point.id.startswith(prefix)]
    if len(matches) != 1:
        how = "no backup" if not matches else f"{len(matches)} backups"
        raise NotReadyError(
            f'{where} holds {how} with the id "{prefix}"',
            hint="Read the ids with: pradrill catalogue DRILL.",
        )
    if why := matches[0].unusable(catalogue.read_at):
        raise NotReadyError(f"the backup {matches[0].id} cannot be used: {why}")

    return matches[0], reason(Code.IS_NAMED)


def _matches(point: RecoveryPoint, select: Select) -> bool:
    if select.before is not None and point.available >= select.before:
        return False
    return select.tag is None or select.tag in point.tags


def _count(catalogue: Catalogue) -> str:
    unusable = list(catalogue.unusable())
    count = f"{len(catalogue.points)} backups"
    return f"{count}, {len(unusable)} of them unusable ({unusable[0]})" if unusable else count


def worst_case(
    catalogue: Catalogue, window: timedelta, promised: Promised | None = None
) -> WorstCase:
    """Return the worst case of the window; there must be a usable point.

    Had the disaster struck at an instant, the newest data among the backups complete by then
    would have come back. The loss grows until another backup is complete, so it is largest just
    before one is, or now.
    What was copied without its times is complete only since the copy: therefore the gaps between
    the data's own times count, too, as if each backup had been complete at once.
    """
    now = catalogue.read_at
    usable = catalogue.usable()
    since = min(now, max(now - window, usable[0].data_time))

    completions = sorted(((point.available, point) for point in usable), key=lambda each: each[0])
    data_times = [(point.data_time, point) for point in usable]
    loss = max(
        (_largest_loss(each, since, now) for each in (completions, data_times)),
        key=lambda each: each.duration,
    )

    due = catalogue.due if promised is not None and promised.cron is not None else ()
    if promised is not None and promised.cron is not None:
        missing = _missed(usable, due, promised.tolerance, since=since, now=now)
    else:
        missing = _missing(usable, promised, since=since, now=now)

    unseen = since - (now - window)
    return WorstCase(
        seconds=max(0.0, loss.duration.total_seconds()),
        data_from=loss.before.data_time,
        struck=max(loss.disaster, loss.before.data_time),
        restored_from=loss.before.id,
        ended_by=loss.ended_by.id if loss.ended_by else None,
        since=since,
        window=window,
        continuous=catalogue.continuous,
        is_short=unseen > loss.duration or _is_before(promised, due, since=since, now=now),
        promised=promised.in_words if promised else Reason(),
        missing=tuple(missing[:_LISTED]),
        missing_count=len(missing),
    )


class _Loss(NamedTuple):
    duration: timedelta
    before: RecoveryPoint
    disaster: datetime
    ended_by: RecoveryPoint | None


def _largest_loss(
    completions: Sequence[tuple[datetime, RecoveryPoint]], since: datetime, now: datetime
) -> _Loss:
    """Walk from one complete backup to the next, the last stretch ending now.

    `best` is what a disaster just before a stretch's end would be restored from.
    """
    complete, best = completions[0]
    largest: _Loss | None = None
    for at, point in (*completions[1:], (now, None)):
        disaster = min(at, now)
        # Just before it is after the beginning, and after the backup before it was complete.
        inside = point is None or (disaster > since and at > complete)
        duration = disaster - best.data_time
        if inside and (largest is None or duration > largest.duration):
            largest = _Loss(duration, best, disaster, point)

        complete = at
        if point and point.data_time > best.data_time:
            best = point

    assert largest is not None  # noqa: S101 the last stretch is always inside
    return largest


def _is_before(
    promised: Promised | None, due: Sequence[datetime], *, since: datetime, now: datetime
) -> bool:
    """Tell whether a history is too short for one promised backup to have been missed in it."""
    if promised is None:
        return False
    if promised.every is not None:
        return now - since < promised.every
    return not any(since <= at <= now for at in due)


def _missing(
    history: Sequence[RecoveryPoint], promised: Promised | None, *, since: datetime, now: datetime
) -> list[datetime]:
    """Return when a backup was due, by the one before it, and none came within the tolerance."""
    if promised is None or promised.every is None:
        return []

    times = sorted(point.data_time for point in history)
    missing: list[datetime] = []
    for earlier, later in zip(times, [*times[1:], now], strict=True):
        skipped = max(0, (since - earlier) // promised.every)  # before the history looked at
        due = earlier + promised.every * max(1, skipped)
        while due + promised.tolerance < later:
            if due >= since:
                missing.append(due)
            due += promised.every

    return missing


def _missed(
    history: Sequence[RecoveryPoint],
    due: Sequence[datetime],
    tolerance: timedelta,
    *,
    since: datetime,
    now: datetime,
) -> list[datetime]:
    """Return the due times after which no backup began within the tolerance."""
    times = sorted(point.data_time for point in history)
    missed = []
    for at in due:
        if since <= at and at + tolerance < now:
            first = bisect_left(times, at - _EARLY)
            if first == len(times) or times[first] > at + tolerance:
                missed.append(at)

    return missed


def worst_case_text(worst: WorstCase) -> str:
    """Write the worst case as a sentence."""
    until = "now" if worst.ended_by is None else f"just before {worst.ended_by} was complete"
    logs = ", if the archived logs were lost too" if worst.continuous else ""
    return (
        f"{approximate(worst.seconds)}: struck {worst.struck:%Y-%m-%d %H:%M:%S} UTC ({until}), "
        f"restored from {worst.restored_from} with data of "
        f"{worst.data_from:%Y-%m-%d %H:%M:%S} UTC{logs}"
    )
