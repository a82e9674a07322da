"""The arithmetic of a dossier: percentiles, the line through points, the forecast."""

import math
import random
import statistics
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pradrill.domain.dossier.forecast import (
    FEWEST,
    Basis,
    Forecast,
    Outlook,
    RecoveredRun,
    forecast,
)
from pradrill.domain.dossier.regression import fit, student
from pradrill.domain.dossier.spread import spread

BEGIN = datetime(2025, 1, 6, 3, tzinfo=UTC)
HOUR = timedelta(hours=1)
GIGABYTE = 1e9


def runs(*seconds: float, every: int = 30, sizes: tuple[float, ...] = ()) -> list[RecoveredRun]:
    """Return a run each so many days."""
    return [
        RecoveredRun(BEGIN + timedelta(days=every * n), value, sizes[n] if sizes else None)
        for n, value in enumerate(seconds)
    ]


def last(some: list[RecoveredRun]) -> datetime:
    """Return when the newest run was."""
    return max(run.at for run in some)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (2, 4.303), (4, 2.776), (10, 2.228), (30, 2.042)]
)
def test_students_quantile_is_that_of_the_tables(freedom: int, quantile: float) -> None:
    """The series gives the 97.5 % quantile that printed tables give."""
    assert student(freedom) == pytest.approx(quantile, abs=6e-4)


@given(
    st.lists(st.tuples(st.integers(-1_000, 1_000), st.integers(0, 10_000)), min_size=3, max_size=30)
)
def test_the_line_is_that_of_the_standard_library(points: list[tuple[float, float]]) -> None:
    """Slope and height agree with statistics.linear_regression wherever that has an answer."""
    xs, ys = zip(*points, strict=True)
    assume(len(set(xs)) > 1)
    line = fit(points)
    expected = statistics.linear_regression(xs, ys)
    assert line is not None
    assert line.slope == pytest.approx(expected.slope, abs=1e-6)
    assert line.at(0) == pytest.approx(expected.intercept, abs=1e-3)


def test_the_interval_of_a_new_observation_holds_as_often_as_it_says() -> None:
    """Of 2,000 simulated histories, 95 % have their next run within the interval."""
    draw = random.Random(20_261_124)  # noqa: S311 a simulation
    inside = 0
    for _ in range(2_000):
        points = [(float(x), 100 + 3 * x + draw.gauss(0, 20)) for x in range(8)]
        line = fit(points)
        assert line is not None
        inside += abs(100 + 3 * 9 + draw.gauss(0, 20) - line.at(9)) <= line.margin(9)
    assert 0.935 <= inside / 2_000 <= 0.965


@given(
    st.lists(st.floats(-50, 50), min_size=6, max_size=20),
    st.floats(20, 200),
    st.floats(1_500, 9_000),
)
def test_a_crossing_is_where_line_and_limits_meet_the_level(
    noise: list[float], slope: float, level: float
) -> None:
    """At the three crossings the upper limit, the line and the lower limit are at the level."""
    line = fit([(float(x), 100 + slope * x + e) for x, e in enumerate(noise)])
    assert line is not None
    assume(line.rises)
    assume(line.slope > 1.2 * line.slope_margin)
    crossing = line.crossing(level, after=-math.inf)
    assert crossing.earliest <= crossing.expected <= crossing.latest
    early, late = crossing.earliest, crossing.latest
    assert line.at(early) + line.margin(early) == pytest.approx(level, rel=1e-6)
    assert line.at(crossing.expected) == pytest.approx(level, rel=1e-6)
    assert line.at(late) - line.margin(late) == pytest.approx(level, rel=1e-6)


def test_points_at_one_place_have_no_line() -> None:
    """Neither two points nor any number of them at the same x say how y moves."""
    assert fit([(0, 1), (1, 2)]) is None
    assert fit([(5, 1), (5, 2), (5, 3), (5, 4)]) is None


def test_few_runs_allow_no_forecast() -> None:
    """Five runs, however straight their line, are not enough; the sixth is."""
    some = runs(*(600.0 + 60 * n for n in range(FEWEST)))
    assert forecast(some[:-1], HOUR, last(some)).outlook is Outlook.NOT_ENOUGH
    assert forecast(some, 8 * HOUR, last(some)).outlook is not Outlook.NOT_ENOUGH


def test_runs_at_one_moment_allow_no_forecast() -> None:
    """Without time between them, runs do not say how the actual grows."""
    some = runs(*range(600, 700, 10), every=0)
    assert forecast(some, HOUR, last(some)).outlook is Outlook.NOT_ENOUGH


def test_steady_growth_crosses_when_it_must() -> None:
    """Five minutes more each month from ten minutes reach an hour in the tenth month."""
    exact = runs(*(600.0 + 300 * n for n in range(8)))
    told = forecast(exact, HOUR, last(exact))
    assert told.outlook is Outlook.CROSSES
    assert told.expected is not None
    assert abs(told.expected - (BEGIN + timedelta(days=300))) < timedelta(hours=1)
    assert told.monthly == pytest.approx(300)


