"""Show a run as it goes on a terminal."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from datetime import datetime
from threading import current_thread, main_thread
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from pradrill.domain.run.estimate import Estimate
from pradrill.domain.run.outcome import StepKind, StepOutcome, StepResult
from pradrill.domain.run.question import Question
from pradrill.domain.run.run_plan import RunPlan
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.language.terms import word
from pradrill.reporting.run import page as view
from pradrill.reporting.text.course import Course
from pradrill.reporting.text.course_lines import clock_line, course_lines
from pradrill.reporting.text.prompt import Prompt
from pradrill.reporting.text.questions import question_lines
from pradrill.reporting.text.screens import plain

_OFTEN = 2.0


class _Frames:
    """The live lines: begun anew each time, since Rich takes away what it has shown before."""

    def __init__(
        self, console: Console, render: Callable[[], RenderableType], often: float
    ) -> None:
        self._console = console
        self._render = render
        self._often = often
        self._live: Live | None = None

    def start(self) -> None:
        """Show them, unless they are shown."""
        with _unbroken():
            if self._live is None:
                self._live = Live(
                    console=self._console,
                    refresh_per_second=self._often,
                    transient=True,
                    get_renderable=self._render,
                    vertical_overflow="crop",
                    redirect_stdout=False,
                    redirect_stderr=False,
                )
                self._live.start(refresh=True)

    def stop(self) -> None:
        """Take them away."""
        with _unbroken():
            live, self._live = self._live, None
            if live is not None:
                live.stop()


@contextmanager
def _unbroken() -> Iterator[None]:
    """Let Ctrl-C wait: Rich has taken the cursor before it is ready to give it back."""
    raises = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not raises or current_thread() is not main_thread():  # nothing is broken off
        yield
        return

    pressed: dict[int, object] = {}
    signal.signal(signal.SIGINT, pressed.setdefault)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if pressed:
        raise KeyboardInterrupt


class LiveProgress:
    """Shows a run as it goes: a permanent line a finished step, a few live lines below.

    Keeps to the Progress port. Without a terminal only the permanent lines are written.
    `now`: the time on a clock that only goes on; `event_time`: when what is told now has happened.
    `disruption`: T0. `language`: the plan's. `answers`: people answer on this terminal.
    `often`: frames a second.
    """

    def __init__(  # noqa: PLR0913 what a terminal, a run and its readers are
        self,
        console: Console,
        now: Callable[[], datetime],
        plan: RunPlan | None = None,
        *,
        event_time: Callable[[], datetime] | None = None,
        disruption: datetime | None = None,
        language: str = "en",
        answers: bool = False,
        often: float = _OFTEN,
    ) -> None:
        self._console = console
        self._now = now
        self._event_time = event_time or now
        self._language = language
        self._answers = answers and console.is_terminal
        start = self._event_time()
        self._course = Course(plan, start, disruption or start)
        self._lane = self._course.lane(None)
        self._prompts: list[Prompt] = []
        """The one that is open: all views of a run share it."""
        self._frames = _Frames(console, self._render, often)

    def __enter__(self) -> Self:
        try:
            if self._console.is_terminal:
                with suppress(OSError, ValueError):
                    self._frames.start()
            return self  # noqa: TRY300 Ctrl-C may come here, too
        except BaseException:  # Ctrl-C: nobody else would give the terminal back
            self._close()
            raise

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        """Give the terminal back as it was."""
        with _unbroken(), suppress(OSError, ValueError):
            self._close_prompt()
            self._frames.stop()

    def expect(self, estimate: Estimate | None) -> None:
        """Take how long the steps usually take."""
        self._course.estimate = estimate

    def count_from(self, disruption: datetime) -> None:
        """Take T0, where it is known only once the run has begun."""
        self._course.disruption = disruption

    def of(self, service: str | None, step: str | None = None) -> LiveProgress:
        """Return the view of one branch, or of a step beside others: it has a lane of its own."""
        view = copy(self)
        view._lane = self._course.lane(service, step)  # noqa: SLF001 a copy of our own
        return view

    def begin(self, run_id: str, plan: RunPlan, before: Sequence[StepResult] = ()) -> None:
        """Begin a run."""
        self._course.begin(run_id, plan, before)

    def phase(self, name: str) -> None:
        """Begin a phase."""
        self._lane.phase = str(name)
        self._lane.leave()

    def step(self, name: str, deadline: float) -> None:
        """Begin a step that has `deadline` seconds."""
        self._course.step(self._lane, name, deadline, self._event_time())

    def say(self, line: str) -> None:
        """Show the last thing that happened inside the step; while a person answers, for good."""
        if self._prompts and self._lane.service is None:
            with suppress(OSError, ValueError):
                self._print(Text(wording.line(line, 200)))
            return
        self._lane.line = line

    def checks(self, green: int, total: int) -> None:
        """Show how many mandatory checks are green."""
        self._lane.green = green, total

    def ask(self, question: Question) -> None:
        """Show what a person is asked for; on a terminal that takes the answer, wait below it."""
        self._course.question = question
        with suppress(OSError, ValueError), speaking(self._language):
            if self._answers:
                self._frames.stop()
            for line in question_lines(question):
                self._console.print(Text(line, style="bold"), soft_wrap=True)
            if self._answers:
                self._prompts.append(Prompt(self._console, lambda: self._clock(question)))
                self._prompts[-1].open()

    def finish(self, step: StepResult) -> None:
        """Leave a permanent line for a finished step."""
        self._course.end(self._lane, step)
        with suppress(OSError, ValueError):  # a terminal that went away must not end the run
            if step.kind is StepKind.MANUAL and self._prompts:  # the answer has come
                self._close_prompt()
                self._frames.start()
            with speaking(self._language):
                self._print(*_ending(step))

    def _print(self, *lines: RenderableType) -> None:
        """Print lines that stay, above what is live or typed."""
        open_prompts = self._prompts[-1:]  # another branch may close it now
        for prompt in open_prompts:
            prompt.print(*lines)
        if not open_prompts:
            self._console.print(*lines, sep="\n")

    def _close_prompt(self) -> None:
        while self._prompts:
            self._prompts.pop().close()

    def _clock(self, question: Question) -> Text:
        with speaking(self._language):
            return clock_line(self._course, question, self._now(), self._console.width)

    def _render(self) -> RenderableType:
        console = self._console
        with speaking(self._language):
            lines = course_lines(
                self._course,
                self._now(),
                console.width,
                ascii_only=not console.encoding.startswith("utf"),
            )
        return Group(*lines)


def _ending(step: StepResult) -> list[RenderableType]:
    """Say how a step ended, and why if it did not pass."""
    passed = step.outcome is StepOutcome.PASSED
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{word(step.outcome):<12}", style="green" if passed else "bold red")
    line.append(f"{wording.short(step.seconds):>8}  ")
    title = wording.line(view.step_title(step), 100)
    line.append(f"{word(step.phase)}{wording.colon()}{title}")
    details = [plain(step.detail)] if step.detail and not passed else []
    return [line, *(Padding(each, (0, 0, 0, 4)) for each in details)]
