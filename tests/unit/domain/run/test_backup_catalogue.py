"""The catalogue's pure parts: which point is chosen, and the worst case that history allows."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pradrill.domain.declared.backup_source import Promised, Select
from pradrill.domain.run.backup_catalogue import (
    Catalogue,
    RecoveryPoint,
    choose,
    read,
    worst_case,
    worst_case_text,
)
from pradrill.errors import NotReadyError
from pradrill.testing import a_catalogue, a_point, after

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
WINDOW = timedelta(hours=8)


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """Return up to eight backups of the last ten hours, some unusable, overlapping as they may."""
    points = []
    for number in range(draw(st.integers(1, 8))):
        data = after(0) - draw(st.integers(0, 600)) * MINUTE
        points.append(
            RecoveryPoint(
                id=f"p{number}",
                data_time=data,
                end_time=draw(st.none() | st.just(data + draw(st.integers(0, 90)) * MINUTE)),
                tags=tuple(draw(st.sets(st.sampled_from(["moodle", "wiki"])))),
                problem=draw(st.sampled_from(["", "", "it failed"])),
            )
        )
    return a_catalogue(*points)


@st.composite
def rules(draw: st.DrawFn) -> Select:
    """Return a rule of any form."""
    if draw(st.booleans()):
        return Select(id=f"p{draw(st.integers(0, 9))}")
    before = draw(st.none() | st.integers(0, 700).map(lambda n: after(0) - n * MINUTE))
    return Select(before=before, tag=draw(st.none() | st.sampled_from(["moodle", "wiki"])))


@settings(deadline=None)  # a busy machine is no failure
@given(catalogues(), rules())
def test_a_chosen_point_is_usable_and_matches_and_none_newer_does(
    catalogue: Catalogue, rule: Select
) -> None:
    """Whatever the catalogue, a rule means the newest usable point that it describes, or none."""
    fit = [
        point
        for point in catalogue.points
        if not point.unusable(catalogue.read_at)
        and (rule.id is None or point.id == rule.id)
        and (rule.tag is None or rule.tag in point.tags)
        and (rule.before is None or point.available < rule.before)
    ]
    if not fit:
        with pytest.raises(NotReadyError):
            choose(catalogue, rule)
        return
    chosen, why = choose(catalogue, rule)
    assert chosen in fit
    assert chosen.data_time == max(point.data_time for point in fit)
    assert why


def loss_at(catalogue: Catalogue, instant: datetime) -> timedelta | None:
    """Return what a disaster at that instant would have lost, by the definition.

    Before the first backup was complete, which a copy without its times may hide, each counts from
    its data's time on.
    """
    now = catalogue.read_at  # what a clock ahead of ours dates a little later is there now
    usable = catalogue.usable()
    result = [point for point in usable if min(point.available, now) <= instant]
    result = result or [point for point in usable if min(point.data_time, now) <= instant]
    return instant - max(point.data_time for point in result) if result else None


@settings(deadline=None)  # a busy machine is no failure
@given(catalogues())
def test_the_worst_case_is_the_largest_loss_of_any_instant(catalogue: Catalogue) -> None:
    """Against every second-before and minute of the window, tried one by one."""
    if not catalogue.usable():
        return
    worst = worst_case(catalogue, WINDOW)
    now = catalogue.read_at
    instants = [worst.since + n * MINUTE for n in range((now - worst.since) // MINUTE + 1)]
    second = timedelta(seconds=1)
    losses = [
        loss
        for instant in (
            *instants,
            *(i - second for i in instants if i - second >= worst.since),
            now,
        )
        if instant <= now and (loss := loss_at(catalogue, instant)) is not None
    ]
    largest = timedelta(seconds=worst.seconds)
    assert max(losses) <= largest <= max(losses) + second
    assert worst.struck - worst.data_from == largest
    assert worst.since <= worst.struck <= now


@settings(deadline=None)  # a busy machine is no failure
@given(catalogues(), st.integers(1, 400), st.integers(0, 60))
def test_what_was_promised_and_is_missing_was_really_due(
    catalogue: Catalogue, every: int, tolerance: int
) -> None:
    """No backup's data lies between the due time less one period and its end of grace."""
    if not catalogue.usable():
        return
    period = every * MINUTE
    promised = Promised(every=period, tolerance=tolerance * MINUTE)
    worst = worst_case(catalogue, WINDOW, promised)
    times = [point.data_time for point in catalogue.usable()]
    assert worst.missing_count >= len(worst.missing)
    for due in worst.missing:
        assert worst.since <= due <= catalogue.read_at
        assert not any(due - period < at < due + promised.tolerance for at in times)
    if worst.missing_count == 0:
        pairs = zip(sorted(times), [*sorted(times)[1:], catalogue.read_at], strict=True)
        for earlier, later in pairs:
            due_last = earlier + ((later - promised.tolerance - earlier) // period) * (period)
            is_missing = later - earlier > period + promised.tolerance
            assert not (
                is_missing and due_last >= worst.since and due_last + promised.tolerance < later
            )


def test_a_night_without_a_backup_is_the_worst_case_and_is_missing() -> None:
    """Three nights, the middle one gone: 48 h and the backup's duration would have been lost."""
    catalogue = a_catalogue(a_point(3), a_point(2), a_point(0))
    worst = worst_case(catalogue, 90 * DAY, Promised(every=DAY))
    assert timedelta(seconds=worst.seconds) == 2 * DAY + timedelta(minutes=10)
    assert worst.is_short
    assert worst.restored_from == a_point(2).id
    assert worst.ended_by == a_point(0).id
    assert worst.missing == (a_point(1).data_time,)
    assert worst_case_text(worst).startswith("2d00h: struck 2026-03-09 23:10:00 UTC (just before")


def test_a_backup_job_that_stopped_makes_now_the_worst_case() -> None:
    """When nothing came since, the disaster that is worst is the one of this moment."""
    worst = worst_case(a_catalogue(a_point(9), a_point(8)), 90 * DAY, Promised(every=DAY))
    assert worst.ended_by is None
    assert worst.struck == after(0)
    assert worst.missing_count == 8


def test_what_lies_before_the_window_does_not_count() -> None:
    """A gap that ended before the window is history; one that reaches into it counts."""
    catalogue = a_catalogue(a_point(40), a_point(20), *(a_point(n) for n in range(10)))
    daily, reaching = DAY + timedelta(minutes=10), 11 * DAY + timedelta(minutes=10)
    assert worst_case(catalogue, 9 * DAY).seconds == daily.total_seconds()
    assert worst_case(catalogue, 10 * DAY).seconds == reaching.total_seconds()


def _of(host: str, *nights: int, paths: tuple[str, ...] = ()) -> list[RecoveryPoint]:
    return [
        a_point(n, id=f"{host}{n}").model_copy(update={"host": host, "paths": paths})
        for n in nights
    ]


BESIDE = {
    "another machine's between": ([*_of("web", 4, 2, 0), *_of("db", 3, 1)], 2, 2),
    "another folder's between": (
        [*_of("web", 4, 2, 0, paths=("/srv",)), *_of("web", 3, 1, paths=("/var/db",))], 2, 2,
    ),
    "one try from elsewhere": ([*_of("web", 4, 2, 0), *_of("laptop", 1)], 2, 1),
    "a machine with another folder before": (
        [*_of("web", 1, 0, paths=("/srv",)), *_of("db", 4, 3, 2, paths=("/var/db",))], 1, 3,
    ),
    "a machine that was renamed": ([*_of("web2", 1, 0), *_of("web", 3, 2)], 1, 0),
    "another name each night": ([*_of("4f2a", 2), *_of("9c11", 1), *_of("77de", 0)], 1, 0),
    "a folder more since then": (
        [*_of("web", 1, 0, paths=("/etc", "/srv")), *_of("web", 3, 2, paths=("/srv",))], 1, 0,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BESIDE)
def test_what_others_wrote_beside_it_makes_no_history_better(case: str) -> None:
    """A repository that several machines share has a worst case for each, and none of them all."""
    points, nights, beside = BESIDE[case]
    reading = read(a_catalogue(*points), Select(), 90 * DAY, None)
    assert reading.worst_case.seconds == pytest.approx(nights * DAY.total_seconds(), abs=3_600)
    assert reading.beside == beside


def test_times_that_a_copy_has_lost_hide_no_gap() -> None:
    """Copied a minute ago, the same backups have the same gap, and the same nights are missing."""
    nights = [a_point(n) for n in (12, 11, 7, 6, 0)]
    copied = [point.model_copy(update={"end_time": after(-60)}) for point in nights]
    promised = Promised(every=DAY)
    true, copy = (worst_case(a_catalogue(*each), 90 * DAY, promised) for each in (nights, copied))
    assert timedelta(seconds=copy.seconds) == 6 * DAY
    assert (copy.missing, copy.since) == (true.missing, true.since)
    assert copy.missing_count == 8


@pytest.mark.parametrize(
    ("nights", "window", "promised", "short"),
    [
        (90, 90 * DAY, None, False),
        (89, 90 * DAY, None, False),  # retention keeps ninety, of which one is being replaced
        (7, 90 * DAY, None, True),
        (7, 7 * DAY, None, False),
        (7, 7 * DAY, Promised(every=30 * DAY), True),
        (7, 7 * DAY, Promised(cron="0 0 1 1 *"), True),  # none was due: nothing could be missed
    ],
)
def test_a_history_that_is_shorter_than_what_it_is_to_prove_is_told(
    nights: int, window: timedelta, promised: Promised | None, *, short: bool
) -> None:
    """What lies before it in the window may have been a longer gap than any that is seen."""
    catalogue = a_catalogue(*(a_point(n) for n in range(nights + 1)))
    assert worst_case(catalogue, window, promised).is_short is short


def test_a_backup_of_the_future_is_never_chosen() -> None:
    """A date ahead of the controller's clock is a wrong clock or a forgery."""
    ahead = a_point(id="ahead", data_time=after(3_600), end_time=None)
    chosen, _ = choose(a_catalogue(a_point(), ahead), Select())
    assert chosen.id == a_point().id
    with pytest.raises(NotReadyError, match="in the future"):
        choose(a_catalogue(a_point(), ahead), Select(id="ahead"))


@pytest.mark.parametrize(
    "name", ["{{ lookup('pipe', 'id') }}", "a b", "-rf", "a;b", "a\nb", "é", "$(id)", "../../etc"]
)
def test_a_name_that_a_playbook_could_obey_is_never_chosen(name: str) -> None:
    """A backup's name is hostile input: it is handed to playbooks only when it is harmless."""
    with pytest.raises(NotReadyError, match="characters"):
        choose(a_catalogue(a_point(id=name)), Select())


def test_the_beginning_of_an_id_is_enough_when_it_is_the_only_one() -> None:
    """Short ids are how people write them; an ambiguous one means nothing."""
    catalogue = a_catalogue(a_point(id="5d84713f00"), a_point(1, id="5d84aaaa00"))
    assert choose(catalogue, Select(id="5d8471"))[0].id == "5d84713f00"
    with pytest.raises(NotReadyError, match="2 backups"):
        choose(catalogue, Select(id="5d84"))
    with pytest.raises(NotReadyError, match="no backup"):
        choose(catalogue, Select(id="5d"))


def test_a_cron_schedule_is_kept_when_a_backup_began_within_its_tolerance() -> None:
    """Of four nights that were due, the one without a backup is missing; tonight is not due yet."""
    nights = [a_point(n).data_time - timedelta(minutes=5) for n in (3, 2, 1, 0)]
    catalogue = a_catalogue(a_point(3), a_point(1), a_point(0)).model_copy(
        update={"due": (nights[0] - DAY, *nights, after(-60))}
    )
    promised = Promised(cron="55 22 * * *", tolerance=timedelta(minutes=30))
    worst = worst_case(catalogue, timedelta(days=90), promised)
    assert worst.missing == (nights[1],)
    assert worst.promised.text == "cron 55 22 * * * (UTC), 30m of grace"


def test_before_an_instant_means_complete_by_then() -> None:
    """A backup that was still running at the instant may hold what came after it."""
    running = a_point()
    instant = running.data_time + timedelta(minutes=5)
    chosen, _ = choose(a_catalogue(a_point(1), running), Select(before=instant))
    assert chosen == a_point(1)
