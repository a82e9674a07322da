"""Tell a run's progress as events with stable names, for programs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from pradrill.domain.run.outcome import StepResult
from pradrill.domain.run.question import Question
from pradrill.domain.run.run_plan import RunPlan


class EventProgress(ABC):
    """Makes an event of all that a run shows; how it is written is its heirs' affair."""

    @abstractmethod
    def of(self, service: str | None, step: str | None = None) -> Self:
        """Return the same for one branch, or a step: each of its events names them."""

    @abstractmethod
    def tell(self, event: str, **facts: object) -> None:
        """Write an event; never raises."""

    def begin(self, run_id: str, plan: RunPlan, before: Sequence[StepResult] = ()) -> None:
        """Begin a run."""
        self.tell(
            "run", run=run_id, drill=plan.drill.drill, steps=len(plan.steps), ended=len(before)
        )

    def phase(self, name: str) -> None:
        """Begin a phase."""
        self.tell("phase", phase=str(name))

    def step(self, name: str, deadline: float) -> None:
        """Begin a step that has `deadline` seconds."""
        self.tell("step", step=name, deadline=deadline)

    def say(self, line: str) -> None:
        """Tell what is going on inside the step."""
        self.tell("says", line=line)

    def checks(self, green: int, total: int) -> None:
        """Tell how many mandatory checks are green."""
        self.tell("checks", green=green, total=total)

    def ask(self, question: Question) -> None:
        """Tell what a person is asked for."""
        self.tell(
            "asks",
            run=question.run_id,
            step=question.step,
            who=question.who,
            instruction=question.instruction,
            until=question.until.isoformat(),
        )

    def finish(self, step: StepResult) -> None:
        """End a step."""
        self.tell(
            "step_ended",
            step=step.name,
            outcome=str(step.outcome),
            seconds=round(step.seconds, 3),
            detail=step.detail.text,
        )
