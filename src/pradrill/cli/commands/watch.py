"""`pradrill watch`: show a run that goes on from another terminal, by its journal alone."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from contextlib import ExitStack, suppress
from copy import copy
from datetime import datetime
from pathlib import Path

from pradrill.app.event_progress import EventProgress
from pradrill.app.killed_runs import way_out
from pradrill.app.line_progress import RunLines
from pradrill.app.output import is_lost
from pradrill.app.playback import Playback
from pradrill.app.program import program
from pradrill.app.progress import expected, frames
from pradrill.app.reading import StateReader, warn
from pradrill.app.spoken import plan_language
from pradrill.cli.json_output import json_argument, print_line
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.errors import ExitCode, UsageError
from pradrill.ports import Progress
from pradrill.register.chain.lines import line_hash
from pradrill.register.runs.enter import read_record
from pradrill.register.runs.entries import changed, hashes_at_hand
from pradrill.register.runs.folders import RECORD, is_locked, is_sealed, the_one
from pradrill.register.runs.tail import JournalTail
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.run.run_end import run_end
from pradrill.reporting.text.live import LiveProgress
from pradrill.reporting.text.screens import open_console
from pradrill.reporting.text.summary import summary

EXAMPLE = "pradrill watch 7f3a9c"

_TICK = 0.25


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "run",
        nargs="?",
        help="a run's id, or any part of it that is unique (default: the one that goes on)",
    )
    json_argument(parser, "print each event as a line of JSON, at last how the run ended")


def run(args: Namespace) -> int:
    """Show the run until it ends; return its exit code. Nothing of it is touched, by Ctrl-C either.

    Of one whose process is gone, without a record, nothing is concluded.
    """
    app = StateReader(args)
    folder = _folder_of(app, args.run)
    try:
        with ExitStack() as stack:
            show = _Show(app, folder, stack)
            show.go_on()
    except KeyboardInterrupt:
        goes_on = "goes on" if is_locked(folder) else "has ended"
        print(f"the run {folder.name} {goes_on}; it is not watched any more", file=sys.stderr)
        return ExitCode.INTERRUPTED

    if show.strange:
        warn(f"{show.strange} lines of the journal of {folder.name} could not be understood")
    if is_sealed(folder):
        return _tell_end(app, folder)
    if is_locked(folder):  # whoever read what is printed has gone
        return ExitCode.PASSED
    return _tell_killed(app, folder.name)


def _folder_of(app: StateReader, name: str | None) -> Path:
    """Return the folder of the run that is meant; the one that goes on for None."""
    alive = {folder.name: folder for folder in app.folders.alive()}
    if name is None:
        return alive[_only(app, [*alive])]
    if run_id := the_one([*alive], name):
        return alive[run_id]

    others = [folder for each in app.folders.sealed_or_not() for folder in each]
    run_id = the_one([folder.name for folder in others], name)
    if run_id is None:
        raise UsageError(f"no run is named {name}", hint="List them: pradrill runs.")
    return app.folders.runs / run_id


def _only(app: StateReader, alive: list[str]) -> str:
    """Return the one run that goes on. Raises UsageError."""
    if len(alive) == 1:
        return alive[0]
    if alive:
        some = "; or ".join(f"pradrill watch {run_id}" for run_id in alive[-5:])
        raise UsageError(f"{len(alive)} runs go on", hint=f"Name one: {some}.")
    if killed := app.folders.killed():
        raise UsageError(
            f"no run goes on; the process of {killed[-1]} is gone",
            hint=way_out(app.store, killed[-1]),
        )
    raise UsageError("no run goes on", hint="See what they came to: pradrill runs.")


class _Show:
    """Follows a run's journal, and shows it in the way that suits who reads."""

    def __init__(self, app: StateReader, folder: Path, stack: ExitStack) -> None:
        self._app = app
        self._folder = folder
        self._stack = stack
        self._tail = stack.enter_context(JournalTail(folder))
        self._playback = Playback(folder.name, self._view)
        self._live: LiveProgress | None = None
        self._language = "en" if app.for_programs else plan_language(app)

    def go_on(self) -> None:
        """Show the run until its process is gone, or nobody reads on."""
        self._play()
        if self._live is not None and is_locked(self._folder):
            self._stack.enter_context(self._live)

        while not is_lost():
            ended = not is_locked(self._folder)  # asked first: what it wrote before is there
            self._play()
            if ended:
                return
            self._app.clock.sleep(_TICK)

    @property
    def strange(self) -> int:
        """Return how many lines of the journal are no facts, or none that this version knows."""
        return self._tail.left_out + self._playback.strange

    def _play(self) -> None:
        with speaking(self._language):
            for fact in self._tail.facts():
                self._playback.play(fact)
        if self._live is not None and self._playback.disruption is not None:
            self._live.count_from(self._playback.disruption)

    def _view(self, plan: RunPlan, began: datetime) -> Progress:
        event_time = lambda: self._playback.at  # noqa: E731 when what is played now has happened
        if self._app.for_programs:
            return _JsonProgress(self._app.args, self._folder.name, event_time)

        console, language = open_console(), self._language
        if not console.is_terminal or console.is_dumb_terminal:
            return RunLines(event_time, plan, language, sys.stdout)

        self._live = LiveProgress(
            console,
            self._app.clock.now,
            plan,
            event_time=event_time,
            language=language,
            often=frames(sys.stdout),
        )
        with suppress(Exception):  # what earlier runs hold keeps nobody from watching
            self._live.expect(expected(self._app, plan, began))
        return self._live


class _JsonProgress(EventProgress):
    """Prints each event as a line of JSON."""

    def __init__(self, args: Namespace, run_id: str, event_time: Callable[[], datetime]) -> None:
        self._args = args
        self._run_id = run_id
        self._event_time = event_time
        self._whose: dict[str, str] = {}

    def of(self, service: str | None, step: str | None = None) -> _JsonProgress:
        view = copy(self)
        whose = {"service": service, "step": step}
        names = {key: name for key, name in whose.items() if name is not None}
        view._whose = names  # noqa: SLF001 a copy of our own
        return view

    def tell(self, event: str, **facts: object) -> None:
        head = {"run_id": self._run_id, "at": self._event_time().isoformat(), "event": event}
        print_line(self._args, {**head, **self._whose, **facts})


def _tell_end(app: StateReader, folder: Path) -> int:
    """Say how the run ended; return its exit code. Raises RecordError."""
    record, content = read_record(folder / RECORD)
    hashes = hashes_at_hand(app.register).get(folder.name)
    if hashes is not None and line_hash(content) not in hashes:
        raise changed(folder.name)

    if app.for_programs:
        print_line(app.args, {"event": "ended", **run_end(record, folder)})
    else:
        print(_summary(app, record, folder), end="")
    return record.exit_code


def _summary(app: StateReader, record: RunRecord, folder: Path) -> str:
    return summary(record, folder, app.head(), app.open_findings(record), program())


def _tell_killed(app: StateReader, run_id: str) -> int:
    """Say that nobody goes on with the run."""
    if app.for_programs:
        print_line(app.args, {"event": "killed", "run_id": run_id})
    print(
        f"the process of run {run_id} is gone: it has no record, its standby is not torn down yet\n"
        f"HINT: {way_out(app.store, run_id)}",
        file=sys.stderr,
    )
    return ExitCode.INCONCLUSIVE
