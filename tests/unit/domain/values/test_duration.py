"""Durations as people write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from pradrill.domain.values.duration import (
    Cadence,
    DrillEvery,
    Duration,
    PositiveDuration,
    approximate,
    due_after,
    format_duration,
    parse_duration,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15m", 900),
        ("1h30m", 5_400),
        ("1h 30m", 5_400),
        (" 2d ", 172_800),
        ("1w", 604_800),
        ("0.5s", 0.5),
        ("250ms", 0.25),
        ("0s", 0),
    ],
)
def test_a_number_with_a_unit_is_read(text: str, seconds: float) -> None:
    """Every unit means what it says, and parts add up."""
    assert parse_duration(text).total_seconds() == seconds


@pytest.mark.parametrize(
    "text",
    [900, 1.5, True, None, "", "900", "1:30", "h", "-5m", "5 minutes", "1h30", "1e3s", "٣s٣"],
)
def test_a_duration_without_a_clear_unit_is_refused(text: object) -> None:
    """A unit is never guessed, whatever YAML made of the value."""
    with pytest.raises(ValueError, match="duration"):
        parse_duration(text)


def test_a_duration_beyond_a_century_is_refused() -> None:
    """A slip of the hand does not overflow into a traceback."""
    with pytest.raises(ValueError, match="hundred years"):
        parse_duration("9" * 300 + "w")


@given(st.integers(min_value=0, max_value=36_500 * 86_400_000))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    """To the millisecond, format_duration and parse_duration are each other's inverse."""
    value = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(value)) == value


def test_a_negative_duration_says_so() -> None:
    """A contradiction in the figures stays visible."""
    assert format_duration(-61.5) == "-1m1s500ms"
    assert approximate(-61.5) == "-1m02s"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0s"),
        (59.94, "59.9s"),
        (59.96, "1m00s"),
        (3_599.6, "1h00m"),
        (9_000, "2h30m"),
        (86_400, "1d00h"),
    ],
)
def test_a_reader_gets_two_units(seconds: float, text: str) -> None:
    """Rounding never shows 60 of a unit."""
    assert approximate(seconds) == text


@pytest.mark.parametrize(
    ("cadence", "start", "due"),
    [
        ("10 days", (2026, 2, 25), (2026, 3, 7)),
        ("1 week", (2026, 3, 10), (2026, 3, 17)),
        ("3 months", (2026, 11, 30), (2027, 2, 28)),
        ("1 month", (2028, 1, 31), (2028, 2, 29)),
        ("1 year", (2028, 2, 29), (2029, 2, 28)),
        ("12 months", (2026, 12, 31), (2027, 12, 31)),
    ],
)
def test_a_cadence_follows_the_calendar(
    cadence: str, start: tuple[int, int, int], due: tuple[int, int, int]
) -> None:
    """Months keep their day where it exists, and take the last one where it does not."""
    assert due_after(Cadence.read(cadence), datetime(*start, tzinfo=UTC)) == datetime(
        *due, tzinfo=UTC
    )


@pytest.mark.parametrize("cadence", ["3", "months", "0 days", "3 moons", "-1 day", 3, "9999 days"])
def test_a_cadence_needs_a_count_and_a_calendar_unit(cadence: object) -> None:
    """An unclear cadence is a problem of the plan, not a drill that is never due."""
    with pytest.raises(ValidationError, match="cadence"):
        TypeAdapter(DrillEvery).validate_python(cadence)


@pytest.mark.parametrize(("written", "text"), [("3months", "3 months"), (" 1 days ", "1 day")])
def test_a_cadence_is_recorded_as_text(written: str, text: str) -> None:
    """A record says "3 months", however it was written, and is read as the same again."""
    kind: TypeAdapter[Cadence] = TypeAdapter(DrillEvery)
    dumped = kind.dump_json(kind.validate_python(written))
    assert dumped == f'"{text}"'.encode()
    assert kind.validate_json(dumped) == Cadence.read(text)


def test_only_zero_is_between_a_duration_and_a_positive_one() -> None:
    """Zero can be a stable_for, and cannot be an objective."""
    assert TypeAdapter(Duration).validate_python("0s") == timedelta(0)
    with pytest.raises(ValidationError, match="longer than zero"):
        TypeAdapter(PositiveDuration).validate_python("0s")


def test_a_duration_in_json_can_be_read_again() -> None:
    """A record's durations come back as they were."""
    kind: TypeAdapter[timedelta] = TypeAdapter(Duration)
    value = timedelta(hours=1, milliseconds=20)
    assert kind.validate_json(kind.dump_json(value)) == value
