"""How the drills of a scene end: what their records say, asserted."""

from __future__ import annotations

import re
import subprocess
from typing import Any

from pradrill.domain.values.reason import as_reason


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
