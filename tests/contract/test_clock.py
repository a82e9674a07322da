"""What every clock promises: steady UTC, and the wall clock translated into it."""

from __future__ import annotations

import itertools
import time
from datetime import UTC, datetime, timedelta

import pytest

from pradrill.adapters.clock import SteadyClock
from pradrill.ports import Clock
from pradrill.testing import FakeClock

SOON = 0.02
TOLERANCE = timedelta(seconds=2)  # a shared machine may look away for a moment


@pytest.fixture(params=[FakeClock, SteadyClock])
def clock(request: pytest.FixtureRequest) -> Clock:
    """Return a clock that has just started."""
    clock_made: Clock = request.param()
    return clock_made


def test_time_is_utc(clock: Clock) -> None:
    """An instant carries its zone."""
    assert clock.now().tzinfo is UTC


def test_sleeping_takes_as_long_as_it_says(clock: Clock) -> None:
    """After a sleep at least that much time has passed, and not much more."""
    before = clock.now()
    clock.sleep(SOON)
    passed = clock.now() - before
    assert timedelta(seconds=SOON) <= passed <= timedelta(seconds=SOON) + TOLERANCE


def test_time_never_goes_back(clock: Clock) -> None:
    """Read again and again, each instant is at or after the one before."""
    times = [clock.now() for _ in range(1_000)]
    assert times == sorted(times)


def test_a_clock_that_nobody_moved_is_the_wall_clock(clock: Clock) -> None:
    """Without a step of the system's clock the translation changes nothing to speak of."""
    assert abs(clock.stepped()) < TOLERANCE.total_seconds()
    assert abs(clock.from_wall(clock.now()) - clock.now()) < TOLERANCE


def test_the_real_clock_starts_right() -> None:
    """Steady UTC begins as the system's UTC."""
    assert abs(SteadyClock().now() - datetime.now(UTC)) < TOLERANCE


def test_a_busy_machine_is_not_taken_for_a_skew(monkeypatch: pytest.MonkeyPatch) -> None:
    """What passes between reading the one clock and the other is in no figure."""
    delays = itertools.cycle([0.02, 0, 0.02, 0.01, 0.02])

    class Delayed(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            """Return the time, and come back late from it."""
            assert tz is UTC
            instant = datetime.now(UTC)
            time.sleep(next(delays))
            return instant

    monkeypatch.setattr("pradrill.adapters.clock.datetime", Delayed)
    clock = SteadyClock()
    assert abs(clock.stepped()) < 0.004
    monkeypatch.undo()
    slack, before = timedelta(milliseconds=4), datetime.now(UTC)
    assert before - slack < clock.now() < datetime.now(UTC) + slack


@pytest.mark.parametrize("hours", [1, -1])
def test_a_moved_system_clock_is_told_and_followed_by_nobody(
    hours: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the system's clock is set, steady time goes on and instants are translated back."""

    class Moved(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            """Return a time that somebody set."""
            assert tz is UTC
            return datetime.now(UTC) + timedelta(hours=hours)

    clock = SteadyClock()
    before = clock.now()
    monkeypatch.setattr("pradrill.adapters.clock.datetime", Moved)
    assert abs(clock.stepped() - hours * 3_600) < TOLERANCE.total_seconds()
    assert abs(clock.from_wall(Moved.now(UTC)) - before) < TOLERANCE
    assert abs(clock.now() - before) < TOLERANCE


def test_a_steady_clock_goes_on_in_another_process() -> None:
    """It counts from the same instant, whatever the system's clock says; not across a restart."""
    first, second = SteadyClock(), SteadyClock()
    base = first.base().model_copy(update={"at_boot": first.base().at_boot - timedelta(hours=3)})
    assert second.follow(base)
    assert abs(second.now() - first.now() + timedelta(hours=3)) < TOLERANCE
    assert second.base() == base
    before = first.base()
    assert not first.follow(base.model_copy(update={"boot": "0" * 36}))
    assert first.base() == before
