"""Write what stands at the edges of a report: its running lines, its table of contents."""

from __future__ import annotations

from collections.abc import Sequence

from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.report.clauses import ClauseMap
from pradrill.domain.report.sections import Section
from pradrill.domain.run.record import RunRecord
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import _
from pradrill.reporting.run import page as view


def run_line(record: RunRecord) -> str:
    """Write whose report it is, for the edge of each page: short enough for one line."""
    parts = (
        wording.brief(record.plan.organisation, 32),
        wording.brief(record.plan.drill.drill, 32),
        wording.brief(view.headline(record), 40),
        wording.at(record.started),
    )
    return " · ".join(parts)


def proof_line(case: CaseFile) -> str:
    """Write by what the record is known, for the edge of each page."""
    sha256 = case.integrity.record_sha256 if case.integrity else _("not computed")
    return f"record.json SHA-256 {wording.line(sha256, 80)}"


def fact_name(name: str) -> str:
    """Say what a fact about the controller is called."""
    names = {"system": _("system"), "kernel": _("kernel"), "processors": _("processors")}
    return names.get(name, name)


def contents(sections: Sequence[Section], clauses: ClauseMap | None) -> tuple[tuple[str, str], ...]:
    """Return the entries of a short table of contents."""
    there = [section for section in sections if section is not Section.CLAUSES or clauses]
    return tuple((section.value, _(section.heading)) for section in there)
