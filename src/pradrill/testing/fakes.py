"""Fake the ports that a run keeps time, records and shows itself with."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from pradrill.domain.run.lease import Holder
from pradrill.domain.run.outcome import StepResult
from pradrill.domain.run.question import Question
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import FileHash, RunPlan
from pradrill.errors import BusyError, RecordError
from pradrill.testing.builders import START


class FakeClock:
    """Moves only by `sleep`; `step` moves the system's clock under it."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._stepped = 0.0
        self._lock = Lock()

    def now(self) -> datetime:
        """Return steady UTC."""
        return self._now

    def wall(self) -> datetime:
        """Return what the system's clock would say."""
        return self._now + timedelta(seconds=self._stepped)

    def from_wall(self, instant: datetime) -> datetime:
        """Translate an instant of the system's clock, read just now."""
        return instant - timedelta(seconds=self._stepped)

    def stepped(self) -> float:
        """Return by how many seconds the system's clock has been moved."""
        return self._stepped

    def step(self, seconds: float) -> None:
        """Move the system's clock."""
        self._stepped += seconds

    def sleep(self, seconds: float) -> None:
        """Let that time pass at once."""
        with self._lock:
            self._now += timedelta(seconds=seconds)


class FakeJournal:
    """Keeps facts as the JSON that a disk would give back. `close` is its process's end."""

    def __init__(self, run_id: str, room: int | None = None) -> None:
        self.run_id = run_id
        self.folder = Path("/nowhere") / run_id
        self.record: RunRecord | None = None
        self.alive = True
        self._lines: list[str] = []
        self._room = room

    def append(self, event: str, at: datetime, facts: Mapping[str, Any]) -> None:
        """Keep one fact; raises RecordError when the journal is full."""
        if self._room is not None and len(self._lines) >= self._room:
            raise RecordError(f"cannot write the journal of {self.run_id}: no space left")
        self._lines.append(json.dumps([event, at.isoformat(), facts]))

    def events(self) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
        """Read back every fact in order."""
        for line in self._lines:
            event, at, facts = json.loads(line)
            yield event, datetime.fromisoformat(at), facts

    def evidence(self) -> tuple[FileHash, ...]:
        """Return nothing: the fake keeps no files."""
        return ()

    def seal(self, record: RunRecord) -> None:
        """Keep the record."""
        self.record = record
        self.close()

    def close(self) -> None:
        """End the process that writes here."""
        self.alive = False


class FakeStore:
    """Keeps runs in `journals`. `room`: how many facts a journal can hold before it is full."""

    def __init__(self, *, room: int | None = None) -> None:
        self.journals: list[FakeJournal] = []
        self.holders: dict[str, str] = {}
        self._room = room

    def open(self, drill: str, started: datetime) -> FakeJournal:
        """Begin a run."""
        run_id = f"{started:%Y%m%dT%H%M%SZ}-{drill}-{len(self.journals):06x}"
        self.journals.append(FakeJournal(run_id, self._room))
        return self.journals[-1]

    @contextmanager
    def hold(self, standby_key: str, run_id: str) -> Iterator[None]:
        """Hold a standby; raises BusyError, naming the holder."""
        if standby_key in self.holders:
            raise BusyError(f"the standby {standby_key} is held by run {self.holders[standby_key]}")

        self.holders[standby_key] = run_id
        try:
            yield
        finally:
            del self.holders[standby_key]

    def holder(self, run_id: str) -> Holder:
        """Return how a run signs what it holds elsewhere."""
        return Holder(run=run_id, controller="ctl01", state="/var/lib/pradrill")

    def renewed(self, run_id: str) -> None:
        """Note that a run holds its leases."""

    def has_ended(self, holder: Holder) -> bool:
        """Tell whether it is a run kept here that is not alive."""
        return any(j.run_id == holder.run and not j.alive for j in self.journals)

    def crashed(self, spare: Collection[str] = ()) -> list[FakeJournal]:
        """Return the runs that ended without a record, but for some."""
        dead = [j for j in self.journals if j.record is None and not j.alive]
        return [j for j in dead if j.run_id not in spare]


class FakeProgress:
    """Keeps what it was told in `lines`, and calls `on_step` with each step's name.

    Both say of a branch whose it is, as in "database: restore".
    """

    def __init__(self, on_step: Callable[[str], None] = lambda _name: None) -> None:
        self.lines: list[tuple[str, str]] = []
        self.before: tuple[StepResult, ...] = ()
        self._on_step = on_step
        self._whose = ""

    def of(self, service: str | None, step: str | None = None) -> FakeProgress:  # noqa: ARG002
        """Return the view of one branch, or of a step, which tells the same list."""
        view = copy(self)
        view._whose = "" if service is None else f"{service}: "  # noqa: SLF001 a copy of our own
        return view

    def begin(self, run_id: str, plan: RunPlan, before: Sequence[StepResult] = ()) -> None:
        """Begin a run; keep what had ended of it."""
        del run_id, plan
        self.before = tuple(before)

    def phase(self, name: str) -> None:
        """Begin a phase."""
        self.lines.append(("phase", self._whose + str(name)))

    def step(self, name: str, deadline: float) -> None:
        """Begin a step."""
        del deadline
        self.lines.append(("step", self._whose + name))
        self._on_step(self._whose + name)

    def say(self, line: str) -> None:
        """Keep a line."""
        self.lines.append(("say", self._whose + line))

    def checks(self, green: int, total: int) -> None:
        """Keep how many checks are green."""
        self.lines.append(("checks", f"{self._whose}{green}/{total}"))

    def ask(self, question: Question) -> None:
        """Keep what a person is asked."""
        self.lines.append(("ask", f"{question.who}: {question.instruction}"))

    def finish(self, step: StepResult) -> None:
        """End a step."""
        self.lines.append(("done", f"{self._whose}{step.name}: {step.outcome}"))

    def steps(self) -> list[str]:
        """Return the names of the steps that began, in order."""
        return [text for what, text in self.lines if what == "step"]
