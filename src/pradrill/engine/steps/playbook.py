"""A playbook, run on the standby."""

from __future__ import annotations

from pradrill.domain.outcome import Phase
from pradrill.domain.run_plan import PlannedStep
from pradrill.engine.context import Came, Context
from pradrill.ports import Cancelled, Play


def playbook(context: Context, step: PlannedStep) -> Came:
    """Run the step's playbook; a signal stops it, except in teardown."""
    assert step.playbook is not None  # noqa: S101 planning gives every playbook step one
    clock = context.tools.clock
    never: Cancelled = lambda: False  # noqa: E731 teardown cannot be cancelled
    result = context.tools.runner.run(
        Play(step.playbook, context.there(), step.vars, step.secrets, context.journal.run_id),
        deadline=step.deadline.total_seconds(),
        cancelled=never if step.phase is Phase.TEARDOWN else context.cancelled,
        say=context.tools.progress.say,
        evidence=context.evidence(step),
    )
    more = {
        "failures": result.failures,
        "values": result.values,
        "work_started": result.started and clock.from_wall(result.started),
        "work_ended": result.ended and clock.from_wall(result.ended),
    }
    return Came(result.outcome, result.detail, more)
