"""Show a run as it goes on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from copy import copy
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from pradrill.domain.run.outcome import Phase, StepKind, StepOutcome, StepResult
from pradrill.domain.run.question import Question
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.language.terms import word
from pradrill.reporting.run import page as view
from pradrill.reporting.text.questions import question_lines
from pradrill.reporting.text.screens import plain


class _Lane:
    """What one branch is doing; the whole run has one too."""

    def __init__(self, service: str | None, rto: float | None) -> None:
        self.service = service
        self.rto = rto
        self.phase = self.step = self.line = self.green = ""
        self.start = self.deadline = 0.0

    @property
    def title(self) -> str:
        """Return where it is, as in "database · restore · import the dump"."""
        return " · ".join(word for word in (self.service, self.phase, self.step) if word)


class LiveProgress:
    """Shows a run as it goes: a permanent line a finished step, a few live lines below.

    Keeps to the Progress port. Without a terminal only the permanent lines are written. `rtos`:
    the seconds of each service that has a branch of its own. `language`: what people are asked in.
    """

    def __init__(
        self,
        console: Console,
        rto_seconds: float,
        *,
        since_disruption: float = 0.0,
        rtos: Mapping[str, float] | None = None,
        language: str = "en",
    ) -> None:
        """Watch a run whose disruption was `since_disruption` seconds ago."""
        self._console = console
        self._rtos = rtos or {}
        self._language = language
        self._now = console.get_time
        self._start = self._now()
        self._t0 = self._start - since_disruption
        self._lane = _Lane(None, None if self._rtos else rto_seconds)
        self._lanes: dict[str | None, _Lane] = {None: self._lane}
        self._live = Live(
            console=console,
            refresh_per_second=4,
            transient=True,
            get_renderable=self._render,
            vertical_overflow="crop",
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError, ValueError):
            self._live.stop()

    def of(self, service: str | None) -> LiveProgress:
        """Return the view of one branch: it shows in a lane of its own, on the same terminal."""
        view = copy(self)
        lane = self._lanes.setdefault(service, _Lane(service, self._rtos.get(service or "")))
        view._lane = lane  # noqa: SLF001 a copy of our own
        return view

    def phase(self, name: str) -> None:
        """Begin a phase."""
        lane = self._lane
        lane.phase = str(name)
        lane.step = lane.line = lane.green = ""

    def step(self, name: str, deadline: float) -> None:
        """Begin a step that has `deadline` seconds."""
        lane = self._lane
        lane.line = lane.green = ""
        lane.start, lane.deadline = self._now(), deadline
        lane.step = wording.line(name, 100)

    def say(self, line: str) -> None:
        """Show the last thing that happened inside the step."""
        self._lane.line = wording.line(line, 200)

    def checks(self, green: int, total: int) -> None:
        """Show how many mandatory checks are green."""
        self._lane.green = f"{green} of {total} checks green"

    def ask(self, question: Question) -> None:
        """Show what a person is asked for, and leave the terminal to the answer."""
        with suppress(OSError, ValueError):
            self._live.stop()
            with speaking(self._language):
                for line in question_lines(question):
                    self._console.print(Text(line, style="bold"), soft_wrap=True)

    def finish(self, step: StepResult) -> None:
        """Leave a permanent line for a finished step."""
        line = Text(no_wrap=True, overflow="ellipsis")
        passed = step.outcome is StepOutcome.PASSED
        line.append(f"{word(step.outcome):<12}", style="green" if passed else "bold red")
        line.append(f"{wording.short(step.seconds):>8}  ")
        line.append(f"{step.phase}: {wording.line(view.step_title(step), 100)}")

        with suppress(OSError, ValueError):  # a terminal that went away must not end the run
            if step.kind is StepKind.MANUAL and self._console.is_terminal:
                self._live.start()  # the answer has come; other services' steps leave it alone
            details = [plain(step.detail)] if step.detail and not passed else []
            self._console.print(line, *(Padding(each, (0, 0, 0, 4)) for each in details), sep="\n")

        lane = self._lane
        lane.step = lane.line = lane.green = ""

    def _render(self) -> RenderableType:
        busy = [lane for lane in list(self._lanes.values()) if lane.step]
        if len(busy) > 1:
            lines = [line for lane in busy for line in self._side_by_side(lane)]
            lines.append(Text(f"run {wording.short(self._now() - self._start)}"))
        else:
            lines = self._alone(busy[0] if busy else self._lane)

        for line in lines:
            line.no_wrap, line.overflow = True, "ellipsis"

        return Group(*lines)

    def _alone(self, lane: _Lane) -> list[Text]:
        times = [f"step {self._spent(lane)}"] if lane.step else []
        times += [f"run {wording.short(self._now() - self._start)}", *self._left(lane)]
        lines = [Text(lane.title, "bold"), Text("  ".join(times))]
        return lines + [Text(text, "dim") for text in (lane.green, lane.line) if text]

    def _side_by_side(self, lane: _Lane) -> list[Text]:
        parts = [f"  {self._spent(lane)}", *self._left(lane), lane.green]
        line = Text(lane.title, "bold").append("  ".join(filter(None, parts)), "not bold")
        return [line, *([Text(f"  {lane.line}", "dim")] if lane.line else [])]

    def _spent(self, lane: _Lane) -> str:
        return f"{wording.short(self._now() - lane.start)} of {wording.short(lane.deadline)}"

    def _left(self, lane: _Lane) -> list[str]:
        if lane.rto is None or lane.phase == Phase.TEARDOWN:
            return []
        left = lane.rto - (self._now() - self._t0)
        return [f"RTO {'exceeded by' if left < 0 else 'left'} {wording.short(abs(left))}"]
