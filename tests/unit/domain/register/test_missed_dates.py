"""A drill that the schedule asked for and nobody attempted is told, once a due date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pradrill.domain.register.entry import (
    Entry,
    EntryKind,
    RunEntry,
    ScheduleMissed,
    UnbegunAttempt,
)
from pradrill.domain.register.missed_dates import GRACE, missed
from pradrill.domain.values.duration import Cadence

LAST = datetime(2026, 1, 1, 3, tzinfo=UTC)
DUE = datetime(2026, 4, 1, 3, tzinfo=UTC)
QUARTERLY = {"moodle": Cadence.read("3 months")}


def a_run(
    started: datetime,
    *,
    state: str = "FINISHED",
    refusal: str | None = None,
    services: tuple[str, ...] = ("moodle",),
) -> Entry:
    """Return the entry of a run."""
    body = RunEntry(
        run_id="a-run",
        drill="moodle",
        services=services,
        state=state,
        refusal=refusal,
        verdict="INCONCLUSIVE",
        exit_code=12,
        started=started,
        ended=started,
        record_sha256="0" * 64,
    )
    return an_entry(EntryKind.RUN, body.model_dump(mode="json"), started)


def an_entry(kind: EntryKind, body: dict[str, object], at: datetime) -> Entry:
    """Return an entry."""
    return Entry(number=1, at=at, kind=kind, previous="0" * 64, body=body)


def told(*entries: Entry, now: datetime) -> list[datetime]:
    """Return the due dates of Moodle that were missed."""
    return [miss.due for miss in missed(QUARTERLY, entries, now)]


def test_a_due_date_without_an_attempt_is_missed_after_its_grace() -> None:
    """Three months after the last finished run, and a week: missed, and not a moment earlier."""
    end = DUE + GRACE
    assert told(a_run(LAST), now=end - timedelta(seconds=1)) == []
    assert told(a_run(LAST), now=end) == [DUE]


@pytest.mark.parametrize(
    ("state", "refusal"),
    [("FINISHED", None), ("FINISHED", "not_ready"), ("INTERRUPTED", None), ("CRASHED", None)],
)
def test_any_attempt_counts(state: str, refusal: str | None) -> None:
    """A refused, interrupted or crashed run was attempted: the schedule missed nothing."""
    tried = a_run(DUE + timedelta(days=5), state=state, refusal=refusal)
    assert told(a_run(LAST), tried, now=DUE + timedelta(days=30)) == []


def test_an_attempt_without_a_run_counts() -> None:
    """An attempt that its configuration ended is one."""
    at = DUE + timedelta(days=1)
    body = UnbegunAttempt(
        drill="moodle", services=("moodle",), trigger="due", user="root", exit_code=3, because="x"
    )
    entry = an_entry(EntryKind.ATTEMPT, body.model_dump(mode="json"), at)
    assert told(a_run(LAST), entry, now=DUE + timedelta(days=30)) == []


def test_an_attempt_before_or_long_after_does_not_count() -> None:
    """What was refused before the due date, or tried after the grace, was not on schedule."""
    early = a_run(DUE - timedelta(days=2), refusal="not_ready")
    late = a_run(DUE + timedelta(days=20), refusal="not_ready")
    assert told(a_run(LAST), early, late, now=DUE + timedelta(days=30)) == [DUE]


def test_another_services_run_does_not_count() -> None:
    """Only a run that covers the service is its attempt."""
    other = a_run(DUE, services=("wiki",))
    assert told(a_run(LAST), other, now=DUE + timedelta(days=30)) == [DUE]


def test_each_due_date_is_told_once() -> None:
    """What the register already tells is not told again; the next due date is."""
    body = ScheduleMissed(service="moodle", due=DUE, last=LAST).model_dump(mode="json")
    known = an_entry(EntryKind.SCHEDULE_MISSED, body, DUE)
    second = datetime(2026, 7, 1, 3, tzinfo=UTC)
    assert told(a_run(LAST), known, now=DUE + timedelta(days=30)) == []
    assert told(a_run(LAST), known, now=second + GRACE) == [second]


def test_a_service_never_drilled_has_no_due_date() -> None:
    """Without a finished run there is nothing to count from."""
    assert told(a_run(LAST, state="CRASHED"), now=DUE + timedelta(days=999)) == []


@given(
    days=st.integers(1, 90),
    tries=st.lists(st.integers(0, 400), max_size=8),
    checked=st.lists(st.integers(0, 400), min_size=1, max_size=6),
)
def test_however_often_one_looks_the_misses_are_the_same(
    days: int, tries: list[int], checked: list[int]
) -> None:
    """Looking often, with each miss entered, tells what looking once at the end tells."""
    entries = [a_run(LAST)]
    entries += [a_run(LAST + timedelta(days=t), refusal="busy") for t in tries]
    cadence = {"moodle": Cadence.read(f"{days} days")}
    looks = [LAST + timedelta(days=day) for day in sorted(checked)]
    once = [miss.due for miss in missed(cadence, entries, looks[-1])]
    often: list[datetime] = []
    for now in looks:
        for miss in missed(cadence, entries, now):
            often.append(miss.due)
            body = miss.model_dump(mode="json")
            entries.append(an_entry(EntryKind.SCHEDULE_MISSED, body, now))
    assert often == once
