"""The readings of the restored data: which one governs, and what does not fit together."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.domain.run.test_facts import record, whole

from pradrill.domain.declared.drill import Role
from pradrill.domain.run.actuals import rpa
from pradrill.domain.run.event import Event, Reading
from pradrill.domain.run.recovery_point import (
    BACKUP_LASTS,
    BackupTimes,
    DataReading,
    Weighed,
    weigh,
)
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Instant, Mark
from pradrill.testing import after, measured
from pradrill.testing.reasons import texts

HOUR, DAY = 3_600.0, 86_400.0
TOLERANCE = 1e-4  # instants are kept to the microsecond
NOW = 600.0


def heartbeat(seconds: float, name: str = "heartbeat", **changes: Any) -> DataReading:
    """Return a heartbeat, written every second, whose newest beat is that long after T0."""
    fields = {"interval": timedelta(seconds=1), **changes}
    return reading(seconds, name, Role.HEARTBEAT, **fields)


def rows(seconds: float, name: str = "rows", **changes: Any) -> DataReading:
    """Return business rows, the newest that long after T0; there is one every day."""
    return reading(seconds, name, Role.BUSINESS, **changes)


def replay(seconds: float, **changes: Any) -> DataReading:
    """Return the last transaction that was replayed, that long after T0."""
    return reading(seconds, "replay", Role.REPLAY, **changes)


def reading(
    seconds: float, name: str, role: Role, *, within: float = 0.0, **changes: Any
) -> DataReading:
    """Return what a source said."""
    newest = measured(seconds, within=within)
    return DataReading(name=name, role=role, source="a query", newest=newest, **changes)


def backup(taken: float | None = None, ended: float | None = None) -> BackupTimes:
    """Return what the catalogue says of a backup, in seconds after T0."""
    return BackupTimes(
        taken=None if taken is None else measured(taken),
        ended=None if ended is None else measured(ended),
    )


def weighed(*readings: DataReading, times: BackupTimes | None = None, now: float = NOW) -> Weighed:
    """Weigh readings of a disruption at T0."""
    return weigh(readings, times or backup(), disruption=measured(0), now=after(now))


def bounds(point: Instant | None) -> tuple[float, float, float]:
    """Return the loss that the point means: value, lower and upper bound."""
    loss = rpa({Mark.DISRUPTION: measured(0)}, point)
    assert loss is not None
    return loss.seconds, loss.low, loss.high


def keys(found: Weighed) -> list[str]:
    """Return the keys of what contradicts."""
    return [each.contradiction for each in found.contradictions]


# ---------------------------------------------------------------- which one governs


def test_nothing_read_is_no_recovery_point() -> None:
    """Without a reading there is no figure, whatever the catalogue says."""
    assert weighed(times=backup(-60, -50)).point is None


def test_a_heartbeat_bounds_the_loss_on_both_sides() -> None:
    """What came after the newest beat and before the next one may have been saved too."""
    found = weighed(heartbeat(-100, within=0.25))
    assert bounds(found.point) == (100, 98.75, 100.25)
    assert (found.contradictions, found.remarks) == ((), ())


def test_nothing_is_saved_after_the_disruption() -> None:
    """With the next beat due after T0, the loss goes down to none and not below."""
    assert bounds(weighed(heartbeat(-0.4)).point) == (0.4, 0, 0.4)


def test_rows_alone_bound_the_loss_from_above() -> None:
    """Of rows without an interval the loss is at most their age, and may be none: it is said."""
    found = weighed(rows(-8 * HOUR))
    assert bounds(found.point) == (8 * HOUR, 0, 8 * HOUR)
    assert "upper bound" in found.remarks[0].text


def test_rows_that_come_at_an_interval_are_as_good_as_a_heartbeat() -> None:
    """A declared interval bounds the loss from below, whatever writes the rows."""
    found = weighed(rows(-100, interval=timedelta(seconds=5)))
    assert bounds(found.point) == (100, 95, 100)
    assert found.remarks == ()


@given(
    st.lists(st.integers(-86_400, -1), min_size=1, max_size=4), st.sampled_from([heartbeat, rows])
)
def test_the_worst_of_several_governs(ages: list[int], source: Any) -> None:
    """Of several heartbeats, or several kinds of rows, the oldest is the recovery point."""
    found = weighed(*(source(age, f"source {n}") for n, age in enumerate(ages)))
    assert found.point is not None
    assert found.point.at == after(min(ages))
    assert found.governing == f"source {ages.index(min(ages))}"


def test_a_quiet_service_is_no_loss_and_no_proof() -> None:
    """With a fresh heartbeat and old rows the heartbeat governs, and both are said."""
    found = weighed(heartbeat(-100), rows(-9 * HOUR))
    assert bounds(found.point) == (100, 99, 100)
    assert found.contradictions == ()
    (remark,) = texts(found.remarks)
    assert "the service was quiet: rows was 9h00m old" in remark
    assert "not that no row is missing" in remark


def test_rows_that_keep_up_are_no_remark() -> None:
    """Rows about as new as the heartbeat need no word."""
    assert weighed(heartbeat(-100), rows(-150)).remarks == ()


def test_rows_further_behind_than_the_service_is_quiet_govern() -> None:
    """More than `quiet_for` behind, the rows may be lost: they govern, and it is a finding."""
    found = weighed(heartbeat(-100), rows(-3 * HOUR, quiet_for=timedelta(hours=2)))
    assert bounds(found.point) == (3 * HOUR, 99, 3 * HOUR)
    assert found.governing == "rows"
    assert keys(found) == ["rows-far-behind"]


def test_rows_newer_than_the_heartbeat_undo_its_interval() -> None:
    """A heartbeat that had stopped bounds the loss from above only, and it is a finding."""
    found = weighed(heartbeat(-500), rows(-100))
    assert bounds(found.point) == (500, 0, 500)
    assert keys(found) == ["rows-ahead-of-heartbeat"]


def test_a_replay_point_proves_more_than_rows_and_less_than_a_heartbeat() -> None:
    """The last transaction governs over older rows; a heartbeat among them bounds it better."""
    found = weighed(replay(-50), rows(-9 * HOUR))
    assert found.governing == "replay"
    assert bounds(found.point) == (50, 0, 50)
    assert weighed(replay(-50), heartbeat(-50.5)).governing == "heartbeat"


def test_the_catalogue_widens_and_never_narrows() -> None:
    """A backup dated before its data lowers the bound; one dated after it changes nothing."""
    assert bounds(weighed(heartbeat(-100), times=backup(-130)).point) == (100, 99, 130)
    assert bounds(weighed(heartbeat(-100), times=backup(-90)).point) == (100, 99, 100)


def test_what_a_backup_read_last_may_be_newer_than_the_heartbeat() -> None:
    """Until it ended it read files, or held writes up: the lower bound reaches to its end."""
    found = weighed(heartbeat(-100), times=backup(-130, -70))
    assert bounds(found.point) == (100, 70, 130)
    assert bounds(weighed(heartbeat(-100), times=backup(-130, -99.5)).point) == (100, 99, 130)


def test_logs_reach_beyond_the_backup_that_they_continue() -> None:
    """With a replay point, the base backup's own time is no bound and no contradiction."""
    found = weighed(heartbeat(-100), replay(-99.5), times=backup(-6 * DAY, -6 * DAY))
    assert bounds(found.point) == (100, 99, 100)
    assert found.contradictions == ()


