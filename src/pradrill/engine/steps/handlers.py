"""Carry out each kind of step: one function for each kind, one module for each subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pradrill.domain.run.outcome import StepKind
from pradrill.domain.run.run_plan import PlannedManual, PlannedPlaybook, PlannedStep
from pradrill.engine.context import Context, StepEnd
from pradrill.engine.steps import backups, egress, files, standby
from pradrill.engine.steps.canary import canary
from pradrill.engine.steps.checks import checks
from pradrill.engine.steps.machines import destroy, provision
from pradrill.engine.steps.manual import manual
from pradrill.engine.steps.newest_data import newest_data
from pradrill.engine.steps.playbook import playbook

STEP_HANDLERS: Mapping[StepKind, Callable[[Context, PlannedStep], StepEnd]] = {
    StepKind.PRECONDITIONS: standby.preconditions,
    StepKind.CATALOGUE: backups.catalogue,
    StepKind.PROVISION: provision,
    StepKind.START: standby.start,
    StepKind.IDENTITY: standby.identity,
    StepKind.EGRESS: egress.deny,
    StepKind.EGRESS_AGAIN: egress.open_again,
    StepKind.CAPTURE: egress.read_capture,
    StepKind.FILES: files.watch,
    StepKind.FILES_AGAIN: files.read,
    StepKind.ISOLATION: standby.isolation,
    StepKind.ISOLATION_AGAIN: standby.isolation_again,
    StepKind.CHECKS: checks,
    StepKind.NEWEST_DATA: newest_data,
    StepKind.INTEGRITY: backups.integrity,
    StepKind.CANARY: canary,
    StepKind.RESIDUE: standby.residue,
    StepKind.STOP: standby.release,
    StepKind.DESTROY: destroy,
}


def take(context: Context, step: PlannedStep) -> StepEnd:
    """Do what the step's kind is about."""
    match step:
        case PlannedPlaybook():
            return playbook(context, step)
        case PlannedManual():
            return manual(context, step)
        case _:
            return STEP_HANDLERS[step.kind](context, step)
