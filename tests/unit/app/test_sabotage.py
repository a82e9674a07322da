"""What cannot be sabotaged is refused before anything is touched, and says what can."""

from __future__ import annotations

from typing import Any

import pytest

from pradrill.app.sabotage import faults_that_fit, fingerprint
from pradrill.domain.run.run_plan import PlannedManual, RunPlan
from pradrill.errors import UsageError
from pradrill.testing import a_drill, a_run_plan

LAB: dict[str, Any] = {"vm": "standby"}
FILES = {"parameters": {"files": "/srv/files"}}


def plan(standby: dict[str, Any] = LAB, **drill: Any) -> RunPlan:
    """Return the builders' plan, on a machine of the lab unless told otherwise."""
    return a_run_plan(drill=a_drill(standby=standby, **drill))


def test_only_what_can_be_copied_is_sabotaged() -> None:
    """A standby of an inventory is refused, with what to do instead."""
    with pytest.raises(UsageError, match="the standby of moodle cannot be copied") as refusal:
        faults_that_fit(a_run_plan())
    assert "standby: {vm: standby}" in str(refusal.value)


def test_a_drill_that_needs_people_is_refused() -> None:
    """A step that a person takes would be asked of nobody."""
    manual = {"manual": "plug it in", "who": "on site", "instruction": "plug", "deadline": "1h"}
    declared = plan(sabotage=FILES, prepare=(manual,))
    (step,) = declared.drill.prepare
    asks = PlannedManual(
        phase="prepare", name="plug it in", hosts=(), deadline=step.deadline, manual=step
    )
    with pytest.raises(UsageError, match="has steps that a person takes"):
        faults_that_fit(declared.model_copy(update={"steps": (*declared.steps, asks)}))


def test_a_drill_that_gives_no_parameters_is_told_so() -> None:
    """Without parameters none of the shipped faults fits."""
    with pytest.raises(UsageError, match="no fault fits moodle"):
        faults_that_fit(plan())


def test_faults_can_be_named() -> None:
    """Those that are named are tried alone; a name that there is not is told."""
    every = faults_that_fit(plan(sabotage=FILES))
    some = faults_that_fit(plan(sabotage=FILES), ("file-missing",))
    assert [fault.fault for fault in some[None]] == ["file-missing"]
    assert len(every[None]) > 5
    assert fingerprint(every) != fingerprint(some)
    with pytest.raises(UsageError, match="no fault that fits moodle is named file-mising"):
        faults_that_fit(plan(sabotage=FILES), ("file-mising",))
