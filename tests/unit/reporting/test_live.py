"""What a terminal shows of a run that goes on: the few lines below those of finished steps."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
from datetime import timedelta
from itertools import count
from types import FrameType
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from pradrill.domain.run.estimate import Estimate, estimate, step_times
from pradrill.domain.run.outcome import Phase, StepKind, StepOutcome
from pradrill.domain.run.run_plan import RunPlan
from pradrill.reporting.language.i18n import LANGUAGES
from pradrill.reporting.text.live import LiveProgress
from pradrill.testing import FakeClock, a_question, a_run_plan, a_step, an_estate

RUN = "20260310T020000Z-moodle-7f3a9c"


def a_view(
    plan: RunPlan, width: int = 80, *, language: str = "en"
) -> tuple[LiveProgress, FakeClock]:
    """Return the view of a run that has just begun, and its clock."""
    clock = FakeClock()
    console = Console(file=io.StringIO(), width=width, force_terminal=True, highlight=False)
    view = LiveProgress(console, clock.now, plan, language=language)
    view.begin(RUN, plan)
    return view, clock


def frame(view: LiveProgress) -> list[str]:
    """Return the live lines as they are now, without their colours."""
    console = view._console
    with console.capture() as drawing:
        console.print(view._render())
    return [re.sub(r"\x1b\[[0-9;]*m", "", each).rstrip() for each in drawing.get().splitlines()]


def usual(plan: RunPlan, seconds: float) -> Estimate:
    """Return what five runs tell whose every step took that long."""
    steps = [a_step(phase=s.phase, name=s.name, seconds=seconds) for s in plan.steps]
    result = estimate(plan, [step_times(plan, steps)] * 5)
    assert result is not None
    return result


def restoring(view: LiveProgress, clock: FakeClock) -> None:
    """Bring a run into its restore."""
    view.phase("restore")
    view.step("restore_moodle", 3_600.0)
    view.say("unpack the archive \x1b[2J")
    clock.sleep(90)


def test_the_live_view_tells_where_a_run_is() -> None:
    """Drill, standby, run, step of how many, task, bar, estimated end with its ground, RTO left."""
    plan = a_run_plan()
    view, clock = a_view(plan)
    view.expect(usual(plan, 600.0))
    restoring(view, clock)
    step = [each.name for each in plan.steps].index("restore_moodle") + 1
    lines = frame(view)
    assert lines[:3] == [
        f"moodle on moodle-standby  run {RUN}",
        f"restore · restore_moodle  step {step} of {len(plan.steps)}  1m30s of 1h00m",
        "  unpack the archive ⟨U+001B⟩[2J",
    ]
    yet = plan.steps[step:]  # none takes longer than it may
    left = 600 - 90 + sum(min(600.0, each.deadline.total_seconds()) for each in yet)
    end = clock.now() + timedelta(seconds=left)
    assert re.fullmatch(r"━*╌* \d+ %  ends about .*", lines[3])
    assert f"ends about {end:%H:%M} UTC" in lines[3]
    assert "(as 5 earlier runs)" in "\n".join(lines)
    assert lines[-1] == "run 1m30s  RTO left 3h58m"


def test_without_an_earlier_run_no_end_is_made_up() -> None:
    """Then the bar counts steps, and the view says that it knows nothing."""
    view, clock = a_view(a_run_plan())
    restoring(view, clock)
    text = " ".join(frame(view))
    assert "no estimate  (no earlier run of these steps passed)" in text
    assert "ends about" not in text
    assert estimate(a_run_plan(), []) is None
    other = a_run_plan(steps=a_run_plan().steps[1:])
    assert estimate(a_run_plan(), [step_times(other, [a_step()])]) is None


def test_only_a_step_that_goes_on_for_longer_is_said_to() -> None:
    """At the end of a run as quick as the earlier ones nothing is late: it ends about now."""
    plan = a_run_plan()
    view, clock = a_view(plan, 120)
    view.expect(usual(plan, 0.01))
    view.phase("restore")
    view.step("restore_moodle", 3_600.0)
    clock.sleep(0.5)
    assert "ends about now  (as 5 earlier runs)" in frame(view)[-2]
    clock.sleep(2)
    assert frame(view)[-2].endswith("a step takes longer than usual in 5 earlier runs")


def test_an_objective_that_is_exceeded_is_said_in_words() -> None:
    """Colour underlines it, and is not needed; in the teardown it counts no more."""
    view, clock = a_view(a_run_plan())
    restoring(view, clock)
    view.count_from(clock.now() - timedelta(hours=4, minutes=10))
    assert frame(view)[-1] == "run 1m30s  RTO exceeded by 10m00s"
    view.phase("teardown")
    assert "RTO" not in frame(view)[-1]


def test_a_run_that_is_torn_down_before_counts_for_nothing() -> None:
    """Its steps are not those of the run that begins after it."""
    plan = a_run_plan()
    view, _clock = a_view(plan)
    view.phase("teardown")
    view.step("teardown_moodle", 60.0)
    view.finish(a_step(phase="teardown", name="teardown_moodle"))
    assert not frame(view)[2].startswith("╌" * 20)
    view.begin(RUN, plan)
    assert frame(view)[1:3] == [
        "makes ready",
        f"{'╌' * 20} 0 %  no estimate  (no earlier run of these steps passed)",
    ]


def test_a_resumed_run_counts_what_had_ended_before() -> None:
    """Its bar goes on where the killed process was."""
    plan = a_run_plan()
    view, _clock = a_view(plan)
    half = plan.steps[: len(plan.steps) // 2]
    view.begin(RUN, plan, [a_step(phase=step.phase, name=step.name) for step in half])
    assert re.match("━{8,10}╌{10,12} (4|5)\\d %", frame(view)[2])


def test_there_is_something_to_see_from_the_first_moment() -> None:
    """Before the run has its name, the view says what is about to start, and where."""
    clock = FakeClock()
    console = Console(file=io.StringIO(), width=80, force_terminal=True)
    view = LiveProgress(console, clock.now, a_run_plan())
    assert frame(view)[:2] == ["moodle on moodle-standby  starts", "makes ready"]


@pytest.mark.parametrize("width", [1, 20, 40, 80])
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_line_is_wider_than_the_terminal(width: int, language: str) -> None:
    """What does not fit beside goes below; only what is too long by itself is cut."""
    plan = an_estate()
    view, clock = a_view(plan, width, language=language)
    view.expect(usual(plan, 60.0))
    for service in ("directory", "database"):
        view.of(service).phase("restore")
        view.of(service).step(f"restore_{service}", 300.0)
        view.of(service).say("word " * 30)
    clock.sleep(400)
    lines = frame(view)
    assert max(map(cell_len, lines)) <= width
    if width == 40:
        words = {"en": "RTO left 3h53m", "fr": "RTO\u00a0: reste 3\u00a0h\u00a053"}
        assert words[language] in "\n".join(lines)


def test_services_side_by_side_and_those_that_wait() -> None:
    """Each lane has its step, time and RTO; who waits is named; a lost one ends it."""
    plan = an_estate(rto={"database": "1m"})
    view, clock = a_view(plan, 120)
    view.phase("prepare")
    assert "waits" not in "\n".join(frame(view))
    for service in ("directory", "database"):
        view.of(service).phase("restore")
        view.of(service).step(f"restore_{service}", 3_600.0)
    clock.sleep(90)
    view.of("directory").checks(1, 3)
    text = "\n".join(frame(view))
    assert "directory · restore · restore_directory  step" in text
    assert "1m30s of 1h00m  RTO left 3h58m  1 of 3 checks green" in text
    assert "1m30s of 1h00m  RTO exceeded by 30.0s" in text
    assert "application waits for the verification of directory, database" in text
    failed = a_step(
        phase="restore",
        name="restore_database",
        service="database",
        outcome=StepOutcome.FAILED,
        detail="no space",
    )
    view.of("database").finish(failed)
    text = "\n".join(frame(view))
    assert "database · restore" not in text
    assert "directory · restore" in text
    assert "application is not tried: no verification of directory, database" in text


def test_a_run_goes_on_while_it_is_drawn() -> None:
    """Steps that begin and end in other threads, between any two lines, do not break a frame."""
    view, clock = a_view(an_estate(), 120)
    view.expect(usual(an_estate(), 60.0))
    view.phase("prepare")
    for service in ("directory", "database"):
        view.of(service).phase("restore")
        view.of(service).step(f"restore_{service}", 3_600.0)
    clock.sleep(90)
    course, numbers = view._course, count()

    def go_on(drawing: FrameType, _event: str, _about: Any) -> Any:
        number = next(numbers) % 5
        key = Phase.RESTORE, f"step {number}", "directory"
        course.lane(f"service {number}")
        course.lanes["directory"].green = (number, 5) if number % 2 else None
        course._starts.add(key)
        course._ends[key] = StepOutcome.PASSED
        if not number:
            for other in range(5):
                key = Phase.RESTORE, f"step {other}", "directory"
                course.lanes.pop(f"service {other}", None)
                course._starts.discard(key)
                course._ends.pop(key, None)
        return go_on if "reporting/text/course" in drawing.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(go_on)
    try:
        lines = [frame(view) for _ in range(5)]
    finally:
        sys.settrace(before)
    assert all("directory · restore · restore_directory" in "\n".join(each) for each in lines)


def test_a_terminal_is_given_back_whenever_ctrl_c_comes() -> None:
    """Between any two lines of opening the view: the cursor that it took away is there again."""
    for lines in count(1):
        view, _ = a_view(a_run_plan())
        went_on = not is_interrupted(lines, view)
        file = view._console.file
        assert isinstance(file, io.StringIO)
        screen = file.getvalue()
        assert screen.rfind(CURSOR) >= screen.rfind(NO_CURSOR), lines
        if went_on:
            break
    assert lines > 50


CURSOR, NO_CURSOR = "\x1b[?25h", "\x1b[?25l"


def is_interrupted(lines: int, view: LiveProgress) -> bool:
    """Press Ctrl-C once so many lines of opening it have run; tell whether that came out of it."""
    numbers = count(1)

    def go_on(drawing: FrameType, event: str, _about: Any) -> Any:
        ours = drawing.f_code.co_filename.endswith(("text/live.py", "rich/live.py"))
        if ours and event == "line" and next(numbers) == lines:
            os.kill(os.getpid(), signal.SIGINT)
        return go_on if ours else None

    before = sys.gettrace()
    sys.settrace(go_on)
    try:
        with view:
            sys.settrace(before)
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_the_clock_goes_on_while_a_person_is_waited_for() -> None:
    """Below the question stand how long it waits and what is left; what is typed is let alone."""
    clock, stream = FakeClock(), io.StringIO()
    console = Console(file=stream, width=80, force_terminal=True)
    with LiveProgress(console, clock.now, a_run_plan(), answers=True) as view:
        view.phase("restore")
        view.step("switch the DNS", 1_800.0)
        question = a_question()
        view.ask(question)
        assert stream.getvalue().endswith("> ")
        prompt = view._prompts[0]
        before = stream.tell()
        clock.sleep((question.asked - clock.now()).total_seconds() + 300)
        prompt._tick_once()
        tick = stream.getvalue()[before:]
        assert "waiting 5m00s of 30m00s" in tick
        assert (tick[:2], tick[-2:]) == ("\x1b7", "\x1b8")  # the cursor is where it was
        assert "\n" not in tick
        view.say('answer "yes" or "no"')
        assert stream.getvalue().rpartition('answer "yes"')[2].endswith("> ")
        view.finish(a_step(name="switch the DNS", kind=StepKind.MANUAL))
        assert view._prompts == []
    assert "passed" in stream.getvalue().rpartition("> ")[2]


def test_steps_side_by_side_have_a_line_each() -> None:
    """Two restores of one service: what one says, and how it ends, leaves the other's line."""
    view, _ = a_view(a_run_plan())
    view.phase("restore")
    files, database = view.of(None, "files"), view.of(None, "database")
    files.step("files", 3_600.0)
    database.step("database", 60.0)
    files.say("unpack")
    database.say("load")
    lines = frame(view)
    names = [line for line in lines if line.startswith("restore · ")]
    assert [name.split()[2] for name in names] == ["files", "database"]
    assert [line.strip() for line in lines if line.startswith("  ")] == ["unpack", "load"]
    files.finish(a_step(phase=Phase.RESTORE, name="files"))
    assert [line.split()[2] for line in frame(view) if line.startswith("restore")] == ["database"]
