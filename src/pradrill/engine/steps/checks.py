"""Poll the checks until the service is stable."""

from __future__ import annotations

from pradrill.domain.run.actuals import service_verified
from pradrill.domain.run.event import CheckPass, Event
from pradrill.domain.run.outcome import CheckResult, StepOutcome
from pradrill.domain.run.run_plan import PlannedStep
from pradrill.domain.values.reason import reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Mark
from pradrill.engine.context import Context, StepEnd
from pradrill.engine.polling import verify_until_stable


def checks(context: Context, step: PlannedStep) -> StepEnd:
    """Run the checks until they are green and stay so; that gives T5."""
    if edited := context.edited():
        return StepEnd(StepOutcome.UNKNOWN, reason(Code.EDITED_BEFORE, files=edited))

    spec = context.way.verify

    def on_pass(results: tuple[CheckResult, ...]) -> None:
        if context.edited():
            return  # what another suite says is no evidence; the step tells it at its end
        check_pass = CheckPass(number=context.branch_facts.passes + 1, results=results)
        context.note(Event.CHECK_PASS, check_pass)

    with context.tools.verifier.open(
        spec.checks,
        context.there(),
        marker=context.journal.run_id,
        evidence=context.evidence(step),
    ) as verification:
        verified = verify_until_stable(
            verification,
            spec,
            clock=context.tools.clock,
            cancelled=context.cancelled,
            on_pass=on_pass,
            on_count=context.tools.progress.checks,
        )
    if edited := context.edited():
        return StepEnd(StepOutcome.UNKNOWN, reason(Code.EDITED_DURING_CHECKS, files=edited))

    if verified.first_green is not None:
        restored = context.branch_facts.marks[Mark.DATA_RESTORED]
        t5 = service_verified(verified.first_green, verified.last_red, restored)
        context.mark_instant(Mark.SERVICE_VERIFIED, t5)
        context.note(Event.STABLE)

    return StepEnd(verified.outcome, verified.detail)
