"""A newest backup that is not like those before it, or late, is a finding from the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from pradrill.domain.declared.backup_source import Promised
from pradrill.domain.register.finding_of_backup import finding_of_backup
from pradrill.domain.run.backup_catalogue import Catalogue, RecoveryPoint
from pradrill.domain.run.backup_watch import (
    LateBackup,
    ShrunkBackup,
    SlowBackup,
    Suspicion,
    suspicions,
)
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.run.case_sections import finding_title, opened_by

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
START = datetime(2026, 11, 1, 1, tzinfo=UTC)


def backup(number: int, size: int | None = 1000, minutes: float | None = 10) -> RecoveryPoint:
    """Return that night's backup."""
    at = START + number * DAY
    end = None if minutes is None else at + minutes * MINUTE
    return RecoveryPoint(id=f"b{number}", data_time=at, end_time=end, size=size)


def odd(
    points: Sequence[RecoveryPoint],
    *,
    after: timedelta = HOUR,
    promised: Promised | None = None,
    source: str = "restic",
) -> list[Suspicion]:
    """Return what is suspicious so long after the newest."""
    read_at = max(point.data_time for point in points) + after
    due = tuple(START + number * DAY for number in range(40))
    return list(
        suspicions(
            Catalogue(
                source=source,
                location="/srv/backups",
                read_at=read_at,
                points=tuple(points),
                due=tuple(at for at in due if at <= read_at),
            ),
            promised,
        )
    )


FIVE = [backup(number, 1000 + number) for number in range(5)]


def test_what_is_like_those_before_is_no_suspicion() -> None:
    """Half as large exactly, twice as long exactly, seconds that became a minute."""
    assert odd([*FIVE, backup(5, 501, 20)]) == []
    quick = [backup(number, minutes=0.1) for number in range(5)]
    assert odd([*quick, backup(5, minutes=1)]) == []
    assert odd([*FIVE[:2], backup(2, 1, 99)]) == []  # two say nothing of a third
    assert odd([*(backup(n, None, None) for n in range(5)), backup(5)]) == []


def test_a_backup_that_is_suddenly_half_as_large_is_one() -> None:
    """Against the middle of those before: one that was odd before moves it little."""
    (shrunk,) = odd([*FIVE, backup(5, 499)])
    assert shrunk == ShrunkBackup("b5", 499, 1002)
    assert odd([*FIVE, backup(5, 10), backup(6, 1000)]) == []
    assert [type(each) for each in odd([*FIVE, backup(5, 10), backup(6, 12)])] == [ShrunkBackup]


def test_a_backup_that_takes_twice_as_long_is_one() -> None:
    """As far as the catalogue has both of its times."""
    (slow,) = odd([*FIVE, backup(5, minutes=21)])
    assert slow == SlowBackup("b5", 21 * MINUTE, 10 * MINUTE)


def test_others_kinds_are_not_compared() -> None:
    """An increment of pgBackRest takes less than a full one; each host has its own."""
    full = [
        backup(number, minutes=60).model_copy(update={"id": f"{number}F"}) for number in range(5)
    ]
    increment = backup(5, minutes=300).model_copy(update={"id": "0F_5I"})
    assert odd([*full, increment], source="pgbackrest") == []
    other = backup(5, 1).model_copy(update={"host": "other"})
    assert odd([*FIVE, other]) == []


@pytest.mark.parametrize(
    ("promised", "hours", "late"),
    [
        (None, 47, False),
        (None, 49, True),
        (Promised(every=DAY, tolerance=2 * HOUR), 25.9, False),
        (Promised(every=DAY, tolerance=2 * HOUR), 26.1, True),
        (Promised(cron="0 1 * * *", tolerance=2 * HOUR), 25.9, False),
        (Promised(cron="0 1 * * *", tolerance=2 * HOUR), 26.1, True),
    ],
)
def test_a_backup_that_is_late_is_one(promised: Promised | None, hours: float, late: bool) -> None:
    """By the promise; without one, by how those before it came."""
    answer = odd(FIVE, after=hours * HOUR, promised=promised)
    assert [type(each) for each in answer] == ([LateBackup] if late else [])
    if late:
        assert isinstance(answer[0], LateBackup)
        assert answer[0].due == START + 5 * DAY


def test_several_backups_of_one_night_are_one_rhythm() -> None:
    """Database, files and configuration within two minutes: the next is due in a day."""
    nights = [
        backup(number // 3).model_copy(
            update={
                "id": f"b{number}",
                "data_time": START + number // 3 * DAY + number % 3 * MINUTE,
            }
        )
        for number in range(18)
    ]
    assert odd(nights, after=2 * HOUR) == []
    assert [type(each) for each in odd(nights, after=49 * HOUR)] == [LateBackup]


def test_it_is_a_finding_in_both_languages() -> None:
    """Named after the backup, so that each is opened once."""
    every: list[tuple[Suspicion, str, str]] = [
        (ShrunkBackup("b5", 1, 9), "backup-shrunk/shop/b5", "plus de deux fois plus petite"),
        (SlowBackup("b5", HOUR, MINUTE), "backup-slow/shop/b5", "deux fois plus que"),
        (LateBackup("b5", START, is_promised=True), "backup-late/shop/b5", "a suivi b5"),
    ]
    for suspicion, key, french in every:
        finding = finding_of_backup(suspicion, "shop", ("shop",), "ops", START)
        assert finding.key == key
        assert finding_title(finding) == finding.title
        assert finding.detail
        with speaking("fr"):
            assert french in finding_title(finding)
            assert opened_by(finding) == "le catalogue"
