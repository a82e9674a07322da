"""Dates as coarse as a week, and forms that strptime would date wrongly without a word."""

from __future__ import annotations

import pytest

from pradrill.domain.values.dated_text import lack_of, read_date


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("app-2026-W48.db", "app-%Y-W%W.db", "2026-11-30"),  # as date +%W counts on that Monday
        ("app-2026-W48.db", "app-%Y-W%U.db", "2026-11-29"),
        ("app-2026-W49.db", "app-%G-W%V.db", "2026-11-30"),
        ("app-2026-W53.db", "app-%G-W%V.db", "2026-12-28"),
        ("app-2026-W00.db", "app-%Y-W%W.db", "2026-01-01"),
        ("2026-W49/app-3", "%G-W%V/app-%u", "2026-12-02"),
        ("50%-26-48", "50%%-%y-%W", "2026-11-30"),
        ("2026-11-29 W48", "%Y-%m-%d W%W", "2026-11-29"),
        ("app-2026-333", "app-%Y-%j", "2026-11-29"),
        ("app-2026-11", "app-%Y-%m", "2026-11-01"),
    ],
)
def test_a_week_without_a_weekday_is_dated_at_its_beginning(text: str, form: str, day: str) -> None:
    """The earliest day that is meant counts, so that no loss looks smaller than it may be."""
    assert f"{read_date(text, form):%Y-%m-%d}" == day


@pytest.mark.parametrize("text", ["2026-W53", "2026-W54", "2026-W", "x"])
def test_a_week_that_a_year_has_not_is_no_date(text: str) -> None:
    """A name of another job, or with a slip in it, is not dated in the next year."""
    with pytest.raises(ValueError, match=r"no week|does not match|remains"):
        read_date(text, "%Y-W%W")


@pytest.mark.parametrize(
    ("form", "lack"),
    [
        ("%m-%d", "year"),
        ("%s", "year"),
        ("%Y-%M-%d", "a day without its month"),
        ("%Y-%a", "weekday without its week"),
        ("%Y-%m-%H", "time without its day"),
        ("%Y%m%d-%M", "minutes without their hour"),
        ("%Y%m%d-%H%S", "seconds without their minute"),
        ("%Y%m%d-%I%M", "half of the day"),
        ("%Y%%m%d", "a day without its month"),
    ],
)
def test_a_form_that_lacks_what_dates_it_is_told(form: str, lack: str) -> None:
    """What strptime takes for 1 January, midnight or morning is named."""
    assert lack in (lack_of(form) or ("",))[0]


@pytest.mark.parametrize(
    "form", ["%Y-W%W", "%G-W%V", "%G-%V-%u", "%Y%m%d-%H%M%S", "%y%j", "%d %b %Y", "%Y%m%d-%I%M%p"]
)
def test_a_form_that_dates_lacks_nothing(form: str) -> None:
    """Weeks, days of the year and each order of day and month date what bears them."""
    assert lack_of(form) is None
