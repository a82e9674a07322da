"""Dates as coarse as a week, and forms that strptime would date wrongly without a word."""

from __future__ import annotations

import pytest

from pradrill.domain.values.dated_text import lack_of, read_date, sample_of
from pradrill.domain.values.month_names import AmbiguousMonthError


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


@pytest.mark.parametrize(
    ("text", "form", "at"),
    [
        ("weekly_db_2026-11-28_01h00m_48.sql", "weekly_db_%Y-%m-%d_%Hh%Mm_%V.sql", "11-28 01:00"),
        ("db_%V_2026-11-28_Saturday_48", "db_%%V_%F_%A_%V", "11-28 00:00"),
        ("db-1795914000.sql", "db-%s.sql", "11-29 01:00"),
        ("1795914000_2026_11_29_17.9.1_gitlab.tar", "%s_%Y_%m_%d_17.9.1_gitlab.tar", "11-29 01:00"),
        ("db-2026-11-29T01:05", "db-%FT%R", "11-29 01:05"),
        ("db-20261129-010509.123456789", "db-%Y%m%d-%H%M%S.%N", "11-29 01:05"),
        ("db-2026-3-5", "db-%Y-%-m-%-d", "03-05 00:00"),
        ("db-10-März-2026", "db-%d-%B-%Y", "03-10 00:00"),
        ("mars-10-mars-2026", "mars-%d-%B-%Y", "03-10 00:00"),
        ("db_mar._10_janv._2026", "db_%a_%d_%b_%Y", "01-10 00:00"),
        ("db_dimanche_29-nov.-2026", "db_%A_%d-%b-%Y", "11-29 00:00"),
        ("db-03-Dez-2026", "db-%d-%b-%Y", "12-03 00:00"),
        ("db-03-AOÛT-2026", "db-%d-%B-%Y", "08-03 00:00"),
        ("db-10-Mar-2026", "db-%d-%b-%Y", "03-10 00:00"),
        ("db_mar_10_avr_2026", "db_%a_%d_%b_%Y", "04-10 00:00"),
        ("db_10_mar_2026_mar", "db_%d_%b_%Y_%a", "03-10 00:00"),
        ("db-03-dic-2026", "db-%d-%b-%Y", "12-03 00:00"),
        ("lun_05_ene_2026", "%a_%d_%b_%Y", "01-05 00:00"),
        ("db-05-ottobre-2026", "db-%d-%B-%Y", "10-05 00:00"),
        ("db-05-mrt-2026", "db-%d-%b-%Y", "03-05 00:00"),
        ("db-05-out-2026", "db-%d-%b-%Y", "10-05 00:00"),
        ("%-d_3.12.2026", "%%-d_%-d.%-m.%Y", "12-03 00:00"),
    ],
)
def test_a_date_is_read_as_jobs_write_it(text: str, form: str, at: str) -> None:
    """What date(1) has beyond strptime, and words of some languages, date a name too."""
    assert f"{read_date(text, form):%m-%d %H:%M}" == at
    assert lack_of(form) is None
    read_date(sample_of(form), form)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("db-1795914000_2026_13_29", "db-%s_%Y_%m_%d"),
        ("db-17959140000", "db-%s"),
        ("other-1795914000", "db-%s"),
        ("db-2026-11-28_x", "db-%F_%V"),
        ("db-10-Brumaire-2026", "db-%d-%B-%Y"),
        ("-" * 255, "%s-%A-%B-%p_%A"),
    ],
)
def test_a_name_of_another_form_is_no_date(text: str, form: str) -> None:
    """What date(1) has beyond strptime is read as strictly, and in a moment."""
    with pytest.raises(ValueError, match=r"does not match|is not of the form"):
        read_date(text, form)


def test_a_month_that_is_two_is_no_date() -> None:
    """July in glibc's fr_CH, June in others' French: which, no name tells."""
    with pytest.raises(AmbiguousMonthError, match="June on one system and July on another"):
        read_date("db-10-jui-2026", "db-%d-%b-%Y")


@pytest.mark.parametrize("form", ["%Y%-m%-d", "%F-%H%-M", "%-d1%-m-%Y", "%Y-%-m%T"])
def test_figures_without_padding_that_touch_others_are_refused(form: str) -> None:
    """2026111 is the first of November and the eleventh of January: no date is better."""
    with pytest.raises(ValueError, match="bad directive"):
        read_date(sample_of(form), form)


@pytest.mark.parametrize(
    ("text", "form"),
    [("db-2026111", "db-%Y%m%d"), ("20261012-130", "%Y%m%d-%H%M"), ("2026-1-12T1:05", "%Y-%mT%d"),
     ("2026-121", "%Y-%m%d")],
)  # fmt: skip
def test_figures_that_touch_have_all_their_digits(text: str, form: str) -> None:
    """2026111 is no date: strptime says 1 November, whoever wrote it may have meant 11 January."""
    with pytest.raises(ValueError, match=r"not of the form|match"):
        read_date(text, form)


@pytest.mark.parametrize("text", ["2026-W53", "2026-W54", "2026-W", "x"])
def test_a_week_that_a_year_has_not_is_no_date(text: str) -> None:
    """A name of another job, or with a slip in it, is not dated in the next year."""
    with pytest.raises(ValueError, match=r"no week|does not match|remains"):
        read_date(text, "%Y-W%W")


@pytest.mark.parametrize(
    ("form", "lack"),
    [
        ("%m-%d", "year"),
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
