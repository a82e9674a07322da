"""Ask the checks of a copy, and what is red again after a while."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from pradrill.domain.run.outcome import CheckKey, CheckOutcome, CheckResult
from pradrill.engine.context import Context
from pradrill.engine.steps.checks import given_to_checks
from pradrill.ports import Verification

Answers = Mapping[CheckKey, CheckResult]
"""What each mandatory check has said last."""


def question(
    copy: Context, pauses: Sequence[float], evidence: Path
) -> Generator[float, None, Answers]:
    """Ask every branch's checks; yield each pause before those that are red are asked again.

    Nothing is done in a pause: whoever goes through this waits, or does something else meanwhile.
    """
    with ExitStack() as opened:
        suites = [
            _Suite(opened, copy.of(branch.service), evidence) for branch in copy.facts.plan.branches
        ]
        for suite in suites:
            suite.ask()

        for pause in pauses:
            if copy.cancelled() or not any(red(suite.answers) for suite in suites):
                break
            yield pause
            for suite in suites:
                suite.ask_again()

        return {key: result for suite in suites for key, result in suite.answers.items()}


def red(answers: Answers) -> list[CheckKey]:
    """Return the checks that did not pass."""
    return [key for key, each in answers.items() if each.outcome is not CheckOutcome.PASSED]


class _Suite:
    """One branch's checks, which are open as long as the stack is."""

    def __init__(self, opened: ExitStack, view: Context, evidence: Path) -> None:
        spec = view.way.verify
        self.answers: dict[CheckKey, CheckResult] = {}
        self._cancelled = view.cancelled
        self._deadline = spec.deadline.total_seconds()
        self._verification: Verification = opened.enter_context(
            view.tools.verifier.open(
                spec.checks,
                view.there(),
                marker=view.journal.run_id,
                evidence=evidence / (view.service or "all"),
                given=given_to_checks(view),
            )
        )

    def ask(self, only: Sequence[CheckKey] | None = None) -> None:
        """Ask all the checks, or only some; those that are not mandatory say nothing here."""
        results = self._verification.run(only, deadline=self._deadline, cancelled=self._cancelled)
        self.answers |= {result.key: result for result in results if result.mandatory}

    def ask_again(self) -> None:
        """Ask those that did not pass."""
        if again := red(self.answers):
            self.ask(again)