# ---------------------------------------------------------------- what cannot be true

CRITICAL = {
    "data-in-the-future": weighed(heartbeat(NOW + 60)),
    "data-after-disruption": weighed(heartbeat(60)),
    "data-after-backup": weighed(heartbeat(-100), times=backup(-300, -200)),
    "replay-before-data": weighed(replay(-300), heartbeat(-100)),
}
MAJOR = {
    "catalogue-before-data": weighed(
        heartbeat(-100), times=backup(-101 - BACKUP_LASTS.total_seconds())
    ),
    "backup-after-disruption": weighed(heartbeat(-100), times=backup(60)),
    "heartbeats-apart": weighed(heartbeat(-100), heartbeat(-103 - HOUR, "file")),
    "rows-far-behind": weighed(heartbeat(-100), rows(-101 - DAY)),
    "rows-ahead-of-heartbeat": weighed(heartbeat(-100), rows(-90)),
}


@pytest.mark.parametrize("key", CRITICAL)
def test_what_cannot_be_true_is_critical(key: str) -> None:
    """Instants that no true clock gives have their finding, and it undoes the figure."""
    (found,) = CRITICAL[key].contradictions
    assert (found.contradiction, found.severity) == (key, Severity.CRITICAL)


@pytest.mark.parametrize("key", MAJOR)
def test_what_does_not_fit_is_a_finding(key: str) -> None:
    """Sources that do not fit together have their finding; the worse of them governs."""
    (found,) = MAJOR[key].contradictions
    assert (found.contradiction, found.severity) == (key, Severity.MAJOR)


@pytest.mark.parametrize(
    "found",
    [
        weighed(heartbeat(60, within=61)),
        weighed(heartbeat(-100, within=60), times=backup(-300, -159)),
        weighed(replay(-110), heartbeat(-100, within=11)),
        weighed(heartbeat(-100), heartbeat(-101 - HOUR, "file")),
        weighed(heartbeat(-100), heartbeat(-150, "file"), times=backup(-150, -90)),
        weighed(heartbeat(-100), rows(-99.5)),
        weighed(heartbeat(-100), times=backup(-100 - BACKUP_LASTS.total_seconds())),
    ],
)
def test_what_the_clocks_explain_is_no_contradiction(found: Weighed) -> None:
    """Within the clocks' uncertainty, the interval and the backup's duration all is well."""
    assert found.contradictions == ()


