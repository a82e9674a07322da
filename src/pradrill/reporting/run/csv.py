"""Write a run as CSV, one row per fact, for spreadsheets, in the words of the record."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run.record import RunRecord
from pradrill.reporting.language import formats as wording
from pradrill.reporting.run import case_sections as case_view
from pradrill.reporting.run import page as view

COLUMNS = (
    "run", "drill", "row", "service", "phase", "name", "host", "outcome", "began", "ended",
    "seconds", "low", "high", "objective", "detail",
)  # fmt: skip
_CELL = 4_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def render_csv(case: CaseFile) -> str:
    """Return UTF-8 text after RFC 4180; no cell is one that a spreadsheet would calculate."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    record = case.record
    same = {"run": record.run_id, "drill": record.plan.drill.drill}
    for row in (*_doubt(case), *_run(record), *_steps(record), *_proofs(record), *_findings(case)):
        writer.writerow([cell({**same, **row}.get(column, "")) for column in COLUMNS])

    return stream.getvalue()


def cell(value: object) -> str:
    """Write a number as it is; a text never so that it begins a formula."""
    if isinstance(value, float | int):
        return f"{value:.3f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else f"{value:g}"  # noqa: PLR2004 beyond that a double has no fraction
    text = wording.clean(value, _CELL)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text[:1] in _FORMULA else text


def _doubt(case: CaseFile) -> Iterator[dict[str, object]]:
    """Say before everything else that nobody vouches for what follows."""
    if doubt := case_view.doubt(case):
        yield {"row": "doubt", "name": doubt[0], "detail": "; ".join(doubt[1:])}


def _run(record: RunRecord) -> Iterator[dict[str, object]]:
    yield {
        "row": "verdict",
        "name": view.headline(record),
        "outcome": _outcome(record, record.verdict.value),
        "began": record.started.isoformat(),
        "ended": record.ended.isoformat(),
        "seconds": (record.ended - record.started).total_seconds(),
        "detail": "; ".join(map(str, record.reasons)),
    }
    for c in view.comparisons(record):
        yield _figure(c, "")
    for service in view.services(record):
        yield {
            "row": "service",
            "service": service.name,
            "name": "verdict",
            "outcome": _outcome(record, service.verdict.value),
            "detail": "; ".join(map(str, service.reasons)),
        }
        yield from (_figure(c, service.name) for c in service.comparisons)
    for row in view.worst_rows(record):
        if row.reading is not None:
            yield {
                "row": "figure",
                "service": row.service or "",
                "name": "worst-case RPA",
                "outcome": row.standing.value,
                "began": row.reading.worst_case.since.isoformat(),
                "seconds": row.reading.worst_case.seconds,
                "objective": row.objective.total_seconds(),
            }
    for mark, instant in record.recovery.marks.items():
        yield {
            "row": "mark",
            "name": mark.value,
            "outcome": instant.provenance.value,
            "began": instant.at.isoformat(),
            "detail": f"{instant.earliest.isoformat()} / {instant.latest.isoformat()}",
        }


def _outcome(record: RunRecord, verdict: str) -> str:
    """Return a verdict; of a rehearsal, that it is one: no program may take it for a proof."""
    return "REHEARSAL" if record.launch.rehearsal else verdict


def _figure(c: view.Comparison, service: str) -> dict[str, object]:
    actual = c.actual
    return {
        "row": "figure",
        "service": service,
        "name": c.actual_name,
        "outcome": f"{c.standing.value} in rehearsal" if c.rehearsal else c.standing.value,
        "seconds": "" if actual is None else actual.seconds,
        "low": "" if actual is None else actual.low,
        "high": "" if actual is None else actual.high,
        "objective": c.objective.total_seconds(),
        "detail": "" if actual is None else actual.provenance.value,
    }


def _steps(record: RunRecord) -> Iterator[dict[str, object]]:
    for step in record.steps:
        yield {
            "row": "step",
            "service": step.service or "",
            "phase": step.phase.value,
            "name": step.name,
            "host": ", ".join(step.hosts),
            "outcome": step.outcome.value,
            "began": step.started.isoformat(),
            "ended": step.ended.isoformat(),
            "seconds": step.seconds,
            "objective": "" if step.deadline is None else step.deadline,
            "detail": step.detail,
        }
    for planned in record.not_executed:
        yield {
            "row": "step",
            "service": planned.service or "",
            "phase": planned.phase.value,
            "name": planned.name,
            "host": ", ".join(planned.hosts),
            "outcome": "not_executed",
            "objective": planned.deadline.total_seconds(),
            "detail": view.not_run(planned),
        }


def _proofs(record: RunRecord) -> Iterator[dict[str, object]]:
    for check in record.checks:
        yield {
            "row": "check" if check.mandatory else "check (not mandatory)",
            "service": check.service or "",
            "name": f"{check.check}: {check.title}",
            "host": check.host,
            "outcome": check.outcome.value,
            "began": check.started.isoformat(),
            "ended": check.ended.isoformat(),
            "detail": check.detail,
        }
    for guard in record.guards:
        yield {
            "row": "guard",
            "phase": "" if guard.phase is None else guard.phase.value,
            "name": guard.guard,
            "host": guard.host,
            "outcome": guard.outcome.value,
            "detail": guard.detail,
        }
    for left in record.residue:
        yield {"row": "residue", "name": left}


def _findings(case: CaseFile) -> Iterator[dict[str, object]]:
    for finding in (*case_view.open_findings(case), *case_view.closed_findings(case)):
        yield {
            "row": "finding",
            "name": f"{finding.finding}: {finding.title}",
            "outcome": f"{finding.severity.value}, {'open' if finding.open else 'closed'}",
            "began": finding.opened.isoformat(),
            "ended": "" if finding.closure is None else finding.closure.at.isoformat(),
            "detail": finding.detail,
        }
