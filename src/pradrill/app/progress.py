"""Show a run: live on a terminal, as JSON lines without one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from copy import copy
from pathlib import Path
from typing import Any, TextIO

from pradrill.app.output import Outlet, text
from pradrill.domain.run.outcome import StepOutcome, StepResult
from pradrill.domain.run.question import Question
from pradrill.ports import Clock, Progress
from pradrill.reporting.language.formats import line as one_line
from pradrill.reporting.text.live import LiveProgress
from pradrill.reporting.text.screens import open_console

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK  # a pipe may have no reader


@contextmanager
def watch(
    log: str,
    rto_seconds: float,
    *,
    since_disruption: float = 0.0,
    rtos: Mapping[str, float] | None = None,
) -> Iterator[Progress]:
    """Show a run on the terminal, or log it (file name, or "-" for stderr) when there is none."""
    if sys.stderr.isatty() or os.environ.get("PRADRILL_PROGRESS") == "plain":
        console = open_console(stderr=True)
        live = LiveProgress(console, rto_seconds, since_disruption=since_disruption, rtos=rtos)
        with live:
            yield live

        return

    with _opened(log) as file:
        yield LogProgress(file)


@contextmanager
def watch_lines(log: str, clock: Clock) -> Iterator[Progress]:
    """Show what takes many small steps line by line; or log it when there is no terminal."""
    if sys.stderr.isatty() or os.environ.get("PRADRILL_PROGRESS") == "plain":
        yield LineProgress(clock)
        return

    with _opened(log) as file:
        yield LogProgress(file)


class LineProgress:
    """Prints each thing as it comes, with the time since the start; never raises."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.now()

    def of(self, service: str | None) -> LineProgress:  # noqa: ARG002 one view for all
        """Return the same lines."""
        return self

    def phase(self, name: str) -> None:
        """Leave a phase to its steps."""

    def step(self, name: str, deadline: float) -> None:  # noqa: ARG002 not shown
        """Begin a step."""
        self.say(name)

    def say(self, line: str) -> None:
        """Print a line."""
        seconds = int((self._clock.now() - self._start).total_seconds())
        with suppress(OSError, ValueError):  # a terminal that went away ends nothing
            print(f"{seconds // 60:02d}:{seconds % 60:02d}  {one_line(line, 200)}", file=sys.stderr)

    def checks(self, green: int, total: int) -> None:
        """Leave the checks to what comes of them."""

    def ask(self, question: Question) -> None:
        """Leave questions to those who are asked."""

    def finish(self, step: StepResult) -> None:
        """Tell a step that did not pass."""
        if step.outcome is not StepOutcome.PASSED:
            self.say(f"{step.name}: {step.outcome}")


class LogProgress:
    """Writes a run's progress as JSON lines with stable event names; never raises."""

    def __init__(self, file: TextIO) -> None:
        import structlog  # noqa: PLC0415 costs 0.1 s, and a watched run does without

        self._log: Any = structlog.wrap_logger(
            structlog.WriteLogger(file),
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
        )

    def of(self, service: str | None) -> LogProgress:
        """Return the same log for one branch: each of its lines names the service."""
        view = copy(self)
        log = self._log if service is None else self._log.bind(service=service)
        view._log = log  # noqa: SLF001 a copy of our own
        return view

    def phase(self, name: str) -> None:
        """Begin a phase."""
        self._tell("phase", phase=str(name))

    def step(self, name: str, deadline: float) -> None:
        """Begin a step that has `deadline` seconds."""
        self._tell("step", step=name, deadline=deadline)

    def say(self, line: str) -> None:
        """Tell what is going on inside the step."""
        self._tell("says", line=line)

    def checks(self, green: int, total: int) -> None:
        """Tell how many mandatory checks are green."""
        self._tell("checks", green=green, total=total)

    def ask(self, question: Question) -> None:
        """Tell what a person is asked for."""
        self._tell(
            "asks",
            run=question.run_id,
            step=question.step,
            who=question.who,
            instruction=question.instruction,
            until=question.until.isoformat(),
        )

    def finish(self, step: StepResult) -> None:
        """End a step."""
        self._tell(
            "step_ended",
            step=step.name,
            outcome=str(step.outcome),
            seconds=round(step.seconds, 3),
            detail=step.detail.text,
        )

    def _tell(self, event: str, **facts: object) -> None:
        try:
            self._log.info(event, **facts)
        except (OSError, ValueError):  # a full disk or a closed pipe must not end the run
            return


@contextmanager
def _opened(log: str) -> Iterator[TextIO]:
    """Open the log; what cannot be written of it is told, and stops no run."""
    if log == "-":
        yield sys.stderr
        return

    path = Path(log).expanduser()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        outlet = Outlet(os.open(path, _APPEND, 0o600), closes=True)
    except OSError as error:
        _tell_unlogged(path, error)
        outlet = Outlet(os.open(os.devnull, os.O_WRONLY), closes=True)

    outlet.patience = 0.0
    with text(outlet) as file:
        yield file

    if outlet.failure is not None:
        _tell_unlogged(path, outlet.failure)


def _tell_unlogged(path: Path, error: OSError) -> None:
    print(
        f"cannot write the log {path}: {error.strerror}; the run goes on (--log names another)",
        file=sys.stderr,
    )
