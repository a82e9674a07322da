"""Instants, durations and actuals: what is stated, and between which bounds."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pradrill.domain.run import actuals
from pradrill.domain.values.timeline import Elapsed, Instant, Mark, Provenance, Skew
from pradrill.testing import START, after, measured

SECONDS = st.floats(min_value=-1e6, max_value=1e6)
MARGINS = st.floats(min_value=0, max_value=1e4)
TOLERANCE = 2e-5  # instants are kept to the microsecond
instants = st.builds(
    lambda at, early, late, provenance: Instant(
        at=after(at), earliest=after(at - early), latest=after(at + late), provenance=provenance
    ),
    SECONDS,
    MARGINS,
    MARGINS,
    st.sampled_from(Provenance),
)


def test_an_instant_lies_between_its_bounds() -> None:
    """A value outside its own bounds is an error, not a figure."""
    with pytest.raises(ValidationError, match="between its bounds"):
        Instant(at=after(5), earliest=after(6), latest=after(7), provenance=Provenance.MEASURED)


def test_an_instant_needs_its_zone_and_is_kept_in_utc() -> None:
    """A naive time is refused; any zone is the same instant in UTC."""
    with pytest.raises(ValidationError, match="timezone"):
        Instant.known(datetime(2026, 3, 10, 2), Provenance.MEASURED)  # noqa: DTZ001 the point
    paris = datetime(2026, 3, 10, 3, tzinfo=timezone(timedelta(hours=1)))
    told = Instant.known(paris, Provenance.ENTERED)
    assert told.at == START
    assert told.at.tzinfo is UTC


@given(instants, st.floats(min_value=-1e4, max_value=1e4))
def test_widening_only_ever_widens(instant: Instant, seconds: float) -> None:
    """More doubt never makes an instant better known."""
    wider = instant.widened(seconds)
    assert wider.earliest <= instant.earliest <= wider.at <= instant.latest <= wider.latest


@given(instants, instants, st.floats(0, 1), st.floats(0, 1))
def test_a_duration_contains_every_truth_that_its_instants_allow(
    start: Instant, end: Instant, where_start: float, where_end: float
) -> None:
    """Wherever the true instants lie within their bounds, the true duration is within its."""
    elapsed = Elapsed.between(start, end)
    true_start = start.earliest + (start.latest - start.earliest) * where_start
    true_end = end.earliest + (end.latest - end.earliest) * where_end
    truth = (true_end - true_start).total_seconds()
    assert elapsed.low - TOLERANCE <= truth <= elapsed.high + TOLERANCE
    assert elapsed.low <= elapsed.seconds <= elapsed.high


@given(instants, instants)
def test_a_duration_is_as_trustworthy_as_its_weaker_end(start: Instant, end: Instant) -> None:
    """One assumed end makes the whole duration assumed; an entered one, entered at best."""
    order = [Provenance.MEASURED, Provenance.ENTERED, Provenance.ASSUMED]
    weaker = max(order.index(start.provenance), order.index(end.provenance))
    assert Elapsed.between(start, end).provenance is order[weaker]


@given(instants, instants, st.floats(min_value=1, max_value=1e6))
def test_an_objective_is_met_by_the_upper_bound(
    start: Instant, end: Instant, objective: float
) -> None:
    """No duration whose bound exceeds the objective meets it."""
    elapsed = Elapsed.between(start, end)
    wanted = timedelta(seconds=objective)
    assert elapsed.meets(wanted) is (elapsed.high <= wanted.total_seconds())


def test_an_actual_needs_both_its_marks() -> None:
    """A figure with an end missing does not exist."""
    marks = {Mark.DISRUPTION: measured(0), Mark.SERVICE_VERIFIED: measured(60, within=1)}
    found = actuals.rta(marks)
    assert found is not None
    assert (found.low, found.seconds, found.high) == (59, 60, 61)
    assert actuals.technical_rta(marks) is None
    for mark, instant in marks.items():
        assert actuals.rta({mark: instant}) is None
    assert actuals.rpa(marks, None) is None
    assert actuals.rpa({}, measured(-60)) is None


def test_the_rta_runs_from_t0_and_the_technical_one_from_t3() -> None:
    """Waiting before the recovery starts is in the one and not in the other."""
    marks = {
        Mark.DISRUPTION: measured(0),
        Mark.RECOVERY_STARTS: measured(300),
        Mark.SERVICE_VERIFIED: measured(1_000),
    }
    rta, technical = actuals.rta(marks), actuals.technical_rta(marks)
    assert rta is not None
    assert technical is not None
    assert (rta.seconds, technical.seconds) == (1_000, 700)


@pytest.mark.parametrize(("last_red", "earliest"), [(8.0, 8.0), (None, 3.0), (12.0, 10.0)])
def test_t5_is_between_the_last_red_and_the_first_green(
    last_red: float | None, earliest: float
) -> None:
    """Never seen red, the service turned green after its data was there; never after seen so."""
    red = None if last_red is None else after(last_red)
    found = actuals.service_verified(after(10), red, measured(5, within=2))
    assert (found.earliest, found.at, found.latest) == (after(earliest), after(10), after(10))


def test_a_skew_is_as_bad_as_its_bound_allows() -> None:
    """The worst offset counts, in either direction."""
    assert Skew(seconds=-2.0, within=0.25).worst == 2.25
    assert Skew(seconds=2.0, within=0.25).worst == 2.25
