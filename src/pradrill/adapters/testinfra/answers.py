"""Collect the worker's answers of one pass, and conclude each check's outcome."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pradrill.adapters.testinfra.worker_process import clean
from pradrill.domain.declared.check_source import declared_checks, extended_classes, suite_files
from pradrill.domain.run.outcome import CheckKey, CheckOutcome, CheckResult, Sample
from pradrill.errors import UNREADABLE

CONTROLLER = "controller"
"""The worker's word for what does not run on a host."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOLLOW = "it passes whatever the host answers"
_NOT_COLLECTED = "the file declares this check, and pytest did not collect it"


class CheckAnswer(NamedTuple):
    """What a check came to, when, and how much it looked at."""

    outcome: CheckOutcome
    detail: str
    started: datetime
    ended: datetime
    sample: Sample | None = None
    assertions: int | None = None


class Check(NamedTuple):
    """What is known of a check before it runs."""

    check: str
    host: str
    title: str = "the suite holds this check"
    mandatory: bool = True
    negative: bool = False
    reading: bool = False
    """It is no test: what it proves is that a file can be read."""

    @property
    def key(self) -> CheckKey:
        """Return how results are told apart."""
        return CheckKey(self.check, self.host)

    def conclude(self, answer: CheckAnswer) -> CheckResult:
        """Return its result."""
        return CheckResult(
            check=self.check,
            host=self.host,
            title=self.title,
            mandatory=self.mandatory,
            negative=self.negative,
            **answer._asdict(),
        )


class Pass:
    """What the worker has told of one pass."""

    def __init__(self, start: datetime, suite: Path) -> None:
        self.start = start
        self._suite = suite
        self.checks: dict[CheckKey, Check] = {}
        self.hollow: set[CheckKey] = set()
        """Keys of the checks that no made-up answer made fail."""
        self.collected = False
        self.ended = False
        self.stopped = ""
        self._answers: dict[CheckKey, CheckAnswer] = {}
        self._running: tuple[CheckKey | None, datetime] = (None, start)
        self._last_words = ""

    def take(self, message: dict[str, Any], at: datetime) -> None:
        """Take in a message of the worker, heard at `at`; what it would never write is nothing."""
        with suppress(*UNREADABLE):
            self._take(message, at)

    def _take(self, message: dict[str, Any], at: datetime) -> None:
        key = CheckKey(str(message.get("check")), str(message.get("host")))
        detail = clean(message.get("detail", ""))
        match message["event"]:
            case "check":
                kind = bool(message["mandatory"]), bool(message["negative"])
                self.checks[key] = Check(*key, clean(message["title"]), *kind)
            case "unread":
                self.unread(key.check, CheckOutcome(message["outcome"]), detail, at)
            case "hollow":
                self.hollow.add(key)
            case "collected":
                self.collected = True
                self._miss(at)
            case "began":
                self._running = (key, at)
            case "result":
                started, ended = (
                    _EPOCH + timedelta(seconds=message[when]) for when in ("started", "ended")
                )
                counts = message["sample"]
                sample = Sample(looked=counts[0], of=counts[1]) if counts else None
                outcome = CheckOutcome(message["outcome"])
                asserted = message["assertions"]
                answer = CheckAnswer(outcome, detail, started, ended, sample, asserted)
                Check(*key).conclude(answer)  # or it is no answer
                self._answers[key] = answer
            case "ended":
                self.ended = True
                self._last_words = f"exit code {message['code']}: {detail or 'it said nothing'}"

    def unread(self, file: str, outcome: CheckOutcome, why: str, at: datetime) -> None:
        """Note that a file's checks are not known, as a check without an answer."""
        title = f"the checks in {file} can be read"
        check = Check(file, CONTROLLER, title, reading=True)
        self.checks[check.key] = check
        self._answers[check.key] = CheckAnswer(outcome, why, self.start, at)

    def _miss(self, at: datetime) -> None:
        """Note each check that the files declare and that pytest did not collect, as skipped."""
        collected = {check.check.partition("[")[0] for check in self.checks.values()}
        for check, times in _declared(self._suite).items():
            if check.partition("::")[0] in collected:  # the whole file could not be read
                continue

            if check not in collected:
                self.unread(check, CheckOutcome.SKIPPED, _NOT_COLLECTED, at)
            elif times > 1:
                why = f"the file declares {times} of this name, and only the last one is asked"
                self.unread(check, CheckOutcome.SKIPPED, why, at)

    def result(self, check: Check, now: datetime, hollow: Collection[CheckKey]) -> CheckResult:
        """Return what a check came to; without an answer it is ERRORED.

        That one of the `hollow` passes is no answer: it does in any case.
        """
        if check.key in self._answers:
            answer = self._answers[check.key]
            if answer.outcome is CheckOutcome.PASSED and check.key in hollow:
                answer = answer._replace(outcome=CheckOutcome.ERRORED, detail=_HOLLOW)
            return check.conclude(answer)
        if check.reading and self.collected:
            return check.conclude(CheckAnswer(CheckOutcome.PASSED, "", self.start, now))

        running, since = self._running
        started = since if check.key == running else self.start

        return check.conclude(CheckAnswer(CheckOutcome.ERRORED, self.why_not(check), started, now))

    def why_not(self, check: Check | None) -> str:
        """Say why an answer is missing."""
        running, _ = self._running
        if self.stopped:
            alone = not running or check is None or check.key == running
            return self.stopped if alone else f"not asked: {running}: {self.stopped}"
        if check is None or not self.collected:
            return f"the checks cannot be read: {self._last_words}"

        file = CheckKey(check.check.partition("::")[0], CONTROLLER)
        if file in self._answers:
            return f"its file cannot be read: {self._answers[file][1]}"
        if check.key in self.checks:
            return f"the process of the checks ended before it answered: {self._last_words}"

        return "the suite does not hold this check any more"


def _declared(suite: Path) -> Counter[str]:
    """Count the checks that the files of a suite declare, by their ids without parameters."""
    root = suite if suite.is_dir() else suite.parent
    trees = {}
    for path in suite_files(suite):
        with suppress(SyntaxError, ValueError, OSError):  # pytest tells of these itself
            trees[path.relative_to(root).as_posix()] = ast.parse(path.read_bytes())

    extended = extended_classes(trees.values())
    return Counter(
        f"{file}::{each.name}"
        for file, tree in trees.items()
        for each in declared_checks(tree, extended)
    )


def late(seconds: float) -> str:
    """Say that there was no answer in time."""
    return f"no answer within {round(seconds, 1):g} s"
