"""Compare the canary, a value planted on the primary, with what came back."""

from __future__ import annotations

from pradrill.domain.run.outcome import StepOutcome
from pradrill.domain.run.run_plan import PlannedStep
from pradrill.domain.values.reason import reason
from pradrill.domain.values.reason_code import Code
from pradrill.engine.context import Context, StepEnd, planned


def canary(context: Context, _step: PlannedStep) -> StepEnd:
    """Compare the restored value with the planted one; neither is kept anywhere."""
    declared = planned(context.way.verify.canary, "a canary")
    host = context.host(declared.host)
    if context.tools.probe.same_canary(host, context.there(), declared):
        return StepEnd(StepOutcome.PASSED)
    return StepEnd(StepOutcome.FAILED, reason(Code.CANARY_DIFFERS))
