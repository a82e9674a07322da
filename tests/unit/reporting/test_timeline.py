"""The timeline picture: every coordinate finite and inside, whatever the run was like."""

import math
from datetime import timedelta

import pytest

from pradrill.domain.declared.plan import Objectives
from pradrill.domain.run.outcome import Phase, StepKind, StepOutcome
from pradrill.domain.run.record import Recovery, RunRecord
from pradrill.domain.values.timeline import Instant, Mark, Provenance
from pradrill.reporting.run.timeline_layout import WIDTH, Picture, draw
from pradrill.testing import (
    START,
    a_record,
    a_recovery,
    a_run_plan,
    a_service,
    a_step,
    after,
    measured,
)


def drawn(record: RunRecord) -> Picture:
    """Draw, and check that everything lies in the view box."""
    picture = draw(record)
    assert picture is not None
    xs = [x for x, _ in picture.ticks]
    ys = [picture.top, picture.bottom]
    for bar in picture.bars:
        xs += [bar.x, bar.x + bar.width, bar.text_x, *bar.flaws]
        xs += [] if bar.deadline_x is None else [bar.deadline_x]
        ys += [bar.y, bar.y + 20]
        assert bar.width > 0
    for flag in picture.flags:
        xs += [flag.x, flag.label_x, flag.low_x, flag.high_x]
        ys += [flag.label_y - 8, flag.label_y]
    for gap in picture.breaks:
        xs += [gap.x, gap.x + gap.width]
    assert all(math.isfinite(x) and 0 <= x <= WIDTH for x in xs)
    assert all(math.isfinite(y) and 0 <= y <= picture.height for y in ys)
    return picture


def with_rto(**rto: float) -> RunRecord:
    """Return the usual run with another RTO."""
    goals = Objectives(rto=timedelta(**rto), rpo=timedelta(hours=24))
    return a_record(plan=a_run_plan(services={"moodle": a_service(objectives=goals)}))


def spread(picture: Picture) -> float:
    """Return the width that the run's own bars cover."""
    return max(bar.x + bar.width for bar in picture.bars) - min(bar.x for bar in picture.bars)


def test_marks_and_objective_in_order() -> None:
    """T0 is left of T3, T4, T5 and the RTO, in that order."""
    labels = [flag.label.split()[0] for flag in drawn(a_record()).flags]
    assert labels == ["T0", "T3", "T4", "T5", "RTO"]


def test_near_objective_is_to_scale() -> None:
    """An RTO just after the run is drawn where it is, on an unbroken axis."""
    assert drawn(with_rto(minutes=45)).breaks == ()


@pytest.mark.parametrize("hours", [4, 240, 36_500 * 24])
def test_far_objective_breaks_the_axis(hours: int) -> None:
    """However far the RTO is, the run keeps most of the width and the break says how long it is."""
    picture = drawn(with_rto(hours=hours))
    assert len(picture.breaks) == 1
    assert spread(picture) > 0.6 * 576


def test_disruption_long_before_launch() -> None:
    """A disruption two days before the launch is drawn, behind a break."""
    marks = {
        Mark.DISRUPTION: Instant.around(after(-172_800), Provenance.ENTERED, within=600),
        Mark.SERVICE_VERIFIED: measured(2_530),
    }
    picture = drawn(a_record(recovery=a_recovery(marks=marks)))
    assert picture.flags[0].label == "T0"
    assert picture.breaks[0].x < picture.bars[0].x
    assert spread(picture) > 0.5 * 576


def test_objective_passed_during_the_run() -> None:
    """An RTO that ran out during the run is drawn across its bars."""
    picture = drawn(with_rto(minutes=20))
    goal = next(flag for flag in picture.flags if flag.objective)
    restore = next(bar for bar in picture.bars if bar.label == "restore_moodle")
    assert restore.x < goal.x < restore.x + restore.width


def test_run_of_no_length() -> None:
    """A run that ended at the instant it began can be drawn."""
    step = a_step(started=START, ended=START, seconds=0, deadline=None)
    drawn(a_record(steps=(step,), ended=START))
    drawn(a_record(steps=(), ended=START))


def test_hundreds_of_steps_become_phases() -> None:
    """Five hundred steps are drawn as one bar a phase, with a stroke for each that did not pass."""
    steps = tuple(
        a_step(
            phase=list(Phase)[number % 5],
            started=after(number),
            ended=after(number + 1),
            seconds=1,
            outcome=StepOutcome.FAILED if number % 100 == 0 else StepOutcome.PASSED,
        )
        for number in range(500)
    )
    picture = drawn(a_record(steps=steps))
    assert picture.by_phase
    assert [bar.label for bar in picture.bars] == [f"{phase} (100 steps)" for phase in Phase]
    assert len(picture.bars[0].flaws) == 5


def test_step_that_did_not_pass_is_not_plain() -> None:
    """A step that did not pass is hatched and says its outcome."""
    bar = drawn(a_record(steps=(a_step(outcome=StepOutcome.TIMED_OUT),))).bars[0]
    assert not bar.plain
    assert bar.text == "40m54s timed out"


def test_waiting_for_people_is_drawn_apart() -> None:
    """A step that waits for a person is an empty bar; a machine's step is not."""
    steps = (a_step(kind=StepKind.MANUAL), a_step(name="other"))
    assert [bar.wait for bar in drawn(a_record(steps=steps)).bars] == [True, False]


def test_labels_of_marks_do_not_overlap() -> None:
    """Marks at the same instant get their labels on different rows."""
    marks = {mark: measured(0.1 * number) for number, mark in enumerate(Mark)}
    picture = drawn(a_record(recovery=Recovery(marks=marks)))
    assert len({flag.label_y for flag in picture.flags if not flag.objective}) == len(Mark)


def test_nothing_recorded_nothing_drawn() -> None:
    """Without steps and marks there is no picture."""
    assert draw(a_record(steps=(), recovery=Recovery())) is None


def test_ticks_are_round_and_few() -> None:
    """The axis of any run, from a second to years, carries a few round instants."""
    for seconds in (1, 50, 3_000, 90_000, 3e6, 1e9):
        ticks = drawn(a_record(steps=(a_step(ended=after(seconds + 50)),))).ticks
        assert 1 <= len(ticks) <= 8
