"""Planned steps: what the kinds say of themselves, and what records of before held."""

import pytest
from pydantic import ValidationError

from pradrill.domain.run.outcome import Phase, StepKind
from pradrill.domain.run.run_plan import PlannedManual, PlannedPlaybook, PlannedStep, RunPlan
from pradrill.testing import a_run_plan

COMMON = {"phase": "restore", "name": "one", "hosts": ["h"], "deadline": "1m", "service": None}
NOTHING: dict[str, object] = {
    "playbook": None, "manual": None, "call": None, "vars": {}, "secrets": {}, "controller": False,
}  # fmt: skip
ASKED = {"manual": "switch", "who": "DSI", "instruction": "do it"}


@pytest.mark.parametrize(
    ("own", "model"),
    [
        ({"kind": "playbook", "playbook": "/p.yml"}, PlannedPlaybook),
        ({"kind": "manual", "manual": ASKED}, PlannedManual),
        ({"kind": "checks"}, PlannedStep),
    ],
)
def test_a_step_recorded_with_the_keys_of_every_kind_is_read(
    own: dict[str, object], model: type[PlannedStep]
) -> None:
    """A record of before the kinds holds the others' keys, empty; the step is of its kind."""
    written = a_run_plan().model_dump(mode="json")
    plan = RunPlan.model_validate({**written, "steps": [{**COMMON, **NOTHING, **own}]})
    (step,) = plan.steps
    assert type(step) is model
    assert RunPlan.model_validate_json(plan.model_dump_json()) == plan


@pytest.mark.parametrize("kind", [StepKind.PLAYBOOK, StepKind.MANUAL])
def test_a_step_without_what_its_kind_needs_is_refused(kind: StepKind) -> None:
    """No playbook step without a playbook, and nobody is asked for nothing."""
    written = a_run_plan().model_dump(mode="json")
    step = {**COMMON, **NOTHING, "phase": Phase.RESTORE, "kind": kind}
    with pytest.raises(ValidationError, match=r"steps\.0\.(playbook|manual)"):
        RunPlan.model_validate({**written, "steps": [step]})
