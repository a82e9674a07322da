"""Run a playbook on the standby."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

from pradrill.domain.run.host import Site
from pradrill.domain.run.outcome import Phase, StepOutcome
from pradrill.domain.run.run_plan import PlannedPlaybook
from pradrill.domain.values.reason import reason
from pradrill.domain.values.reason_code import Code
from pradrill.engine.clock_steps import Stretch
from pradrill.engine.context import Context, StepEnd
from pradrill.engine.restore_growth import growth_told
from pradrill.engine.steps.backups import POINT, other_backup, selected
from pradrill.ports import Cancelled, Play

_AFTER = {
    Phase.PREPARE: (Phase.PREPARE, Phase.RESTORE),
    Phase.RESTORE: (Phase.RESTORE, Phase.TEARDOWN),
    Phase.TEARDOWN: (Phase.TEARDOWN,),
}
"""Where the playbook stands that comes next."""


def expect_playbook(context: Context, *phases: Phase) -> None:
    """Let Ansible start for the next playbook of the phases, while something else is done.

    Those that branches beside this one have begun do not come any more. What a playbook may work
    on, and whether it is what was planned, is asked when it comes.
    """
    facts = context.facts
    coming = (step for phase in phases for step in facts.plan.steps_of(phase))
    playbooks = (each for each in coming if isinstance(each, PlannedPlaybook))
    step = next((each for each in playbooks if each.key not in facts.begun), None)
    if step is not None:
        view = context.of(step.service)
        play = _play(view, step, view.there(), step.vars)
        context.tools.runner.expect(play, deadline=step.deadline.total_seconds())


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
    play, seconds = _play(context, step, there, variables), step.deadline.total_seconds()
    context.tools.runner.expect(play, deadline=seconds)
    expect_playbook(context, *_AFTER[step.phase])
    is_restore = step.phase is Phase.RESTORE
    with growth_told(context, there) if is_restore else nullcontext(context.say) as say:
        result = context.tools.runner.run(
            play,
            deadline=seconds,
            cancelled=never if step.phase is Phase.TEARDOWN else context.cancelled,
            say=say,
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

    if other := other_backup(point, result.values):
        return StepEnd(StepOutcome.UNKNOWN, other, more)

    return StepEnd(result.outcome, result.detail, more)


def _play(
    context: Context, step: PlannedPlaybook, there: Site, variables: Mapping[str, Any]
) -> Play:
    unlocks = context.facts.plan.drill.standby.vault_passwords
    return Play(
        step.playbook,
        there,
        variables,
        step.secrets,
        context.journal.run_id,
        unlocks,
        controller=step.controller,
    )
