"""What a report derives from a case file: people, findings, changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pradrill.domain.register.annotation import Annotation, AnnotationKind
from pradrill.domain.register.finding import Finding
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.report.changes import Changes, FileRole, PlanField, changes
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Instant, Mark
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import N_, _, ngettext, pgettext
from pradrill.reporting.language.reasons import spoken
from pradrill.reporting.run.doubt import doubts

ROLES = (N_("requester"), N_("operator"), N_("observer"), N_("approver"), N_("reviewer"))
"""Whom a report has a line for, entered or not."""

_GRAVEST = tuple(reversed(Severity))


class MarkLine(NamedTuple):
    """A mark of the recovery: as the run measured it, or as a person entered it afterwards."""

    mark: Mark
    instant: Instant | None
    entered: tuple[Annotation, ...]


def mark_lines(case: CaseFile) -> tuple[MarkLine, ...]:
    """Return every mark, in order."""
    said = [note for note in case.of_kind(AnnotationKind.MARK) if note.instant is not None]
    return tuple(
        MarkLine(
            mark,
            case.record.recovery.marks.get(mark),
            tuple(note for note in said if note.mark is mark),
        )
        for mark in Mark
    )


def people(case: CaseFile) -> Iterator[tuple[str, tuple[Annotation, ...]]]:
    """Return who took part, a role at a time: those expected first, entered or not."""
    named = case.of_kind(AnnotationKind.PERSON)
    roles = dict.fromkeys((*ROLES, *(note.role or "" for note in named)))
    for role in roles:
        mine = tuple(note for note in named if (note.role or "") == role)
        yield (_(role) if role in ROLES else role or _("role not entered")), mine


def planned(case: CaseFile, role: str) -> str | None:
    """Return whom the drill named for a role beforehand."""
    named = case.record.plan.drill.people
    known = {_(name): getattr(named, name, None) for name in ROLES}
    return known.get(role)


def open_findings(case: CaseFile) -> tuple[Finding, ...]:
    """Return the findings that no run has closed, the gravest first, then the oldest."""
    mine = [finding for finding in case.findings if finding.open]
    return tuple(sorted(mine, key=lambda f: (_GRAVEST.index(f.severity), f.opened, f.finding)))


def closed_findings(case: CaseFile) -> tuple[Finding, ...]:
    """Return the findings that a run has closed, newest first."""
    mine = [finding for finding in case.findings if not finding.open]
    return tuple(sorted(mine, key=lambda finding: finding.opened, reverse=True))


def opened_by(finding: Finding) -> str:
    """Say who opened a finding: a person's own name, or the run, in the reader's language."""
    return _("the run") if finding.by_a_run else wording.line(spoken(finding.by), 80)


def seen_again(finding: Finding) -> str:
    """Say how often later runs showed the same, and which was the last to."""
    last = finding.seen[-1]
    return ngettext(
        "seen again by run %(run)s on %(at)s",
        "seen again %(n)s times since, the last time by run %(run)s on %(at)s",
        len(finding.seen),
        run=wording.line(last.run_id, 80),
        at=wording.at(last.at),
    )


def doubt(case: CaseFile) -> list[str]:
    """Return what a reader must know before the verdict, if the register does not verify."""
    return doubts(case.record.run_id, case.integrity.wrong if case.integrity else ())


def changed(case: CaseFile) -> Changes | None:
    """Return what is not as it was in the previous run; None when there was none."""
    return None if case.previous is None else changes(case.record.plan, case.previous.plan)


def part(value: FileRole) -> str:
    """Say what a file is to a drill."""
    return {
        FileRole.PLAN: pgettext("file", "plan"),
        FileRole.DRILL: pgettext("file", "drill"),
        FileRole.PLAYBOOK: pgettext("file", "playbook"),
        FileRole.INVENTORY: pgettext("file", "inventory"),
        FileRole.CHECK: pgettext("file", "check"),
        FileRole.OTHER: pgettext("file", "other"),
    }[value]


def field(value: PlanField) -> str:
    """Say which value of the plan changed."""
    return {
        PlanField.VERSION: _("plan version"),
        PlanField.APPROVED: _("approved"),
        PlanField.SERVICES: _("services"),
        PlanField.STANDBY: _("standby"),
        PlanField.RTO: pgettext("figure", "RTO"),
        PlanField.RPO: pgettext("figure", "RPO"),
    }[value]