def test_a_backup_that_was_short_explains_little() -> None:
    """What lies between two heartbeats is held against the backup's own duration, if known."""
    apart = (heartbeat(-100), heartbeat(-200, "file"))
    assert weighed(*apart).contradictions == ()
    assert keys(weighed(*apart, times=backup(-130, -90))) == ["heartbeats-apart"]


def test_a_future_that_the_clocks_explain_is_none() -> None:
    """Data dated after now by less than the clocks' uncertainty is only after the disruption."""
    assert keys(weighed(heartbeat(NOW + 30, within=60))) == ["data-after-disruption"]


# ---------------------------------------------------------------- the verdict

anything = st.builds(
    reading,
    st.floats(-40 * DAY, 40 * DAY),
    st.sampled_from(["a", "b"]),
    st.sampled_from(Role),
    within=st.floats(0, 100),
    interval=st.sampled_from([timedelta(0), timedelta(seconds=1), timedelta(hours=1)]),
)


@settings(deadline=None)
@given(
    st.lists(anything, max_size=4),
    st.none() | st.floats(-DAY, DAY),
    st.none() | st.floats(-DAY, DAY),
)
@example([], None, None)
@example([heartbeat(-100)], -90.0, -80.0)
def test_no_contradiction_passes(
    readings: list[DataReading], taken: float | None, ended: float | None
) -> None:
    """However readings are missing or contradict each other, only trusted ones can PASS."""
    found = weighed(*readings, times=backup(taken, ended))
    told = Reading(
        point=found.point,
        source="a query",
        readings=tuple(readings),
        contradictions=found.contradictions,
        remarks=found.remarks,
    )
    others = [fact for fact in whole() if fact[0] is not Event.READING]
    sealed = record([*others, (Event.READING, told.model_dump(mode="json"))])
    assert sealed.recovery.readings == tuple(readings)
    assert sealed.recovery.contradictions == found.contradictions
    for each in found.contradictions:
        assert any(each.text.text in limit for limit in texts(sealed.limits))
    critical = [c.text.text for c in found.contradictions if c.severity is Severity.CRITICAL]
    if found.point is None or critical:
        assert sealed.verdict is Verdict.INCONCLUSIVE
        assert all(any(text in reason for reason in texts(sealed.reasons)) for text in critical)
    elif sealed.verdict is Verdict.PASSED:
        assert found.point.earliest >= after(-DAY)


# ---------------------------------------------------------------- the truth


class World:
    """A primary whose clock is off, its heartbeat, its rows, and a backup of it before T0."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.skew = draw(st.floats(-90, 90))
        self.known_within = draw(st.floats(0, 2))
        self.interval = draw(st.sampled_from([1.0, 2.0, 60.0]))
        self.taken = draw(st.floats(-DAY, -700))
        self.ended = self.taken + draw(st.floats(0, 600))
        self.snapshot = self.taken + (self.ended - self.taken) * draw(st.floats(0, 1))
        self.file = self.taken + (self.ended - self.taken) * draw(st.floats(0, 1))
        self._beats = draw(st.lists(st.floats(0.5, 1), min_size=8, max_size=8))
        self._phase = draw(st.floats(0, 1))
        self.quiet = draw(st.floats(0, 20 * HOUR))

    def beat(self, until: float) -> float:
        """Return the newest beat before an instant: none is later than the interval after."""
        at = until - self._phase * self.interval
        for gap in self._beats:
            if at + gap * self.interval > until:
                return at
            at += gap * self.interval
        return at

    def told(self, true: float) -> Instant:
        """Return an instant as the primary's clock wrote it and the skew's bound is known."""
        return measured(true + self.skew, within=abs(self.skew) + self.known_within)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a world."""
    return World(draw)


@settings(deadline=None)  # a busy machine is no failure
@given(worlds(), st.sampled_from(["table", "table and file", "with rows", "rows", "files"]))
def test_the_interval_contains_the_true_loss(world: World, kind: str) -> None:
    """Whatever skew, jitter and duration, the loss that happened is in the interval stated."""
    interval = timedelta(seconds=world.interval)
    table = heartbeat(0, "table", interval=interval).model_copy(
        update={"newest": world.told(world.beat(world.snapshot))}
    )
    file = table.model_copy(update={"name": "file", "newest": world.told(world.beat(world.file))})
    newest_row = world.snapshot - world.quiet
    business = rows(0).model_copy(update={"newest": world.told(newest_row)})
    readings = {
        "table": [table],
        "table and file": [table, file],
        "with rows": [table, business],
        "rows": [business],
        "files": [file],  # and the service's own were read at another moment
    }[kind]
    times = BackupTimes(
        taken=world.told(world.taken),
        ended=world.told(world.ended) if kind == "files" else None,
    )
    found = weigh(readings, times, disruption=measured(0), now=after(NOW))
    true = -world.snapshot
    if kind == "table and file":
        true = -world.snapshot if table.newest.at <= file.newest.at else -world.file
    _, low, high = bounds(found.point)
    assert low - TOLERANCE <= true <= high + TOLERANCE
    assert not [each for each in found.contradictions if each.severity is Severity.CRITICAL]
