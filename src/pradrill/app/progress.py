"""Show a run: live on a terminal; without one as JSON lines, and in words with -v."""

from __future__ import annotations

import os
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import copy
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any, TextIO

from pradrill.app.double_progress import DoubleProgress
from pradrill.app.event_progress import EventProgress
from pradrill.app.line_progress import LineProgress, RunLines
from pradrill.app.output import Outlet, text
from pradrill.app.reading import StateReader
from pradrill.app.spoken import plan_language
from pradrill.domain.run.estimate import Estimate, estimate
from pradrill.domain.run.run_plan import RunPlan
from pradrill.ports import Progress
from pradrill.register.chain.register import Register
from pradrill.register.runs.earlier import earlier_runs
from pradrill.reporting.text.live import LiveProgress
from pradrill.reporting.text.screens import open_console

_SPEED = 5  # its place among a terminal's settings
_OFTEN, _FEW = 2.0, 0.5
_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK  # a pipe may have no reader


@contextmanager
def watch(
    app: StateReader, plan: RunPlan | None = None, *, since_disruption: float = 0.0
) -> Iterator[Progress]:
    """Show a run on the terminal, or log it when there is none; with -v say it there, too.

    `plan`: of the run that is launched; none where others are torn down.
    """
    language = plan_language(app) if plan is not None else "en"
    console = open_console(stderr=True) if _is_watched() else None
    if console is not None and not console.is_dumb_terminal:
        now = app.clock.now
        live = LiveProgress(
            console,
            now,
            plan,
            disruption=now() - timedelta(seconds=since_disruption),
            language=language,
            answers=sys.stdin.isatty(),
            often=frames(sys.stderr),
        )
        with live:
            if plan is not None and console.is_terminal:
                Thread(target=_expect, args=(app, live, plan), daemon=True).start()
            yield live
        return

    if console is not None:
        yield RunLines(app.clock.now, plan, language)
        return

    with _opened(app.log) as file:
        log = LogProgress(file)
        verbose = app.verbose
        yield DoubleProgress(log, RunLines(app.clock.now, plan, language)) if verbose else log


def _expect(app: StateReader, live: LiveProgress, plan: RunPlan) -> None:
    """Tell the view how long the steps took before; what earlier runs hold stops no run."""
    with suppress(Exception):
        live.expect(expected(app, plan, app.clock.now()))


def expected(app: StateReader, plan: RunPlan, before: datetime) -> Estimate | None:
    """Return how long the steps of a plan took in the drill's last runs that passed."""
    return estimate(plan, earlier_runs(Register(app.state), plan.drill.drill, before))


def frames(stream: TextIO) -> float:
    """Return how many frames a second a terminal is shown: few where its line is slow."""
    with suppress(OSError, ValueError, termios.error):
        speed = termios.tcgetattr(stream.fileno())[_SPEED]
        return _FEW if termios.B0 < speed < termios.B38400 else _OFTEN
    return _OFTEN


@contextmanager
def watch_lines(app: StateReader) -> Iterator[Progress]:
    """Show what takes many small steps line by line; or log it when there is no terminal."""
    if _is_watched():
        yield LineProgress(app.clock.now)
        return

    with _opened(app.log) as file:
        log = LogProgress(file)
        yield DoubleProgress(log, LineProgress(app.clock.now)) if app.verbose else log


def _is_watched() -> bool:
    return sys.stderr.isatty() or os.environ.get("PRADRILL_PROGRESS") == "plain"


class LogProgress(EventProgress):
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

    def of(self, service: str | None, step: str | None = None) -> LogProgress:
        """Return the same log for one branch, or a step: each of its lines names them."""
        view = copy(self)
        whose = {"service": service, "step": step}
        names = {key: name for key, name in whose.items() if name is not None}
        view._log = self._log.bind(**names)  # noqa: SLF001 a copy of our own
        return view

    def tell(self, event: str, **facts: object) -> None:
        """Write an event."""
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
