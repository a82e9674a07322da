"""Poll the checks until the service is stable."""

from __future__ import annotations

from typing import Any

from pradrill.domain.run.actuals import service_verified
from pradrill.domain.run.event import CheckPass, Event
from pradrill.domain.run.outcome import CheckKey, CheckResult, StepOutcome
from pradrill.domain.run.run_plan import PlannedStep
from pradrill.domain.values.reason import reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Mark
from pradrill.engine.context import Context, StepEnd
from pradrill.engine.polling import verify_until_stable


class _Passes:
    """Notes passes of checks while the journal has room for them, and at the end the last words."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._surplus = 0
        self._last: dict[CheckKey, CheckResult] = {}

    def note(self, results: tuple[CheckResult, ...]) -> None:
        """Note a pass, or count it where too much was told before."""
        if self._context.edited():
            return  # what another suite says is no evidence; the step tells it at its end

        check_pass = CheckPass(number=self._context.branch_facts.passes + 1, results=results)
        if not self._surplus and self._context.has_room(check_pass):
            self._context.note(Event.CHECK_PASS, check_pass)
            return

        self._surplus += 1
        self._last |= {result.key: result for result in results}

    def note_last(self) -> None:
        """Note what the passes that there was no room for have said last."""
        if self._surplus:
            number = self._context.branch_facts.passes + self._surplus
            results = tuple(self._last.values())
            check_pass = CheckPass(number=number, results=results, surplus=self._surplus)
            self._context.note(Event.CHECK_PASS, check_pass)


def given_to_checks(context: Context) -> dict[str, Any]:
    """Return what the drill says once, and what its run knows by now: for the checks."""
    return {
        "vars": context.facts.plan.drill.model_dump(mode="json", include={"vars"})["vars"],
        "hosts": {host.name: host.address for host in context.there().hosts},
        "values": context.tools.masked(context.values()),
    }


def prepare_checks(context: Context) -> None:
    """Let what runs the checks get ready while the data is restored."""
    suite = context.way.verify.checks
    context.tools.verifier.prepare(suite, context.there(), marker=context.journal.run_id)


def checks(context: Context, step: PlannedStep) -> StepEnd:
    """Run the checks until they are green and stay so; that gives T5."""
    if edited := context.edited():
        return StepEnd(StepOutcome.UNKNOWN, reason(Code.EDITED_BEFORE, files=edited))

    spec = context.way.verify

    passes = _Passes(context)

    with context.tools.verifier.open(
        spec.checks,
        context.there(),
        marker=context.journal.run_id,
        evidence=context.evidence(step),
        given=given_to_checks(context),
    ) as verification:
        verified = verify_until_stable(
            verification,
            spec,
            clock=context.tools.clock,
            cancelled=context.cancelled,
            on_pass=passes.note,
            on_count=context.tools.progress.checks,
        )
        passes.note_last()
    if edited := context.edited():
        return StepEnd(StepOutcome.UNKNOWN, reason(Code.EDITED_DURING_CHECKS, files=edited))

    if verified.first_green is not None:
        restored = context.branch_facts.marks[Mark.DATA_RESTORED]
        t5 = service_verified(verified.first_green, verified.last_red, restored)
        context.mark_instant(Mark.SERVICE_VERIFIED, t5)
        context.note(Event.STABLE)

    return StepEnd(verified.outcome, verified.detail)
