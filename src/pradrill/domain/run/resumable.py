"""Judge whether a run whose process died may go on: nothing is done twice that may not be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from pradrill.domain.run.facts import Facts
from pradrill.domain.run.machine import expiry
from pradrill.domain.run.outcome import Phase, StepKind, StepOutcome
from pradrill.domain.values.timeline import Mark

_TEAR_DOWN = "Tear it down: pradrill teardown {run_id}; then launch its drill again."


class Obstacle(NamedTuple):
    """Why a run cannot go on, and what to do."""

    why: str
    hint: str


class Here(NamedTuple):
    """When and on which boot of the controller a run would go on."""

    now: datetime
    boot: str


def obstacle(facts: Facts, run_id: str, here: Here) -> Obstacle | None:
    """Return why a killed run cannot go on where it was cut; None when it may be tried."""
    because = next(_reasons(facts, here), None)
    return None if because is None else Obstacle(because, _TEAR_DOWN.format(run_id=run_id))


def waits_to_go_on(facts: Facts, run_id: str, here: Here) -> bool:
    """Tell whether a killed run is worth keeping as it is, until somebody decides.

    Something was done on its standby, and its drill means it to be resumed: a step says so.
    """
    playbooks = [step for step in facts.plan.steps if step.kind is StepKind.PLAYBOOK]
    declared = any(step.repeatable for step in playbooks)
    return declared and facts.touched and obstacle(facts, run_id, here) is None


def _reasons(facts: Facts, here: Here) -> Iterator[str]:
    standby = facts.plan.drill.standby
    phases = {phase for phase, _, _ in facts.begun}
    if facts.refusal is not None or Mark.DECLARED not in facts.marks:
        yield "nothing was begun in it"
    if facts.lost or facts.aborted is not None or Phase.TEARDOWN in phases:
        yield "its teardown had begun"
    if standby.throw_away and standby.provisioning is None:
        yield "its standby went with its process"
    if facts.provisioned:
        yield from _of_machines(facts, here)
    for step in facts.steps:
        if step.phase is not Phase.VERIFY and step.outcome is not StepOutcome.PASSED:
            yield f'its step "{step.name}" had ended: {step.outcome.value}'
    for cut in facts.cut():
        if cut.works and not cut.repeatable:
            yield (
                f'its step "{cut.name}" was cut in its middle, and the drill does not say '
                "repeatable: true of it"
            )


def _of_machines(facts: Facts, here: Here) -> Iterator[str]:
    """Say why a run cannot go on on the machines that were made for it."""
    if any(cut.kind is StepKind.PROVISION for cut in facts.cut()):
        yield "its machines were being made"
    if facts.clock is None or facts.clock.boot != here.boot:
        yield "the keys of its machines were in its controller's memory, which was restarted"
    ended = {step.key for step in facts.steps}
    left = [step.deadline for step in facts.plan.steps if step.key not in ended]
    over = expiry(facts.began, (step.deadline for step in facts.plan.steps))
    if here.now + sum(left, timedelta()) > over:
        yield f"its machines are over at {over:%Y-%m-%d %H:%M} UTC, before it could have ended"