def test_scatter_widens_the_interval_around_the_crossing() -> None:
    """With noise, the earliest crossing is before the expected one, and the latest after it."""
    draw = random.Random(4)  # noqa: S311 a simulation
    some = runs(*(600 + 150 * n + draw.gauss(0, 120) for n in range(14)))
    told = forecast(some, HOUR, last(some))
    assert told.outlook is Outlook.CROSSES
    assert told.earliest is not None
    assert told.expected is not None
    assert told.earliest < told.expected
    assert told.latest is None or told.latest > told.expected
    assert told.next_high is not None
    assert told.next_low is not None
    assert told.next_low < 600 + 150 * 13 < told.next_high


def test_the_interval_ends_where_the_history_stops_to_carry() -> None:
    """Of a crossing near the horizon, what would come after it is left open, not invented."""
    draw = random.Random(4)  # noqa: S311 a simulation
    some = runs(*(600 + 150 * n + draw.gauss(0, 120) for n in range(14)))
    near, far = (forecast(some, timedelta(seconds=goal), last(some)) for goal in (4_300, 4_700))
    assert (near.expected is not None, near.latest) == (True, None)
    assert (far.earliest is not None, far.expected, far.latest) == (True, None, None)


@pytest.mark.parametrize("values", [(900.0,) * 8, (900.0, 850, 910, 840, 905, 845, 900, 860)])
def test_without_growth_no_date_is_given(values: tuple[float, ...]) -> None:
    """A slope that may as well be zero crosses nothing."""
    told = forecast(runs(*values), HOUR, last(runs(*values)))
    assert told.outlook is Outlook.NO_GROWTH
    assert told.expected is None


def test_nothing_is_said_beyond_the_length_of_the_history() -> None:
    """Growth that crosses in ten years is no forecast when one year is on record."""
    some = runs(*(600.0 + n for n in range(13)))
    told = forecast(some, 10 * HOUR, last(some))
    assert told.outlook is Outlook.LATER
    assert told.expected is None
    assert told.horizon == last(some) + (last(some) - BEGIN)


def test_an_objective_already_crossed_is_said_to_be() -> None:
    """The line above the objective today is not a forecast, but a fact."""
    some = runs(*(3_000.0 + 200 * n for n in range(8)))
    assert forecast(some, HOUR, last(some)).outlook is Outlook.CROSSED


def test_the_size_of_the_data_is_what_a_restore_grows_with() -> None:
    """Where runs tell how much they restored, the crossing is that of the size, with its limit."""
    draw = random.Random(7)  # noqa: S311 a simulation
    sizes = tuple((20 + 2 * n + draw.gauss(0, 0.3)) * GIGABYTE for n in range(12))
    some = runs(*(60 * s / GIGABYTE + draw.gauss(0, 30) for s in sizes), sizes=sizes)
    told = forecast(some, HOUR, last(some))
    assert told.basis is Basis.SIZE
    assert told.gigabyte == pytest.approx(60, rel=0.1)
    assert told.size_limit == pytest.approx(60 * GIGABYTE, rel=0.05)
    assert told.expected is not None
    assert abs(told.expected - (BEGIN + timedelta(days=600))) < timedelta(days=45)


@settings(deadline=None)  # a busy machine is no finding
@given(
    st.lists(
        st.builds(
            RecoveredRun,
            at=st.datetimes(timezones=st.just(UTC)),
            seconds=st.floats(allow_nan=False, allow_infinity=False),
            size=st.none() | st.floats(0, 1e18),
        ),
        max_size=12,
    ),
    st.timedeltas(timedelta(milliseconds=1), timedelta(days=36_500)),
    st.datetimes(timezones=st.just(UTC)),
)
def test_no_history_makes_the_forecast_fall_over(
    some: list[RecoveredRun], objective: timedelta, now: datetime
) -> None:
    """Absurd records give a forecast or none, never an error, and no infinite figure."""
    told = forecast(some, objective, now)
    assert isinstance(told, Forecast)
    dates = [date for date in (told.earliest, told.expected, told.latest) if date is not None]
    assert dates == sorted(dates)


def test_a_percentile_counts_failures_as_longer_than_anything() -> None:
    """One failure in four leaves the median, takes the ninth decile, and is the worst."""
    told = spread([(60.0, HOUR), (120.0, HOUR), (4_000.0, HOUR), (None, HOUR)])
    assert (told.tests, told.failed, told.beyond) == (4, 1, 1)
    assert told.median == 120.0
    assert told.ninth_decile is None
    assert told.worst is None


@given(st.lists(st.none() | st.floats(0, 1e9), max_size=40))
def test_a_percentile_is_a_value_that_was_measured(values: list[float | None]) -> None:
    """Never a mean: at least the stated part of the tests lies at or below the stated value."""
    told = spread([(value, None) for value in values])
    for part, figure in ((0.5, told.median), (0.9, told.ninth_decile), (1.0, told.worst)):
        if figure is not None:
            assert figure in values
            below = sum(value is not None and value <= figure for value in values)
            assert below >= part * len(values) - 1e-6
        elif values:
            recovered = sum(value is not None for value in values)
            assert recovered < part * len(values) + 1e-6
