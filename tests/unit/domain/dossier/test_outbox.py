"""What waits to be told is bounded in number and in time, and what was lost is counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from pradrill.domain.declared.notification import Occasion
from pradrill.domain.dossier.notification import mended, of_silence, troubles_of
from pradrill.domain.dossier.outbox import AGAIN, MOST_WAITING, PAUSES, Message, Outbox
from pradrill.domain.dossier.status import (
    Alarm,
    AlarmKind,
    ConclusiveRun,
    ServiceStatus,
    Standing,
    Status,
)
from pradrill.domain.run.ending import Verdict
from pradrill.domain.values.severity import Severity

NOW = datetime(2026, 11, 29, 8, tzinfo=UTC)


def a_message(channel: str = "ops", number: int = 0) -> Message:
    """Return a message that can be sent now."""
    return Message(channel=channel, subject=str(number), text="", made=NOW, next=NOW)


def test_a_message_is_tried_with_longer_and_longer_pauses_and_given_up() -> None:
    """One attempt more than there are pauses, in about a week; the failure stays known."""
    outbox, now = Outbox().posting([a_message(), a_message("other")]), NOW
    attempts = []
    while (message := outbox.waiting[0]).channel == "ops":
        now = max(now, message.next)
        attempts.append(now)
        outbox, attempt = outbox.trying(message, now)
        outbox = outbox.undelivered(attempt, "it answers 500", now)
    assert [after - at for at, after in pairwise(attempts)] == [*PAUSES]
    assert attempts[-1] - NOW < timedelta(days=8)
    assert [message.channel for message in outbox.waiting] == ["other"]
    failure = outbox.failures["ops"]
    assert (failure.since, failure.because, failure.lost) == (NOW, "it answers 500", 1)


def test_a_clock_that_was_wrong_puts_no_message_off_for_years() -> None:
    """It is sent now when it would wait for longer than any pause."""
    message = a_message().attempted(NOW + timedelta(days=900))
    assert message.is_due(NOW)
    late = a_message().model_copy(update={"attempts": len(PAUSES) - 1}).attempted(NOW)
    assert not late.is_due(NOW)
    assert late.is_due(NOW + PAUSES[-1])


def test_one_failure_stands_for_all_that_a_channel_is_to_tell() -> None:
    """A channel that hangs costs one deadline, not one for each message."""
    outbox = Outbox().posting([a_message(number=1), a_message(number=2), a_message("other")])
    outbox, attempt = outbox.trying(outbox.waiting[0], NOW)
    outbox = outbox.undelivered(attempt, "late", NOW)
    assert [message.next for message in outbox.waiting] == [NOW + PAUSES[0], NOW + PAUSES[0], NOW]

    working = outbox.working("ops", NOW)
    assert working.failures == {}
    assert {message.next for message in working.waiting} == {NOW}


def test_of_too_many_messages_the_oldest_are_lost_and_counted() -> None:
    """Neither the file nor the time of a command grows without end."""
    outbox = Outbox().posting(a_message(number=number) for number in range(MOST_WAITING + 3))
    assert len(outbox.waiting) == MOST_WAITING
    assert outbox.waiting[0].subject == "3"
    assert outbox.failures["ops"].lost == 3
    assert outbox.only(["other"]) == Outbox()


def a_status(now: datetime, *alarms: Alarm, services: Sequence[ServiceStatus] = ()) -> Status:
    """Return how the services of a company stand."""
    return Status(
        made=now,
        organisation="Exemple SAS",
        services=tuple(services),
        counts={},
        alarms=alarms,
        findings_open={},
        findings_overdue=0,
        damage=None,
        head=None,
        entries=0,
    )


def test_an_old_proof_mends_nothing_while_its_service_is_overdue() -> None:
    """Within a window of drill_on the proof before still holds; the one after it mends."""
    at = NOW - timedelta(days=90)
    proof = ConclusiveRun(run_id="old", drill="shop", at=at, verdict=Verdict.PASSED)
    shop = ServiceStatus(
        service="shop", title=None, tier=1, word=Standing.PROVEN, proof=proof, rto=1, rpo=1
    )
    late = Alarm(kind=AlarmKind.OVERDUE, level=AlarmKind.OVERDUE.level, service="shop")
    overdue, well = a_status(NOW, late, services=[shop]), a_status(NOW, services=[shop])
    troubles = troubles_of(overdue, of_silence(overdue, []))
    assert troubles == {"shop": Severity.MAJOR}
    assert [*mended(overdue, troubles, [], 0, lambda _run: [])] == []
    (news,) = mended(well, troubles, [], 0, lambda _run: [])
    assert (news.occasion, news.services) == (Occasion.MENDED, ("shop",))


def test_what_gets_worse_is_news_and_so_is_what_comes_back() -> None:
    """Overdue for a day, then a missed date: whoever hears of grave things alone hears of that."""

    def news(outbox: Outbox, now: datetime, *kinds: AlarmKind) -> tuple[Outbox, list[str | None]]:
        alarms = tuple(Alarm(kind=each, level=each.level, service="shop") for each in kinds)
        status = a_status(now, *alarms)
        lasting = [*of_silence(status, [])]
        fresh = outbox.news(lasting, now)
        present = {str(each.key) for each in lasting}
        return outbox.remembering(fresh, present, now), [each.key for each in fresh]

    late, missed = AlarmKind.OVERDUE, AlarmKind.MISSED_DATE
    steps = [(late,), (late,), (missed,), (missed,), (), (missed,)]
    outbox = Outbox()
    heads: list[str | None] = []
    for kinds in steps:
        outbox, keys = news(outbox, NOW, *kinds)
        heads.append(*keys or [None])
    major, critical = "overdue major shop", "overdue critical shop"
    assert heads == [major, None, critical, None, None, critical]
    assert news(outbox, NOW + AGAIN, missed)[1] == [critical]
