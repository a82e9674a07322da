"""Show a run: live on a terminal; without one as JSON lines, and in words with -v."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any, TextIO

from pradrill.app.double_progress import DoubleProgress
from pradrill.app.line_progress import LineProgress, RunLines
from pradrill.app.output import Outlet, text
from pradrill.app.reading import StateReader
from pradrill.app.spoken import plan_language
from pradrill.domain.run.outcome import StepResult
from pradrill.domain.run.question import Question
from pradrill.domain.run.run_plan import RunPlan
from pradrill.ports import Progress
from pradrill.reporting.text.live import LiveProgress
from pradrill.reporting.text.screens import open_console

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK  # a pipe may have no reader


@contextmanager
def watch(
    app: StateReader, plan: RunPlan | None = None, *, since_disruption: float = 0.0
) -> Iterator[Progress]:
    """Show a run on the terminal, or log it when there is none; with -v say it there, too.

    `plan`: of the run that is launched; none where others are torn down.
    """
    language = plan_language(app) if plan is not None else "en"
    if _is_watched():
        rto = plan.objectives.rto.total_seconds() if plan is not None else 0.0
        rtos = _rtos(plan) if plan is not None else {}
        console = open_console(stderr=True)
        live = LiveProgress(
            console, rto, since_disruption=since_disruption, rtos=rtos, language=language
        )
        with live:
            yield live
        return

    with _opened(app.log) as file:
        log = LogProgress(file)
        yield DoubleProgress(log, RunLines(app.clock, plan, language)) if app.verbose else log


@contextmanager
def watch_lines(app: StateReader) -> Iterator[Progress]:
    """Show what takes many small steps line by line; or log it when there is no terminal."""
    if _is_watched():
        yield LineProgress(app.clock)
        return

    with _opened(app.log) as file:
        log = LogProgress(file)
        yield DoubleProgress(log, LineProgress(app.clock)) if app.verbose else log


def _rtos(plan: RunPlan) -> dict[str, float]:
    """Return the seconds of each service that is recovered apart."""
    names = [str(branch.service) for branch in plan.apart]
    return {name: plan.services[name].objectives.rto.total_seconds() for name in names}


def _is_watched() -> bool:
    return sys.stderr.isatty() or os.environ.get("PRADRILL_PROGRESS") == "plain"


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
