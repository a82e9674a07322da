"""How the shipped drills end, on machines and on hosts in namespaces: their records, asserted."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Collection
from typing import Any

from pradrill.domain.run.outcome import Phase, StepKind
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.reason import as_reason
from pradrill.domain.values.timeline import Mark


def step(record: dict[str, Any], phase: str) -> dict[str, Any]:
    """Return the one playbook step of a phase."""
    (match,) = [
        each for each in record["steps"] if each["phase"] == phase and each["kind"] == "playbook"
    ]
    return dict(match)


def assert_recovered(result: subprocess.CompletedProcess[str], record: dict[str, Any]) -> float:
    """Assert that a drill passed with nothing left and no secret told; return the loss."""
    assert result.returncode == 0, result.stdout + result.stderr
    assert record["verdict"] == "PASSED"
    assert not record["residue"]
    assert step(record, "restore")["values"]["pradrill_backup_id"]
    return float(record["recovery"]["rpa"]["seconds"])


def assert_failed(
    result: subprocess.CompletedProcess[str], record: dict[str, Any], reason: str
) -> None:
    """Assert that a restore failed for the tool's own reason and left the standby clean."""
    assert result.returncode == 10, result.stdout + result.stderr
    assert record["verdict"] == "FAILED"
    restore = step(record, "restore")
    assert restore["outcome"] == "failed"
    assert re.search(reason, as_reason(restore["detail"]).text)
    assert step(record, "teardown")["outcome"] == "passed"
    assert not record["residue"]


def failed_checks(record: dict[str, Any]) -> dict[str, str]:
    """Return the name of each failed check, and what it said."""
    return {
        each["check"].split("::")[-1]: as_reason(each["detail"]).text
        for each in record["checks"]
        if each["outcome"] != "passed"
    }


def assert_estate_recovered(record: RunRecord, hosts: Collection[str]) -> None:
    """Assert that each service of the estate passed: in order, each measured, all put back."""
    assert {str(each.verdict) for each in record.services.values()} == {"PASSED"}
    assert {check.host for check in record.checks} == set(hosts)
    starts = {
        step.service: step.started
        for step in reversed(record.steps)
        if step.phase is Phase.RESTORE and step.kind is StepKind.PLAYBOOK
    }
    verified = {
        name: result.recovery.marks[Mark.SERVICE_VERIFIED].at
        for name, result in record.services.items()
    }
    assert starts["database"] < verified["directory"], "one waited for the other"
    assert starts["directory"] < verified["database"], "one waited for the other"
    assert starts["intranet"] > max(verified["directory"], verified["database"])
    assert record.recovery.rta == record.services["intranet"].recovery.rta
    for result in record.services.values():
        assert result.recovery.rpa is not None
        assert 0 < result.recovery.rpa.seconds < 300
    assert not record.residue
