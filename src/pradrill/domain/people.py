"""What people add after a run: annotations, findings and their closure. Never part of the seal."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from pydantic import Field

from pradrill.domain.model import Model, Utc
from pradrill.domain.timeline import Mark


class AnnotationKind(StrEnum):
    """What an annotation tells."""

    MARK = "mark"  # T1, T2 or T6, entered by a person
    PERSON = "person"  # who took part, and as what
    DEVIATION = "deviation"  # what went otherwise than planned
    WORKAROUND = "workaround"
    REX_WELL = "rex_well"  # lessons learned: what went well
    REX_BADLY = "rex_badly"  # what did not
    REX_PLAN = "rex_plan"  # its effect on the plan
    SIGN_OFF = "sign_off"  # reviewed or approved: name, role, date
    MANAGEMENT_REPORT = "management_report"  # when it was reported to the management
    PLANNED = "planned"  # the day that had been agreed on
    SITE = "site"  # where the primary and the standby are
    NETWORK = "network"  # the standby's
    BACKUP = "backup"  # its copy, location, size, checksum
    SAMPLED = "sampled"  # how much was looked at, of how much
    NEGATIVE_CONTROL = "negative_control"  # what was tried and must not work
    ERASED = "erased"  # data that the drill had made
    REVOKED = "revoked"  # credentials that it had needed
    RETENTION = "retention"  # of the record


STATED = (
    AnnotationKind.SITE,
    AnnotationKind.NETWORK,
    AnnotationKind.BACKUP,
    AnnotationKind.SAMPLED,
    AnnotationKind.NEGATIVE_CONTROL,
    AnnotationKind.ERASED,
    AnnotationKind.REVOKED,
    AnnotationKind.RETENTION,
)
"""What people say in words where the run measured nothing, or more than it measured."""


class Annotation(Model):
    """One thing that a person says of a sealed run; appended to the register, dated and named."""

    run_id: str
    at: Utc = Field(description="when it was entered")
    by: str = Field(min_length=1, description="who entered it")
    kind: AnnotationKind
    text: str = ""
    mark: Mark | None = None
    instant: Utc | None = None
    name: str | None = Field(default=None, description="the person meant")
    role: str | None = Field(default=None, description="operator, observer, approver …")
    first_time: bool | None = Field(default=None, description="took part for the first time")
    independent: bool | None = Field(default=None, description="did not operate the recovery")
    date: dt.date | None = None


class Severity(StrEnum):
    """How much a finding endangers the recovery."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


def worst(*severities: Severity) -> Severity:
    """Return the gravest of them."""
    return max(severities, key=list(Severity).index)


DUE_WITHIN = {Severity.CRITICAL: 7, Severity.MAJOR: 30, Severity.MINOR: 90}
"""Days that a finding may stay open unless a person sets its date."""


class Closure(Model):
    """The later passing run that proves a finding to be settled."""

    finding: str
    run_id: str
    at: Utc
    by: str
    text: str = ""


class Sighting(Model):
    """A later run that showed the same again."""

    run_id: str
    at: Utc


class Finding(Model):
    """Something that a run or a person showed to be wrong. Only a later passing run closes it.

    In the register an entry holds it as it was shown. Its id, what was seen of it since and its
    closure follow from its place among the entries.
    """

    finding: str = Field(default="", description="F-12 is the twelfth that was opened")
    key: str | None = Field(default=None, description="the same problem has the same key")
    title: str = Field(min_length=1)
    detail: str = ""
    severity: Severity
    services: tuple[str, ...] = ()
    owner: str | None = None
    due: dt.date | None = None
    opened: Utc
    by: str = Field(description="who opened it: a person, or the run itself")
    run_id: str | None = Field(default=None, description="the run that showed it")
    seen: tuple[Sighting, ...] = ()
    closure: Closure | None = None

    @property
    def open(self) -> bool:
        """Tell whether no run has closed it yet."""
        return self.closure is None
