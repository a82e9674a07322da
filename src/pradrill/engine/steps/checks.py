"""The checks, polled until the service is stable."""

from __future__ import annotations

from pradrill.domain.actuals import service_verified
from pradrill.domain.events import CheckPass, Event
from pradrill.domain.outcome import CheckResult, StepOutcome
from pradrill.domain.run_plan import PlannedStep
from pradrill.domain.timeline import Mark
from pradrill.engine.context import Came, Context
from pradrill.engine.verification import verify_until_stable


def checks(context: Context, step: PlannedStep) -> Came:
    """Run the checks until they are green and stay so; that gives T5."""
    if edited := context.edited():
        return Came(StepOutcome.UNKNOWN, f"not run: {edited} changed after the run began")
    spec = context.way.verify

    def on_pass(results: tuple[CheckResult, ...]) -> None:
        if context.edited():
            return  # what another suite says is no evidence; the step tells it at its end
        done = CheckPass(number=context.own.passes + 1, results=results)
        context.note(Event.CHECK_PASS, **done.model_dump(mode="json"))

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
        return Came(StepOutcome.UNKNOWN, f"{edited} changed while the checks ran")
    if verified.first_green is not None:
        restored = context.own.marks[Mark.DATA_RESTORED]
        t5 = service_verified(verified.first_green, verified.last_red, restored)
        context.mark_instant(Mark.SERVICE_VERIFIED, t5)
        context.note(Event.STABLE)
    return Came(verified.outcome, verified.detail)
