"""Checks written with testinfra, run by pytest in a worker process; the hosts are asked first."""

from __future__ import annotations

import json
import os
import select
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pradrill import in_memory, processes
from pradrill.adapters.testinfra.link import Probe, Worker, clean
from pradrill.domain.masking import Masker
from pradrill.domain.outcome import CheckOutcome, CheckResult, Sample
from pradrill.domain.target import Site
from pradrill.ports import Cancelled, Clock

_CONTROLLER = "controller"  # the worker's word for what does not run on a host
_TICK = 0.1
_GRACE = 5.0
_COLLECTION = 60.0
_PROBE = 8.0
_INTERRUPTED = "interrupted"


class TestinfraVerifier:
    """Runs suites of testinfra checks on every host of a site."""

    def __init__(self, clock: Clock, masker: Masker | None = None) -> None:
        self._clock = clock
        self._masker = masker or Masker()

    @contextmanager
    def open(
        self, suite: Path, site: Site, *, marker: str, evidence: Path
    ) -> Iterator[TestinfraSuite]:
        """Collect the suite; at the end none of its processes is left, shared connections too.

        `evidence` gets `checks.jsonl`: every answer of every pass.
        """
        evidence.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = in_memory.folder(marker)
        marker = processes.part(marker, folder.name)  # the run may be doing more beside
        worker = Worker(suite.resolve(), site, marker, folder)
        try:
            opened = TestinfraSuite(self._clock, worker, site, suite.name, evidence, self._masker)
            opened.collect()
            yield opened
        finally:
            worker.end()
            processes.end(marker)
            shutil.rmtree(folder, ignore_errors=True)


