"""Whatever is said of a drill's days, or stands in a dump's name, it is a date or a sentence."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from itertools import islice

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, texts

from pradrill.app.proposal.place import pattern_of
from pradrill.config import cron
from pradrill.domain.declared.drill_on import DrillOn
from pradrill.domain.values.dated_text import lack_of, read_date
from pradrill.testing import after

WORDS = [
    *("first", "fourth", "last", "Saturday", "day", "of the", "of each", "month", "quarter"),
    *("half-year", "year", "every", "02:00", "24:00", "2:60", "٢:00", "UTC", "Europe/Paris"),
    *("cron", "0", "*", "*/0", "*/5", "30", "2", "31", "1-0", "L", "6#5", "6L", "7", "1,,2", "²"),
    *("99999999999999999999", "MON", "FEB", "cron 0 2 * * 6 UTC", "cron 0 0 30 2 * UTC"),
]
rules = st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join) | texts
START = after(0)


@settings(max_examples=4 * EXAMPLES)
@given(rules)
def test_a_rule_of_the_calendar_has_its_days_or_is_refused(text: str) -> None:
    """What is taken is read again as the same, and its days come one after another."""
    try:
        rule = DrillOn.read(text)
    except ValueError:
        return
    assert DrillOn.read(rule.text) == rule
    if cron.problem(rule.cron) is None:
        here = rule._replace(zone="Europe/Paris")
        days = list(islice(cron.instants(here, START, START + timedelta(days=400)), 20))
        assert days == sorted(days)


PARTS = [
    *("shop", "-", "_", ".", " ", "T", "%", "%%", "2026-03-10", "20260310", "2026", "03", "1"),
    *("020000", "02-00-00", "02:00", "0200", "Z", "+0100", ".sql.gz", "2026-02-30", "99", "٣"),
    *("1773108000", "2026-W11", "10-03-2026", "\n", "é", "\ud800", "9999-12-31", "0000-00-00"),
]


@settings(max_examples=4 * EXAMPLES)
@given(st.lists(st.sampled_from(PARTS) | st.text(max_size=3), max_size=9).map("".join))
def test_the_name_of_a_dump_has_a_pattern_by_which_it_is_read(name: str) -> None:
    """A pattern that is proposed lacks nothing of a date."""
    pattern = pattern_of(name)
    if pattern is not None:
        assert lack_of(pattern) is None
        with suppress(ValueError):
            read_date(name, pattern)


FORMS = [*(f"%{each}" for each in "YyGbBmdjHIpMSfzZWUVuwaAcxX%"), "-", "dump", " "]


@settings(max_examples=4 * EXAMPLES)
@given(
    st.lists(st.sampled_from(FORMS), max_size=6).map("".join),
    st.lists(st.sampled_from(PARTS), max_size=6).map("".join),
)
def test_a_date_is_read_of_a_name_or_refused(form: str, name: str) -> None:
    """Whatever a server's files are called, a form reads a date in it or none."""
    with suppress(ValueError, re.error):  # the latter: a directive that is there twice
        read_date(name, form)
