"""Tell how long a run still takes, from earlier runs of the same drill that passed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from statistics import median
from typing import NamedTuple

from pradrill.domain.run.outcome import StepKey, StepResult
from pradrill.domain.run.run_plan import PlannedStep, RunPlan


class StepTimes(NamedTuple):
    """What a run that passed was to do, and how long it took for each step."""

    planned: Collection[StepKey]
    seconds: Mapping[StepKey, float]


class Estimate(NamedTuple):
    """How long each step usually takes, and from how many runs that is known."""

    runs: int
    seconds: Mapping[StepKey, float]

    def left(
        self, plan: RunPlan, ended: Collection[StepKey], spent: Mapping[StepKey, float]
    ) -> timedelta:
        """Return how long the rest takes; `spent`: the seconds of the steps under way."""

        def left_of(step: PlannedStep) -> timedelta:
            if step.key in ended:
                return timedelta()
            usual = min(self.seconds.get(step.key, 0.0), step.deadline.total_seconds())
            return timedelta(seconds=max(0.0, usual - spent.get(step.key, 0.0)))

        return plan.span(left_of)


def step_times(plan: RunPlan, steps: Iterable[StepResult]) -> StepTimes:
    """Return what a record tells of its steps."""
    return StepTimes(
        planned=frozenset(step.key for step in plan.steps),
        seconds={step.key: step.seconds for step in steps},
    )


def estimate(plan: RunPlan, earlier: Iterable[StepTimes]) -> Estimate | None:
    """Return each step's median of those runs that took the same steps; None when none did.

    A step that those runs planned and did not take is not expected to be taken.
    """
    planned = {step.key for step in plan.steps}
    alike = [run for run in earlier if run.planned == planned]
    if not alike:
        return None

    seconds = {key: median(run.seconds.get(key, 0.0) for run in alike) for key in planned}
    return Estimate(len(alike), seconds)
