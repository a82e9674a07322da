"""Describe what people say of a sealed run: appended to the register, dated and named."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

from pydantic import Field

from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.timeline import Mark


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
