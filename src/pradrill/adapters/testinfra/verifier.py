"""Run checks written with testinfra by pytest in a worker process; ask the hosts first."""

from __future__ import annotations

import json
import os
import select
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from pradrill.adapters.testinfra.answers import CONTROLLER, Check, CheckAnswer, Pass, late
from pradrill.adapters.testinfra.worker_process import Probe, Worker
from pradrill.domain.run.host import Site
from pradrill.domain.run.outcome import CheckKey, CheckOutcome, CheckResult
from pradrill.domain.values.masking import Masker
from pradrill.domain.values.quotas import CHECKS_KEPT, megabytes
from pradrill.errors import PradrillError
from pradrill.ports import Cancelled, Clock
from pradrill.system import in_memory, processes

_TICK = 0.1
_GRACE = 5.0
_COLLECTION = 60.0
_REHEARSAL = 20.0  # after which a check that is not judged may stand; most suites take 0.2
_PROBE = 8.0
_INTERRUPTED = "interrupted"


Keep = Callable[[list[str]], None]


class CheckEvidence:
    """What the checks of a run have told, up to a limit for all its suites together."""

    def __init__(self) -> None:
        self._size = 0
        self._lock = Lock()

    def of(self, path: Path) -> Keep:
        """Return what keeps a suite's lines; once too much was kept, the last line says so."""
        return partial(self._keep, path, [])

    def _keep(self, path: Path, cut: list[str], lines: list[str]) -> None:
        with self._lock:
            self._size += sum(len(line.encode()) for line in lines)
            is_full = self._size > CHECKS_KEPT
        if is_full and cut:
            return
        if is_full:
            lines = [json.dumps({"cut": f"after {megabytes(CHECKS_KEPT)}"}) + "\n"]
            cut += lines

        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 a descriptor, not a path
            file.writelines(lines)


class TestinfraVerifier:
    """Runs suites of testinfra checks on every host of a site."""

    def __init__(
        self,
        clock: Clock,
        masker: Masker | None = None,
        resolve: Callable[[str], str] | None = None,
    ) -> None:
        self._clock = clock
        self._resolve = resolve
        self._masker = masker or Masker()
        self._evidence = CheckEvidence()
        self._waiting: _Workplace | None = None
        self._lock = Lock()

    def prepare(self, suite: Path, site: Site, *, marker: str) -> None:
        """Start what will run the suite, which then waits; it reads nothing of it yet.

        One waits at most: of an estate's many, the first. Not used, it ends with all of the run's.
        """
        with self._lock, suppress(OSError, PradrillError):  # `open` tells what does not work
            if self._waiting is None:
                self._waiting = _workplace(suite, site, marker)
                self._waiting.worker.start()

    @contextmanager
    def open(
        self,
        suite: Path,
        site: Site,
        *,
        marker: str,
        evidence: Path,
        given: Mapping[str, Any] | None = None,
    ) -> Iterator[TestinfraSuite]:
        """Collect the suite; at the end none of its processes is left, shared connections too.

        `evidence` gets `checks.jsonl`: every answer of every pass.
        """
        evidence.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = self._prepared(suite, site) or _workplace(suite, site, marker)
        try:
            lines = self._evidence.of(evidence / "checks.jsonl")
            place.worker.passwords = self._passwords(site)
            opened = TestinfraSuite(
                self._clock, place.worker, site, suite.resolve(), lines, self._masker, given or {}
            )
            opened.collect()
            yield opened
        finally:
            place.worker.end()
            processes.end(place.marker)
            shutil.rmtree(place.folder, ignore_errors=True)

    def _passwords(self, site: Site) -> dict[str, str]:
        """Return what sudo asks for, of each host where the drill names it."""
        names = {each.name: each.password for each in site.hosts if each.password is not None}
        if self._resolve is None:
            return {}
        return {host: self._resolve(name) for host, name in names.items()}

    def _prepared(self, suite: Path, site: Site) -> _Workplace | None:
        """Return what waits for this suite, if it does."""
        with self._lock:
            place = self._waiting
            if place is None or (place.suite, place.site) != (suite, site):
                return None
            self._waiting = None
            return place


class _Workplace(NamedTuple):
    """A worker, its folder in memory, and the marker of its processes."""

    suite: Path
    site: Site
    worker: Worker
    folder: Path
    marker: str


def _workplace(suite: Path, site: Site, marker: str) -> _Workplace:
    folder = in_memory.folder(marker)
    part = processes.part(marker, folder.name)  # the run may be doing more beside
    return _Workplace(suite, site, Worker(suite.resolve(), site, part, folder), folder, part)


