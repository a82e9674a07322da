"""List the sections of a report on one run, in the reader's order.

A section is a line here and a template, `reporting/templates/report/KEY.html.j2`. Its key is what
a clause map names and what the page's links lead to.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Self

from pradrill.domain.register.annotation import AnnotationKind
from pradrill.domain.report.case_file import CaseFile
from pradrill.errors import N_

Holds = Callable[[CaseFile], bool]


def _always(_case: CaseFile) -> bool:
    return True


def _never(_case: CaseFile) -> bool:
    return False


def _noted(*kinds: AnnotationKind) -> Holds:
    """Return a rule that asks for annotations of some kinds."""
    return lambda case: bool(case.of_kind(*kinds))


class Section(StrEnum):
    """A section's key, with its heading and whether it holds evidence about a run.

    A section that holds none stands in the report all the same, and says so.
    """

    heading: str
    holds: Holds

    def __new__(cls, key: str, heading: str, holds: Holds) -> Self:
        """Give the key its heading and its rule."""
        section = str.__new__(cls, key)
        section._value_ = key
        section.heading, section.holds = heading, holds
        return section

    VERDICT = "verdict", N_("Verdict"), _always
    FIGURES = (
        "figures",
        N_("Objectives and actuals"),
        lambda case: case.record.recovery.rta is not None or case.record.recovery.rpa is not None,
    )
    OPEN = "open", N_("Open findings"), lambda case: case.registered
    TRIED = "tried", N_("What was tried"), _always

    TIMELINE = (
        "timeline",
        N_("Timeline"),
        lambda case: bool(case.record.steps or case.record.recovery.marks),
    )
    STEPS = (
        "steps",
        N_("Steps"),
        lambda case: bool(case.record.steps or case.record.not_executed),
    )
    CHECKS = "checks", N_("Checks"), lambda case: bool(case.record.checks)
    EGRESS = (
        "egress",
        N_("What the service tried to reach"),
        lambda case: bool(case.record.egress),
    )
    FILES = (
        "files",
        N_("Which files the service opened"),
        lambda case: any(each.complete for each in case.record.files.values()),
    )
    TEARDOWN = "teardown", N_("Teardown and residue"), lambda case: bool(case.record.steps)
    LIMITS = "limits", N_("Limits of what was proved"), lambda case: bool(case.record.limits)
    INPUTS = "inputs", N_("Inputs"), _always
    SCOPE = "scope", N_("Scope and scenario"), _always
    PEOPLE = "people", N_("People"), _noted(AnnotationKind.PERSON)
    DEVIATIONS = (
        "deviations",
        N_("Deviations and workarounds"),
        _noted(AnnotationKind.DEVIATION, AnnotationKind.WORKAROUND),
    )
    LESSONS = (
        "lessons",
        N_("Lessons learned (REX)"),
        _noted(AnnotationKind.REX_WELL, AnnotationKind.REX_BADLY, AnnotationKind.REX_PLAN),
    )
    FINDINGS = "findings", N_("Findings"), lambda case: bool(case.findings)
    SIGN_OFF = "sign_off", N_("Review and sign-off"), _noted(AnnotationKind.SIGN_OFF)

    INSTANTS = (
        "instants",
        N_("Annex: instants in UTC"),
        lambda case: bool(case.record.recovery.marks),
    )
    ENVIRONMENT = (
        "environment",
        N_("Annex: environment and proof of isolation"),
        lambda case: bool(case.record.guards),
    )
    FLOWS = (
        "flows",
        N_("Annex: flows and accesses"),
        lambda case: any(
            service.flows or service.accesses for service in case.record.plan.services.values()
        ),
    )
    CHANGES = (
        "changes",
        N_("Annex: changes since the previous run"),
        lambda case: case.previous is not None,
    )
    TREND = "trend", N_("Annex: trend and coverage"), _never
    CLAUSES = "clauses", N_("Annex: clause map"), _never
    INTEGRITY = "integrity", N_("Annex: integrity"), lambda case: case.integrity is not None


FRONT = (Section.VERDICT, Section.FIGURES, Section.OPEN, Section.TRIED)
"""What the first page answers."""

BODY = tuple(section for section in Section if section not in FRONT)

ANNEX = Section.INSTANTS
"""Where the annex begins: hashes, versions, clauses."""

_OF_A_REFUSAL = (Section.VERDICT, Section.OPEN, Section.TRIED, Section.SIGN_OFF, Section.INTEGRITY)


def sections_of(case: CaseFile) -> tuple[tuple[Section, ...], tuple[Section, ...]]:
    """Return the sections of the first page, and those that follow; a refusal is told on one."""
    if case.record.refusal is None:
        return FRONT, BODY
    return tuple(s for s in _OF_A_REFUSAL if s in FRONT), tuple(
        s for s in _OF_A_REFUSAL if s not in FRONT
    )
