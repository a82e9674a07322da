"""Write a run's record on one line."""

from __future__ import annotations

from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_line import RunLine
from pradrill.reporting.language import formats as wording
from pradrill.reporting.run import page as view


def run_line(record: RunRecord) -> RunLine:
    """Return what a list shows of a run."""
    rta, rpa = (
        "-" if each.actual is None else each.actual_text for each in view.comparisons(record)
    )
    return RunLine(
        run_id=record.run_id,
        began=wording.at_minute(record.started),
        verdict=record.verdict.value,
        headline=view.headline(record),
        rta=rta,
        rpa=rpa,
    )
