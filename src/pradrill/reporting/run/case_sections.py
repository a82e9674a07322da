"""Derive from a case file what a report shows: people, findings, changes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pradrill.domain.register.annotation import Annotation, AnnotationKind
from pradrill.domain.register.finding import Finding
from pradrill.domain.register.finding_key import About, FindingKey
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.report.changes import Changes, FilePart, PlanField, changes
from pradrill.domain.report.problems import problems
from pradrill.domain.run.question import CallStage
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Instant, Mark
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import N_, _, language, ngettext, pgettext
from pradrill.reporting.language.reasons import spoken
from pradrill.reporting.language.terms import word
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
    remarks = [note for note in case.of_kind(AnnotationKind.MARK) if note.instant is not None]
    return tuple(
        MarkLine(
            mark,
            case.record.recovery.marks.get(mark),
            tuple(note for note in remarks if note.mark is mark),
        )
        for mark in Mark
    )


def people(case: CaseFile) -> Iterator[tuple[str, tuple[Annotation, ...]]]:
    """Return who took part, a role at a time: those expected first, entered or not."""
    notes = case.of_kind(AnnotationKind.PERSON)
    roles = dict.fromkeys((*ROLES, *(note.role or "" for note in notes)))
    for role in roles:
        persons = tuple(note for note in notes if (note.role or "") == role)
        yield (_(role) if role in ROLES else role or _("role not entered")), persons


def planned(case: CaseFile, role: str) -> str | None:
    """Return whom the drill named for a role beforehand."""
    declared = case.record.plan.drill.people
    by_role = {_(name): getattr(declared, name, None) for name in ROLES}
    return by_role.get(role)


def open_findings(case: CaseFile) -> tuple[Finding, ...]:
    """Return the findings that no run has closed, the gravest first, then the oldest."""
    findings = [finding for finding in problems(case.findings) if finding.open]
    return tuple(sorted(findings, key=lambda f: (_GRAVEST.index(f.severity), f.opened, f.finding)))


def closed_findings(case: CaseFile) -> tuple[Finding, ...]:
    """Return the findings that a run has closed, newest first."""
    findings = [finding for finding in case.findings if not finding.open]
    return tuple(sorted(findings, key=lambda finding: finding.opened, reverse=True))


def finding_title(finding: Finding) -> str:
    """Say what a finding is: its own words in the reader's language, a person's as written.

    The register holds it in English; what it is about stands in its key.
    """
    key = FindingKey.read(finding.key)
    by_itself = finding.by_a_run or finding.by_the_plan or finding.by_the_catalogue
    by_itself = by_itself and key.about in set(About)
    title = _TITLES.get(About(key.about)) if by_itself else None
    rest = finding.title.partition(": ")[2]
    if title is None or language() == "en" or ("%(rest)s" in title and not rest):
        return finding.title

    which = key.which or ""
    if key.about == About.SLA and which in set(CallStage):
        which = word(CallStage(which))
    return _(title, of=key.of, which=which, rest=rest)


_TITLES = {
    About.NOT_READY: N_("the drill %(of)s was not ready"),
    About.VERDICT: N_("the verdict of the drill %(of)s was not PASSED"),
    About.RESIDUE: N_("the standby was not left as declared by %(of)s"),
    About.CLOCK: N_("the controller's clock was set during the run"),
    About.GUARD: N_("guard not held: %(which)s"),
    About.EGRESS: N_("tried to reach, and not in the plan: %(which)s"),
    About.FILE: N_("needed, and not brought by the drill: files of %(which)s"),
    About.STEP: N_("step that did not pass: %(which)s"),
    About.CHECK: N_("check that did not pass: %(rest)s"),
    About.CONTRADICTION: N_("instants contradict each other: %(which)s"),
    About.INTEGRITY: N_("backups in %(which)s are damaged"),
    About.OBJECTIVE: N_("the %(of)s of %(which)s was not met"),
    About.WORST_CASE: N_("the backups of %(which)s have allowed a loss beyond its %(of)s"),
    About.COMMITMENT: N_("what binds %(of)s ends: %(which)s"),
    About.BACKUP_SHRUNK: N_(
        "the backup %(which)s of %(of)s is less than half as large as those before"
    ),
    About.BACKUP_SLOW: N_(
        "the backup %(which)s of %(of)s took more than twice as long as those before"
    ),
    About.BACKUP_LATE: N_("no backup of %(of)s followed on %(which)s when it was due"),
    About.SLA: N_("%(of)s did not keep its SLA for %(which)s"),
}


def opened_by(finding: Finding) -> str:
    """Say who opened a finding: a person's own name, or the run, in the reader's language."""
    if finding.by_the_plan:
        return _("the plan")
    if finding.by_the_catalogue:
        return _("the catalogue")
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


def part(value: FilePart) -> str:
    """Say what a file is to a drill."""
    return {
        FilePart.PLAN: pgettext("file", "plan"),
        FilePart.DRILL: pgettext("file", "drill"),
        FilePart.PLAYBOOK: pgettext("file", "playbook"),
        FilePart.INVENTORY: pgettext("file", "inventory"),
        FilePart.CHECK: pgettext("file", "check"),
        FilePart.OTHER: pgettext("file", "other"),
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
