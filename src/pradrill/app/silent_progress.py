"""Show nothing: for commands that use a run's tools and are no run, and for heirs to add to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pradrill.domain.run.outcome import StepResult
from pradrill.domain.run.question import Question
from pradrill.domain.run.run_plan import RunPlan


class SilentProgress:
    """Takes what a run would show, and shows none of it."""

    def of(self, service: str | None, step: str | None = None) -> Self:  # noqa: ARG002
        """Return itself: a branch shows no more."""
        return self

    def begin(self, run_id: str, plan: RunPlan, before: Sequence[StepResult] = ()) -> None:
        """Begin a run."""

    def phase(self, name: str) -> None:
        """Begin a phase."""

    def step(self, name: str, deadline: float) -> None:
        """Begin a step."""

    def say(self, line: str) -> None:
        """Tell nobody."""

    def checks(self, green: int, total: int) -> None:
        """Count for nobody."""

    def ask(self, question: Question) -> None:
        """Ask nobody."""

    def finish(self, step: StepResult) -> None:
        """End a step."""
