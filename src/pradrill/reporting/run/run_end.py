"""Say in a few fields how a run ended, for programs that start one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pradrill.domain.run.record import RunRecord


def run_end(record: RunRecord, folder: Path) -> dict[str, Any]:
    """Return how a run ended, its figures, and where the whole record lies."""
    recovery = record.recovery
    return {
        "run_id": record.run_id,
        "drill": record.plan.drill.drill,
        "services": record.plan.drill.services,
        "rehearsal": record.launch.rehearsal,
        "state": record.state,
        "refusal": record.refusal,
        "verdict": record.verdict,
        "exit_code": record.exit_code,
        "started": record.started.isoformat(),
        "ended": record.ended.isoformat(),
        "rta_seconds": recovery.rta and recovery.rta.seconds,
        "rto_seconds": record.plan.objectives.rto.total_seconds(),
        "rpa_seconds": recovery.rpa and recovery.rpa.seconds,
        "rpo_seconds": record.plan.objectives.rpo.total_seconds(),
        "reasons": [str(each) for each in record.reasons],
        "residue": [str(each) for each in record.residue],
        "record": folder / "record.json",
    }
