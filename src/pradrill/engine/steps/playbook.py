"""Run a playbook on the standby."""

from __future__ import annotations

from pradrill.domain.run.outcome import Phase, StepOutcome
from pradrill.domain.run.run_plan import PlannedPlaybook
from pradrill.domain.values.reason import reason
from pradrill.domain.values.reason_code import Code
from pradrill.engine.clock_steps import Stretch
from pradrill.engine.context import Context, StepEnd
from pradrill.engine.steps.backups import BACKUP_ID, POINT, is_selected, selected
from pradrill.ports import Cancelled, Play


def playbook(context: Context, step: PlannedPlaybook) -> StepEnd:
    """Run the step's playbook; a signal stops it, except in teardown."""
    context.tenancy.confirm()
    if edited := context.edited():
        return StepEnd(StepOutcome.UNKNOWN, reason(Code.EDITED_BEFORE, files=edited))

    during = Stretch(context.tools.clock)
    never: Cancelled = lambda: False  # noqa: E731 teardown cannot be cancelled
    there = context.workable(step.phase)
    if there is None:
        return StepEnd(StepOutcome.UNKNOWN, reason(Code.NEVER_PROVEN))

    point = selected(context) if step.phase is Phase.RESTORE else None
    variables = {**step.vars, POINT: point.id} if point else step.vars
    unlocks = context.facts.plan.drill.standby.vault_password
    run_id = context.journal.run_id
    result = context.tools.runner.run(
        Play(
            step.playbook,
            there,
            variables,
            step.secrets,
            run_id,
            unlocks,
            controller=step.controller,
        ),
        deadline=step.deadline.total_seconds(),
        cancelled=never if step.phase is Phase.TEARDOWN else context.cancelled,
        say=context.tools.progress.say,
        evidence=context.evidence(step),
    )

    ended = result.ended and during.instant(result.ended)
    more = {
        "failures": result.failures,
        "values": result.values,
        "work_started": result.started and during.instant(result.started).earliest,
        "work_ended": ended and ended.latest,
        "work_earlier": (ended.latest - ended.earliest).total_seconds() if ended else 0.0,
    }
    if edited := context.edited():
        why = reason(Code.EDITED_DURING_PLAYBOOK, files=edited)
        return StepEnd(StepOutcome.UNKNOWN, why, more)

    restored = str(result.values.get(BACKUP_ID, ""))
    if point and restored and not is_selected(point, restored):
        why = reason(Code.OTHER_BACKUP, name=restored[:128], other=point.id)
        return StepEnd(StepOutcome.UNKNOWN, why, more)

    return StepEnd(result.outcome, result.detail, more)
