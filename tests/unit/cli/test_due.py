"""`pradrill due` by the calendar: what is due, tried again, missed; nothing twice."""

from __future__ import annotations

import fcntl
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.support.status_house import TODAY, StatusHouse, answer

from pradrill.domain.register.entry import AttemptEntry, Entry, EntryKind, ScheduleRule

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def house(tmp_path: Path) -> StatusHouse:
    """Return a service that is drilled each day, at the hour before now."""
    house = StatusHouse(tmp_path, ("shop",))
    house.rewrite("drills/plan.yml", "drill_every: 3 months", f"drill_on: {daily()}")
    return house


def daily() -> str:
    """Return a rule whose last date was an hour ago."""
    return f"every day {TODAY - timedelta(hours=1):%H:%M} UTC"


def stands_since(house: StatusHouse, at: datetime) -> None:
    """Enter the rule as a schedule did then."""
    house.register.append(EntryKind.SCHEDULE, ScheduleRule(service="shop", rule=daily()), at)


def entries(house: StatusHouse, kind: EntryKind) -> list[Entry]:
    """Return the entries of a kind."""
    return [entry for entry in house.register.entries() if entry.kind is kind]


def test_a_rule_stands_from_when_it_is_first_seen(house: StatusHouse, capsys: Capture) -> None:
    """No date before was ever missed; entered once, and again when it is another or none."""
    status = answer(house, capsys, "status", "--json")
    assert "not_scheduled" in status.kinds()
    assert status.service("shop")["drill_on"] == daily()
    for _ in range(2):
        assert answer(house, capsys, "due").out == "nothing is due\n"
    assert [entry.body["rule"] for entry in entries(house, EntryKind.SCHEDULE)] == [daily()]
    assert entries(house, EntryKind.SCHEDULE_MISSED) == []
    assert "not_scheduled" not in answer(house, capsys, "status", "--json").kinds()

    house.rewrite("drills/plan.yml", f"drill_on: {daily()}", "drill_every: 3 months")
    answer(house, capsys, "due")
    assert [e.body["rule"] for e in entries(house, EntryKind.SCHEDULE)] == [daily(), ""]


def test_a_drill_that_could_not_run_is_tried_again_in_its_window(
    house: StatusHouse, capsys: Capture
) -> None:
    """An hour later, not at once; a second call while the first is at work does nothing."""
    stands_since(house, TODAY - timedelta(hours=2))
    listed = answer(house, capsys, "due")
    assert listed.out.startswith("shop: due, until ")

    lock = house.state / "locks" / "schedule"
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        busy = answer(house, capsys, "due", "--run", "--scheduled")
        assert (busy.code, busy.out) == (0, "")
        assert entries(house, EntryKind.RUN) == []

    refused = answer(house, capsys, "due", "--run", "--scheduled")
    assert refused.code == 4  # there is no lab
    tries = len(entries(house, EntryKind.RUN)) + len(entries(house, EntryKind.ATTEMPT))
    assert tries == 1
    again = answer(house, capsys, "due", "--run", "--scheduled")
    assert (again.code, again.out) == (0, "")
    assert len(entries(house, EntryKind.RUN)) + len(entries(house, EntryKind.ATTEMPT)) == 1


def test_a_clock_that_was_wrong_puts_no_drill_off_for_years(
    tmp_path: Path, capsys: Capture
) -> None:
    """A trial that is to come was no trial of today."""
    house = StatusHouse(tmp_path, ("shop",), every="1 day")
    house.run("shop", "P", 3)
    house.run("shop", "R", -400)
    assert answer(house, capsys, "due", "--run", "--scheduled").code == 4  # there is no lab
    again = answer(house, capsys, "due", "--run", "--scheduled")
    assert "shop" not in again.out


def test_a_date_that_was_missed_says_why(house: StatusHouse, capsys: Capture) -> None:
    """Once for each date, with what the last trial in its window said; the status tells."""
    stands_since(house, TODAY - timedelta(days=2, hours=2))
    at = TODAY - timedelta(days=1, minutes=30)
    attempt = AttemptEntry(
        drill="shop",
        services=("shop",),
        trigger="due",
        user="root",
        exit_code=5,
        because="the standby is held by run 7",
        began=at,
    )
    house.register.append(EntryKind.ATTEMPT, attempt, at)
    alarms = answer(house, capsys, "status", "--json").data["alarms"]
    (missed,) = (alarm for alarm in alarms if alarm["kind"] == "missed_date")
    assert (missed["detail"], missed["because"]) == ("2", "the standby is held by run 7")

    stderr = answer(house, capsys, "due").err
    assert "and its drill could not run: the standby is held by run 7" in stderr
    assert "and nobody attempted its drill" in stderr
    answer(house, capsys, "due")
    because = [entry.body["because"] for entry in entries(house, EntryKind.SCHEDULE_MISSED)]
    assert because == ["", "the standby is held by run 7"]


def test_a_run_keeps_its_date_and_the_next_outdates_its_proof(
    house: StatusHouse, capsys: Capture
) -> None:
    """A proof holds until the next date and its window have passed without another."""
    stands_since(house, TODAY - timedelta(days=4))
    house.run("shop", "P", 40 / (24 * 60))
    status = answer(house, capsys, "status", "--json")
    assert status.service("shop")["word"] == "proven"
    assert not status.service("shop")["is_due"]
    assert answer(house, capsys, "due").out == "nothing is due\n"

    other = StatusHouse(house.folder / "other", ("shop",))
    other.rewrite("drills/plan.yml", "drill_every: 3 months", f"drill_on: {daily()}")
    stands_since(other, TODAY - timedelta(days=4))
    other.run("shop", "P", 3)
    shop = answer(other, capsys, "status", "--json").service("shop")
    assert (shop["word"], shop["expiry"], shop["is_due"]) == ("expired", ["old"], True)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("first Saturday of the month 02:00 Mars/Base", 'there is no time zone "Mars/Base"'),
        ("cron 0 99 * * * UTC", '"0 99 * * *" is not a cron expression'),
        ("first Caturday of the month 02:00 UTC", '"Caturday" is no day of the week'),
    ],
)
def test_a_wrong_rule_is_told_with_its_line(
    house: StatusHouse, capsys: Capture, rule: str, words: str
) -> None:
    """By whatever reads the plan."""
    house.rewrite("drills/plan.yml", daily(), rule)
    due = answer(house, capsys, "due")
    assert due.code == 3
    assert "plan.yml:9: services.shop.drill_on: " in due.err
    assert words in due.err


@pytest.mark.parametrize("rule", ["drill_on", "drill_every"])
def test_a_damaged_line_of_the_register_puts_no_drill_off(
    house: StatusHouse, capsys: Capture, rule: str
) -> None:
    """What is due is due, and what nobody kept is not told by what can be read of the register."""
    stands_since(house, TODAY - timedelta(hours=2))
    if rule == "drill_every":
        house.rewrite("drills/plan.yml", f"drill_on: {daily()}", "drill_every: 3 months")
        answer(house, capsys, "due")
    with house.register.path.open("ab") as file:
        file.write(b"no entry\n")
    assert "shop" in answer(house, capsys, "due").out
    assert EntryKind.SCHEDULE_MISSED not in {entry.kind for entry in house.register.legible()}