class TestinfraSuite:
    """A collected suite. A check is named `file::function[parameters]`."""

    def __init__(  # noqa: PLR0913, PLR0917 what a suite is made of
        self,
        clock: Clock,
        worker: Worker,
        site: Site,
        suite: Path,
        keep: Keep,
        masker: Masker,
        given: Mapping[str, Any],
    ) -> None:
        self._given = given
        self._clock = clock
        self._worker = worker
        self._site = site
        self._suite = suite
        self._keep = keep
        self._masker = masker
        self._checks: dict[CheckKey, Check] = {}
        self._hollow: set[CheckKey] = set()
        self._tasks = 0

    def collect(self) -> None:
        """Learn the suite's checks. Where something cannot be read, reading it is a check too."""
        answers = Pass(self._wall(), self._suite)
        self._carry_out(answers, _COLLECTION, lambda: False, collect=True)
        if not answers.collected:
            answers.unread(
                self._suite.name, CheckOutcome.ERRORED, answers.why_not(None), self._wall()
            )
        self._checks = answers.checks
        self._hollow = answers.hollow

    def checks(self) -> Sequence[CheckKey]:
        """Return the key of every check, one for each host."""
        return tuple(self._checks)

    def run(
        self, only: Sequence[CheckKey] | None, *, deadline: float, cancelled: Cancelled
    ) -> tuple[CheckResult, ...]:
        """Run one pass within `deadline` seconds; a check without an answer is ERRORED."""
        end = self._clock.now() + timedelta(seconds=deadline)
        answers = Pass(self._wall(), self._suite)
        keys = list(self._checks if only is None else only)

        hosts = {key.host for key in keys}
        dark = self._dark(hosts - {CONTROLLER}, deadline, cancelled)
        if hosts - dark.keys():
            left = (end - self._clock.now()).total_seconds()
            self._carry_out(answers, left, cancelled, only=only and keys, without=sorted(dark))

        if only is None:
            self._checks |= answers.checks
            keys = list(self._checks)

        now = self._wall()
        checks = [self._checks.get(key) or Check(*key) for key in keys]
        results = tuple(
            check.conclude(CheckAnswer(CheckOutcome.ERRORED, dark[check.host], answers.start, now))
            if check.host in dark
            else answers.result(check, now, self._hollow)
            for check in checks
        )

        self._keep([self._masked(result) for result in results])
        return results

    def _carry_out(  # noqa: PLR0913 a task's own parameters
        self,
        answers: Pass,
        seconds: float,
        cancelled: Cancelled,
        *,
        collect: bool = False,
        only: Sequence[CheckKey] | None = None,
        without: Sequence[str] = (),
    ) -> None:
        """Give the worker a task and listen until it ends; kill it at its end or when cancelled."""
        self._tasks += 1
        self._worker.start()
        which = {"collect": collect, "only": only, "without": without}
        task: dict[str, Any] = {
            "task": self._tasks,
            "drill": self._given,
            "passwords": self._worker.passwords,
            **which,
        }
        self._worker.tell(task)

        end = self._clock.now() + timedelta(seconds=seconds)
        rehearsing = False
        while True:
            for message in self._worker.hear(_TICK):
                if message.get("task") in (self._tasks, None):
                    answers.take(message, self._wall())
            if answers.ended:
                return
            if collect and answers.collected and not rehearsing:
                rehearsing = True
                end = min(end, self._clock.now() + timedelta(seconds=_REHEARSAL))
            too_late = self._clock.now() >= end
            if (
                answers.stopped and too_late
            ):  # even the kernel could not end it: leave it to the reaper
                self._worker.end()
                return

            if not answers.stopped and (too_late or cancelled()):
                answers.stopped = late(seconds) if too_late else _INTERRUPTED
                self._worker.tell({"kill": True})
                end = self._clock.now() + timedelta(seconds=_GRACE)

    def _dark(self, hosts: set[str], seconds: float, cancelled: Cancelled) -> dict[str, str]:
        """Ask every host for nothing over SSH; return those that do not answer, and why."""
        seconds = min(seconds, _PROBE)
        end = self._clock.now() + timedelta(seconds=seconds)
        probes = [Probe(self._site, host, self._worker.environment) for host in sorted(hosts)]
        waiting = {probe.ended for probe in probes}
        while waiting and self._clock.now() < end and not cancelled():
            waiting -= set(select.select(list(waiting), [], [], _TICK)[0])

        silent = _INTERRUPTED if cancelled() else f"cannot be reached over SSH: {late(seconds)}"
        dark = {}
        for probe in probes:
            code, reason = probe.close()
            if code is None:
                dark[probe.host] = silent
            elif code != 0:
                dark[probe.host] = f"cannot be reached over SSH: {reason or f'exit code {code}'}"

        return dark

    def _wall(self) -> datetime:
        """Return the system's clock, as pytest reads it."""
        return self._clock.now() + timedelta(seconds=self._clock.stepped())

    def _masked(self, result: CheckResult) -> str:
        facts = self._masker.facts(result.model_dump(mode="json"))
        return json.dumps(facts, ensure_ascii=False, separators=(",", ":")) + "\n"
