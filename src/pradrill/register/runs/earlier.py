"""Read how long the steps of a drill's last runs took, for an estimate of the next one."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from pradrill.domain.run.estimate import StepTimes, step_times
from pradrill.domain.run.record import RunState
from pradrill.domain.run.verdict import Verdict
from pradrill.errors import RecordError
from pradrill.register.chain.lines import line_hash
from pradrill.register.chain.register import Register
from pradrill.register.runs.enter import read_record
from pradrill.register.runs.entries import runs_of
from pradrill.register.runs.folders import RECORD

_MOST = 5


def earlier_runs(register: Register, drill: str, before: datetime) -> list[StepTimes]:
    """Return the last runs of a drill that finished and passed before an instant, newest first.

    Rehearsals take as long. A record that is not the one entered tells nothing.
    """
    try:
        entries = [
            run
            for run in runs_of(register)
            if (run.drill, run.verdict, run.state) == (drill, Verdict.PASSED, RunState.FINISHED)
        ]
    except RecordError:
        return []

    runs: list[StepTimes] = []
    for entry in sorted(entries, key=lambda run: run.started, reverse=True):
        if len(runs) == _MOST:
            break
        if entry.started >= before:
            continue
        with suppress(RecordError, OSError):
            record, content = read_record(register.state / "runs" / entry.run_id / RECORD)
            if line_hash(content) == entry.record_sha256:
                runs.append(step_times(record.plan, record.steps))
    return runs
