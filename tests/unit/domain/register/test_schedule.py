"""What the calendar asks for: rules as people write them, windows, quiet days, ten years of it."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise

import pytest

from pradrill.config.cron import instants
from pradrill.domain.declared.drill_on import DrillOn, QuietDays
from pradrill.domain.register.schedule import (
    RETRY,
    Date,
    Rule,
    Trial,
    dates,
    due_date,
    missed_dates_of,
    next_date,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2036, 1, 1, tzinfo=UTC)


def rule(text: str, hours: float = 6, *quiet: QuietDays) -> Rule:
    """Return a rule as the plan would have it."""
    return Rule(DrillOn.read(text), timedelta(hours=hours), quiet)


def due(text: str, first: datetime, last: datetime, *quiet: QuietDays) -> list[str]:
    """Return when a rule is due, in UTC."""
    return [
        f"{each.due:%Y-%m-%d %H:%M}" for each in dates(rule(text, 6, *quiet), instants, first, last)
    ]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        (
            "first Saturday of the quarter 02:00 Europe/Paris",
            ["2026-01-03 01:00", "2026-04-04 00:00", "2026-07-04 00:00", "2026-10-03 00:00"],
        ),
        (
            "last sunday of each quarter 4:30 UTC",
            ["2026-03-29 04:30", "2026-06-28 04:30", "2026-09-27 04:30", "2026-12-27 04:30"],
        ),
        ("second Tuesday of the half-year 02:00 UTC", ["2026-01-13 02:00", "2026-07-14 02:00"]),
        ("last day of the year 23:59 UTC", ["2026-12-31 23:59"]),
        ("first day of the half-year 00:00 UTC", ["2026-01-01 00:00", "2026-07-01 00:00"]),
        ("cron 0 3 15 5 * UTC", ["2026-05-15 03:00"]),
        ("cron 0 3 29 2 * UTC", []),
        ("cron 0 3 30 2 * UTC", []),
    ],
)
def test_a_rule_is_read_as_people_write_it(text: str, days: list[str]) -> None:
    """Weekdays of a month, a quarter, half a year and a year; cron for all else."""
    assert (
        due(text, START - timedelta(seconds=1), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
        == days
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("first Saturday of the quarter Europe/Paris", "no time of day"),
        ("first Saturday of the quarter 02:00", "write it with its time and zone"),
        ("first Caturday of the month 02:00 UTC", '"Caturday" is no day of the week'),
        ("first Saturday of the month 25:00 UTC", "25:00 is no time of day"),
        ("fifth Saturday of the month 02:00 UTC", "is no day of a drill"),
        ("cron 0 3 * * * 02:00 UTC", "its time twice"),
        (["x"], "is no day of a drill"),
        (12, "is no day of a drill"),
    ],
)
def test_what_is_no_rule_is_refused_in_words(text: object, words: str) -> None:
    """With an example."""
    with pytest.raises(ValueError, match=words):
        DrillOn.read(text)


def test_summer_time_skips_and_doubles_no_drill() -> None:
    """An hour that there is not is due after the gap, one that comes twice is due once."""
    text = "every Sunday 02:30 Europe/Paris"
    spring = due(text, datetime(2026, 3, 28, tzinfo=UTC), datetime(2026, 3, 30, tzinfo=UTC))
    assert spring == ["2026-03-29 01:00"]  # 03:00 of summer time
    autumn = due(text, datetime(2026, 10, 24, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC))
    assert autumn == ["2026-10-25 00:30"]


def test_a_leap_day_comes_every_four_years() -> None:
    """And is looked for as far ahead as it takes."""
    leap = rule("cron 0 3 29 2 * UTC")
    assert next_date(leap, instants, START) == datetime(2028, 2, 29, 3, tzinfo=UTC)
    assert next_date(rule("cron 0 3 30 2 * UTC"), instants, START) is None


def test_quiet_days_put_a_drill_off_to_their_end() -> None:
    """At the same time of the day after; two that are put off to one day are one."""
    closing = QuietDays(first=date(2026, 12, 20), last=date(2027, 1, 3), because="closing")
    text = "every Saturday 02:00 Europe/Paris"
    days = due(text, datetime(2026, 12, 18, tzinfo=UTC), datetime(2027, 1, 10, tzinfo=UTC), closing)
    assert days == ["2026-12-19 01:00", "2027-01-04 01:00", "2027-01-09 01:00"]
    within = rule(text, 6, closing)
    christmas = datetime(2026, 12, 26, 2, tzinfo=UTC)
    assert due_date(within, instants, [], START, christmas) is None
    with pytest.raises(ValueError, match="before the first"):
        QuietDays(first=date(2026, 2, 2), last=date(2026, 2, 1), because="x")
    with pytest.raises(ValueError, match="more than a year without drills"):
        QuietDays(first=date(2026, 2, 2), last=date(9999, 12, 31), because="until further notice")


def test_a_window_is_tried_again_until_it_is_over() -> None:
    """Not at once; not after a run that came to its end, whatever it proved; missed with why."""
    weekly = rule("every Saturday 02:00 UTC")
    at = datetime(2026, 1, 3, 2, tzinfo=UTC)
    assert due_date(weekly, instants, [], START, at - HOUR) is None
    assert due_date(weekly, instants, [], START, at) == Date(at, at + 6 * HOUR)
    refused = [Trial(at, finished=False, because="busy")]
    assert due_date(weekly, instants, refused, START, at + RETRY - timedelta(seconds=1)) is None
    assert due_date(weekly, instants, refused, START, at + HOUR) is not None
    ended = [*refused, Trial(at + HOUR, finished=True)]
    assert due_date(weekly, instants, ended, START, at + 2 * HOUR) is None
    assert due_date(weekly, instants, refused, START, at + 6 * HOUR) is None

    after = at + DAY
    assert list(missed_dates_of(weekly, instants, ended, START, after)) == []
    (miss,) = missed_dates_of(weekly, instants, refused, START, after)
    assert (miss.date.due, miss.because) == (at, "busy")
    assert list(missed_dates_of(weekly, instants, refused, START, at + 5 * HOUR)) == []
    assert list(missed_dates_of(weekly, instants, [], at + HOUR, after)) == []


RULES = (
    "first Saturday of the quarter 02:00 Europe/Paris",
    "last Sunday of the quarter 02:30 Europe/Paris",
    "third Wednesday of the month 22:00 America/New_York",
    "last Sunday of the month 02:30 Europe/Paris",
    "first day of the month 00:00 UTC",
    "every Sunday 02:30 Europe/Paris",
    "last day of the half-year 23:00 Australia/Lord_Howe",
    "cron 0 3 29 2 * Europe/Paris",
    "second Sunday of the month 02:30 America/New_York",
    "cron 15 1 * 1,7 0 Europe/Paris",
)


@cache
def _all_instants(on: DrillOn) -> list[datetime]:
    return list(instants(on, START - 60 * DAY, END + 60 * DAY))


def _remembered(on: DrillOn, first: datetime, last: datetime) -> Iterable[datetime]:
    """Return what cron says; asked once for the whole decade."""
    every = _all_instants(on)
    return every[bisect_left(every, first) : bisect_right(every, last)]


def test_a_decade_of_a_hundred_services() -> None:
    """Each date is kept by one run or recorded as missed, none by two, whatever is down when.

    A timer comes every hour while the controller is up, sometimes twice at once. Drills are
    refused, interrupted, and run; missed dates are looked for when the controller is back.
    """
    draw = random.Random(18)  # noqa: S311 no secret
    outages = _outages(draw)
    closings = [
        QuietDays(first=date(year, 12, 20), last=date(year + 1, 1, 4), because="closing")
        for year in range(2025, 2036)
    ]
    count = {"kept": 0, "missed": 0, "tried again": 0}
    for number in range(100):
        hours = draw.choice([1.5, 6, 12, 48])
        quiet = closings if number % 3 == 0 else []
        _live(rule(RULES[number % len(RULES)], hours, *quiet), outages, draw, count)

    assert count["kept"] > 5_000
    assert count["missed"] > 200
    assert count["tried again"] > 500


def _live(
    lived: Rule,
    outages: list[tuple[datetime, datetime]],
    draw: random.Random,
    count: dict[str, int],
) -> None:
    every = list(dates(lived, _remembered, START, END))
    assert all(first.end <= second.due for first, second in pairwise(every))
    trials: list[Trial] = []
    missed: set[datetime] = set()
    for day in every:
        now = day.due.replace(minute=0, second=0) + timedelta(minutes=draw.randrange(60)) - HOUR
        later = 0
        while now < day.end + HOUR and later < 2:  # of what follows a run, a look or two
            later += bool(trials) and trials[-1].finished and trials[-1].began >= day.due
            if not _is_down(now, outages):
                recent = trials[-5:]
                for _ in range(draw.choice([1, 1, 2])):
                    if due_date(lived, _remembered, recent, START, now) == day:
                        how = draw.choice(["", "", "", "busy", "not_ready", "interrupted"])
                        trials.append(Trial(now, finished=not how, because=how))
                        recent = trials[-5:]
                        count["tried again"] += bool(how)
            now += HOUR

    for now in (*sorted(end for _, end in draw.sample(outages, 2)), END + 3 * DAY):
        for miss in missed_dates_of(lived, _remembered, trials, START, now):
            if miss.date.due <= END:
                missed.add(miss.date.due)

    finished = [trial.began for trial in trials if trial.finished]
    for day in every:
        runs = bisect_left(finished, day.end) - bisect_left(finished, day.due)
        assert runs + (day.due in missed) == 1, day
        count["kept"] += runs
        count["missed"] += day.due in missed
    assert len(finished) + len(missed) == len(every)


def _outages(draw: random.Random) -> list[tuple[datetime, datetime]]:
    """Return when the controller is down: an hour, a night, three weeks."""
    outages, at = [], START
    while at < END:
        at += timedelta(hours=draw.randrange(24, 24 * 40))
        length = timedelta(hours=draw.choice([1, 1, 8, 30, 24 * 20]))
        outages.append((at, at + length))
        at += length
    return outages


def _is_down(now: datetime, outages: list[tuple[datetime, datetime]]) -> bool:
    place = bisect_right(outages, (now, END + 99 * DAY)) - 1
    return place >= 0 and now < outages[place][1]
