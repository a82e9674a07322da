"""Instants printed by databases are read strictly, or refused."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pradrill.domain.values.instant_text import parse_instant
from pradrill.errors import PradrillError

TWO_AM = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-10T02:00:00Z",
        "2026-03-10 02:00:00+00:00",
        "2026-03-10 02:00:00+00",
        "2026-03-10T03:00:00+01:00",
        "20260310T020000Z",
        "2026-03-10 02:00:00.000+00",
    ],
)
def test_iso_with_its_zone_is_read(text: str) -> None:
    """An ISO instant with its zone becomes the same instant in UTC."""
    at = parse_instant(text, "iso", None)
    assert at == TWO_AM
    assert at.tzinfo is UTC


def test_postgres_fraction_is_read() -> None:
    """PostgreSQL drops trailing zeros of the fraction, and the instant is still exact."""
    at = parse_instant("2026-03-10 02:00:00.25+00", "iso", None)
    assert at == TWO_AM.replace(microsecond=250_000)


def test_last_line_counts() -> None:
    """Warnings printed before the answer and blank lines after it change nothing."""
    assert parse_instant("warning: x\n\n  1773108000  \n\n", "epoch", None) == TWO_AM


@pytest.mark.parametrize(
    ("text", "unit"),
    [("1773108000", "epoch"), ("1773108000.000000", "epoch"), ("1773108000000", "epoch_ms")],
)
def test_epochs(text: str, unit: str) -> None:
    """Seconds and milliseconds since 1970 are instants in UTC."""
    assert parse_instant(text, unit, None) == TWO_AM


def test_epoch_keeps_its_fraction() -> None:
    """A fraction of a second survives to the microsecond."""
    at = parse_instant("1773108000.123456", "epoch", None)
    assert at == TWO_AM.replace(microsecond=123_456)


def test_zone_is_added_only_where_missing() -> None:
    """The declared zone applies to a local time, and never overrides an offset in the text."""
    assert parse_instant("2026-03-10 03:00:00", "iso", "Europe/Paris") == TWO_AM
    assert parse_instant("2026-03-10 02:00:00+00:00", "iso", "Europe/Paris") == TWO_AM


def test_strptime_formats() -> None:
    """Any strptime format works, with an offset of its own or the declared zone."""
    assert parse_instant("10/03/2026 03:00", "%d/%m/%Y %H:%M", "Europe/Paris") == TWO_AM
    assert parse_instant("10/03/2026 03:00 +0100", "%d/%m/%Y %H:%M %z", None) == TWO_AM


def test_time_that_came_twice_is_the_earlier_one() -> None:
    """A local time repeated in autumn is the earlier instant: the larger loss governs."""
    at = parse_instant("2026-10-25 02:30:00", "iso", "Europe/Paris")
    assert at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "fmt", "zone", "says"),
    [
        ("", "iso", None, "empty"),
        (" \n\t\n", "epoch", None, "empty"),
        ("NULL", "iso", "UTC", "NULL"),
        ("\\N", "epoch", None, "N"),
        ("ERROR 1146 (42S02)", "iso", "UTC", "not an instant"),
        ("2026-03-10 02:00:00", "iso", None, "time zone"),
        ("2026-03-10", "iso", "UTC", "without a time"),
        ("20260310", "iso", "UTC", "without a time"),
        ("2026-03-29 02:30:00", "iso", "Europe/Paris", "does not exist"),
        ("0", "epoch", None, "between the years"),
        ("1773108000000", "epoch", None, "between the years"),
        ("9999999999999999", "epoch", None, "between the years"),
        ("1773108000", "epoch_ms", None, "between the years"),
        ("1767123112312", "iso", "UTC", "between the years"),
        ("9999-12-31 23:59:59", "iso", "America/Lima", "between the years"),
        ("0001-01-01T00:00:00+14:00", "iso", None, "between the years"),
        ("-5", "epoch", None, "not an instant"),
        ("nan", "epoch", None, "not an instant"),
        ("1e9", "epoch", None, "not an instant"),
        ("1_773_108_000", "epoch", None, "not an instant"),
        ("١٧٧٣١٠٨٠٠٠", "epoch", None, "not an instant"),
        ("12:00", "%H:%M", "UTC", "between the years"),
        ("2026", "%Q", "UTC", "not an instant"),
        ("2026-03-10 02:00 UTC", "%Y-%m-%d %H:%M %Z", "Europe/Paris", "offset"),
        ("2026-03-10 02:00:00", "iso", "Mars/Olympus", "not a time zone"),
        ("2026-03-10 02:00:00", "iso", "../../etc/passwd", "not a time zone"),
    ],
)
def test_anything_doubtful_is_refused(text: str, fmt: str, zone: str | None, says: str) -> None:
    """No, doubtful or absurd data is an error that says why, never an instant."""
    with pytest.raises(PradrillError, match=says) as caught:
        parse_instant(text, fmt, zone)
    assert caught.value.hint
    assert caught.value.hint.endswith(".")


def test_quotation_is_short_and_harmless() -> None:
    """What a host printed is quoted in at most 80 characters, without control characters."""
    with pytest.raises(PradrillError) as caught:
        parse_instant("\x1b[2J\u202e" + "x" * 500, "iso", "UTC")
    message = caught.value.message
    assert message.isprintable()
    assert message.count("x") <= 78


@given(text=st.text(), fmt=st.sampled_from(["iso", "epoch", "epoch_ms", "%c", "%Y-%m-%d %H:%M"]))
def test_hostile_text_never_raises_anything_else(text: str, fmt: str) -> None:
    """Whatever a command prints, the answer is an aware UTC instant or a PradrillError."""
    with suppress(PradrillError):
        assert parse_instant(text, fmt, "Europe/Paris").tzinfo is UTC


@given(at=st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 hypothesis adds the zone
def test_iso_and_epoch_agree(at: datetime) -> None:
    """The same instant written as ISO and as an epoch is read the same."""
    whole = at.replace(microsecond=0)
    assert parse_instant(at.isoformat(), "iso", None) == at
    assert parse_instant(str(int(whole.timestamp())), "epoch", None) == whole
