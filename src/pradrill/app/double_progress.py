"""Show a run in two ways at once."""

from __future__ import annotations

from collections.abc import Sequence

from pradrill.domain.run.outcome import StepResult
from pradrill.domain.run.question import Question
from pradrill.domain.run.run_plan import RunPlan
from pradrill.ports import Progress


class DoubleProgress:
    """Shows a run as each of two others does."""

    def __init__(self, *views: Progress) -> None:
        self._views = views

    def of(self, service: str | None, step: str | None = None) -> DoubleProgress:
        """Return both views of one branch, or of a step."""
        return DoubleProgress(*(view.of(service, step) for view in self._views))

    def begin(self, run_id: str, plan: RunPlan, before: Sequence[StepResult] = ()) -> None:
        """Begin a run."""
        for view in self._views:
            view.begin(run_id, plan, before)

    def phase(self, name: str) -> None:
        """Begin a phase."""
        for view in self._views:
            view.phase(name)

    def step(self, name: str, deadline: float) -> None:
        """Begin a step that has `deadline` seconds."""
        for view in self._views:
            view.step(name, deadline)

    def say(self, line: str) -> None:
        """Tell what is going on inside the step."""
        for view in self._views:
            view.say(line)

    def checks(self, green: int, total: int) -> None:
        """Tell how many mandatory checks are green."""
        for view in self._views:
            view.checks(green, total)

    def ask(self, question: Question) -> None:
        """Show what a person is asked for."""
        for view in self._views:
            view.ask(question)

    def finish(self, step: StepResult) -> None:
        """End a step."""
        for view in self._views:
            view.finish(step)
