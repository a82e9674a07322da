"""Mask secrets in what is shown to whoever watches a run."""

from __future__ import annotations

from collections.abc import Sequence

from pradrill.domain.run.outcome import StepResult
from pradrill.domain.run.question import Question
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.masking import Masker
from pradrill.ports import Progress


class DiscreetProgress:
    """Shows a run as another does, and masks what it shows."""

    def __init__(self, progress: Progress, masker: Masker) -> None:
        self._progress = progress
        self._masker = masker

    def of(self, service: str | None, step: str | None = None) -> DiscreetProgress:
        """Return the same view for one branch, or for a step."""
        name = None if step is None else self._masker.text(step)
        return DiscreetProgress(self._progress.of(service, name), self._masker)

    def begin(self, run_id: str, plan: RunPlan, before: Sequence[StepResult] = ()) -> None:
        """Begin a run, whose plan names secrets and holds none."""
        self._progress.begin(run_id, plan, before)

    def phase(self, name: str) -> None:
        """Begin a phase."""
        self._progress.phase(name)

    def step(self, name: str, deadline: float) -> None:
        """Begin a step that has `deadline` seconds."""
        self._progress.step(self._masker.text(name), deadline)

    def say(self, line: str) -> None:
        """Tell what is going on inside the step."""
        self._progress.say(self._masker.text(line))

    def checks(self, green: int, total: int) -> None:
        """Tell how many mandatory checks are green."""
        self._progress.checks(green, total)

    def ask(self, question: Question) -> None:
        """Show what a person is asked for; it is masked where it is put."""
        self._progress.ask(question)

    def finish(self, step: StepResult) -> None:
        """End a step."""
        facts = self._masker.facts(step.model_dump(mode="json"))
        self._progress.finish(StepResult.model_validate(facts))
