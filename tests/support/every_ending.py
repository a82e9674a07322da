"""A run of each ending: real ones of a released format, and those that only builders have."""

from __future__ import annotations

from pathlib import Path

from pradrill.domain.register.entry import Wrong
from pradrill.domain.report.case_file import CaseFile, RecordIntegrity
from pradrill.domain.run.outcome import CheckOutcome, GuardOutcome, StepOutcome
from pradrill.domain.run.record import RunRecord, ServiceResult
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import Elapsed, Provenance
from pradrill.testing import (
    a_case,
    a_check,
    a_guard,
    a_launch,
    a_record,
    a_recovery,
    a_step,
    an_estate,
)

RUNS = Path(__file__).parents[1] / "fixtures/format-1/state/runs"


def every_ending() -> dict[str, CaseFile]:
    """Return a case file of each way in which a run can end, by what came of it."""
    recorded = {}
    for path in sorted(RUNS.glob("*/record.json")):
        record = RunRecord.model_validate_json(path.read_bytes())
        verdict = record.refusal.value if record.refusal else record.verdict.value
        name = f"{record.plan.drill.drill}-{verdict}-{record.state.value}".lower()
        recorded[name] = CaseFile(record=record)

    doubtful = RecordIntegrity(
        record_sha256="5d" * 32,
        wrong=(Wrong(where="runs/x/record.json", what="is missing"),),
    )
    return {
        **recorded,
        "passed": a_case(),
        "doubtful": a_case(integrity=doubtful),
        "rehearsed": CaseFile(record=a_record(launch=a_launch(rehearsal=True))),
        "failed": CaseFile(record=a_failed_record()),
        "estate-missed": CaseFile(record=a_missed_estate()),
    }


def a_failed_record() -> RunRecord:
    """Return a run in which a step, a check and a guard are red, and something was left."""
    return a_record(
        verdict=Verdict.FAILED,
        exit_code=10,
        reasons=("restore step restore_moodle failed: no space left on device",),
        steps=(a_step(outcome=StepOutcome.FAILED, detail="no space left on device"),),
        checks=(a_check(outcome=CheckOutcome.FAILED, detail="expected 200, was 500"),),
        guards=(a_guard(outcome=GuardOutcome.REFUSED, detail="it is production"),),
        residue=("a mount: /srv/restored",),
    )


def a_missed_estate() -> RunRecord:
    """Return an estate of which one service missed its objective, and another was not reached."""
    plan = an_estate({"directory": (), "application": ("directory",), "archive": ()})
    slow = Elapsed(seconds=20_000, low=19_990, high=20_000, provenance=Provenance.MEASURED)
    return a_record(
        plan=plan,
        verdict=Verdict.FAILED,
        exit_code=10,
        services={
            "directory": ServiceResult(
                verdict=Verdict.PASSED, reasons=("x",), recovery=a_recovery(), hosts=("d",)
            ),
            "application": ServiceResult(
                verdict=Verdict.MISSED,
                reasons=("the RTA is beyond the RTO",),
                recovery=a_recovery(rta=slow),
                hosts=("a",),
            ),
            "archive": ServiceResult(
                verdict=Verdict.FAILED,
                reasons=("restore step restore_archive failed",),
                recovery=a_recovery(rta=None, rpa=None),
                hosts=("r",),
            ),
        },
        steps=(a_step(service="directory"), a_step(service="application")),
        checks=(a_check(service="directory"), a_check(service="application")),
    )