class TestinfraSuite:
    """A collected suite. A check is named `file::function[parameters]@host`."""

    def __init__(  # noqa: PLR0913, PLR0917 what a suite is made of
        self,
        clock: Clock,
        worker: Worker,
        site: Site,
        name: str,
        evidence: Path,
        masker: Masker,
    ) -> None:
        self._clock = clock
        self._worker = worker
        self._site = site
        self._name = name
        self._evidence = evidence / "checks.jsonl"
        self._masker = masker
        self._known: dict[str, _Check] = {}
        self._tasks = 0

    def collect(self) -> None:
        """Learn the suite's checks. Where something cannot be read, reading it is a check too."""
        heard = _Pass(self._wall())
        self._carry_out(heard, _COLLECTION, lambda: False, collect=True)
        if not heard.collected:
            heard.unread(self._name, CheckOutcome.ERRORED, heard.why_not(None), self._wall())
        self._known = heard.checks

    def checks(self) -> Sequence[str]:
        """Return the ids of every check, one a host."""
        return tuple(self._known)

    def run(
        self, only: Sequence[str] | None, *, deadline: float, cancelled: Cancelled
    ) -> tuple[CheckResult, ...]:
        """Run one pass within `deadline` seconds; a check without an answer is ERRORED."""
        end = self._clock.now() + timedelta(seconds=deadline)
        heard = _Pass(self._wall())
        keys = list(self._known if only is None else only)
        hosts = {key.rpartition("@")[2] for key in keys}
        dark = self._dark(hosts - {_CONTROLLER}, deadline, cancelled)
        if hosts - dark.keys():
            left = (end - self._clock.now()).total_seconds()
            self._carry_out(heard, left, cancelled, only=only and keys, without=sorted(dark))
        if only is None:
            self._known |= heard.checks
            keys = list(self._known)
        now = self._wall()
        checks = [self._known.get(key) or _Check(*key.rpartition("@")[::2]) for key in keys]
        results = tuple(
            check.came(CheckOutcome.ERRORED, dark[check.host], heard.began, now)
            if check.host in dark
            else heard.result(check, now)
            for check in checks
        )
        self._keep(results)
        return results

    def _carry_out(  # noqa: PLR0913 a task's own parameters
        self,
        heard: _Pass,
        seconds: float,
        cancelled: Cancelled,
        *,
        collect: bool = False,
        only: Sequence[str] | None = None,
        without: Sequence[str] = (),
    ) -> None:
        """Give the worker a task and listen until it ends; kill it at its end or when cancelled."""
        self._tasks += 1
        self._worker.start()
        task = {"task": self._tasks, "collect": collect, "only": only, "without": without}
        self._worker.tell(task)
        end = self._clock.now() + timedelta(seconds=seconds)
        while True:
            for message in self._worker.hear(_TICK):
                if message["task"] in {self._tasks, None}:
                    heard.take(message, self._wall())
            if heard.ended:
                return
            late = self._clock.now() >= end
            if heard.stopped and late:  # even the kernel could not end it: leave it to the reaper
                self._worker.end()
                return
            if not heard.stopped and (late or cancelled()):
                heard.stopped = _late(seconds) if late else _INTERRUPTED
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
        silent = _INTERRUPTED if cancelled() else f"cannot be reached over SSH: {_late(seconds)}"
        dark = {}
        for probe in probes:
            code, said = probe.close()
            if code is None:
                dark[probe.host] = silent
            elif code != 0:
                dark[probe.host] = f"cannot be reached over SSH: {said or f'exit code {code}'}"
        return dark

    def _wall(self) -> datetime:
        """Return the system's clock, as pytest reads it."""
        return self._clock.now() + timedelta(seconds=self._clock.stepped())

    def _keep(self, results: tuple[CheckResult, ...]) -> None:
        handle = os.open(self._evidence, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 a descriptor, not a path
            for result in results:
                told = self._masker.facts(result.model_dump(mode="json"))
                file.write(json.dumps(told, ensure_ascii=False, separators=(",", ":")) + "\n")


class _Check(NamedTuple):
    """What is known of a check before it runs."""

    check: str
    host: str
    title: str = "the suite holds this check"
    mandatory: bool = True
    negative: bool = False
    reading: bool = False
    """It is no test: what it proves is that a file can be read."""

    @property
    def key(self) -> str:
        return f"{self.check}@{self.host}"

    def came(
        self,
        outcome: CheckOutcome,
        detail: str,
        started: datetime,
        ended: datetime,
        sample: Sample | None = None,
    ) -> CheckResult:
        return CheckResult(
            check=self.check,
            host=self.host,
            title=self.title,
            mandatory=self.mandatory,
            outcome=outcome,
            started=started,
            ended=ended,
            detail=detail,
            sample=sample,
            negative=self.negative,
        )


class _Pass:
    """What the worker has told of one pass."""

    def __init__(self, began: datetime) -> None:
        self.began = began
        self.checks: dict[str, _Check] = {}
        self.collected = False
        self.ended = False
        self.stopped = ""
        self._answers: dict[str, tuple[CheckOutcome, str, datetime, datetime, Sample | None]] = {}
        self._running = ("", began)
        self._last_words = ""

    def take(self, message: dict[str, Any], at: datetime) -> None:
        """Take in a message of the worker, heard at `at`."""
        key = f"{message.get('check')}@{message.get('host')}"
        detail = clean(message.get("detail", ""))
        match message["event"]:
            case "check":
                check, host, title = message["check"], message["host"], clean(message["title"])
                kind = message["mandatory"], message["negative"]
                self.checks[key] = _Check(check, host, title, *kind)
            case "unread":
                self.unread(message["check"], CheckOutcome(message["outcome"]), detail, at)
            case "collected":
                self.collected = True
            case "began":
                self._running = (key, at)
            case "result":
                started, ended = (
                    datetime.fromtimestamp(message[when], UTC) for when in ("started", "ended")
                )
                told = message["sample"]
                sample = Sample(looked=told[0], of=told[1]) if told else None
                outcome = CheckOutcome(message["outcome"])
                self._answers[key] = (outcome, detail, started, ended, sample)
            case "ended":
                self.ended = True
                self._last_words = f"exit code {message['code']}: {detail or 'it said nothing'}"

    def unread(self, file: str, outcome: CheckOutcome, why: str, at: datetime) -> None:
        """Note that a file's checks are not known, as a check without an answer."""
        title = f"the checks in {file} can be read"
        check = _Check(file, _CONTROLLER, title, reading=True)
        self.checks[check.key] = check
        self._answers[check.key] = (outcome, why, self.began, at, None)

    def result(self, check: _Check, now: datetime) -> CheckResult:
        """Return what a check came to; without an answer it is ERRORED."""
        if check.key in self._answers:
            return check.came(*self._answers[check.key])
        if check.reading and self.collected:
            return check.came(CheckOutcome.PASSED, "", self.began, now)
        running, since = self._running
        started = since if check.key == running else self.began
        return check.came(CheckOutcome.ERRORED, self.why_not(check), started, now)

    def why_not(self, check: _Check | None) -> str:
        """Say why there is no answer."""
        running, _ = self._running
        if self.stopped:
            alone = not running or check is None or check.key == running
            return self.stopped if alone else f"not asked: {running}: {self.stopped}"
        if check is None or not self.collected:
            return f"the checks cannot be read: {self._last_words}"
        file = f"{check.check.partition('::')[0]}@{_CONTROLLER}"
        if file in self._answers:
            return f"its file cannot be read: {self._answers[file][1]}"
        if check.key in self.checks:
            return f"the process of the checks ended before it answered: {self._last_words}"
        return "the suite does not hold this check any more"


def _late(seconds: float) -> str:
    return f"no answer within {round(seconds, 1):g} s"
