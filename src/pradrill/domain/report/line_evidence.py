"""Describe what a run or an incident showed of a line that somebody answers for."""

from __future__ import annotations

from enum import StrEnum

from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason


class Proof(StrEnum):
    """What a run showed of a responsibility."""

    SHOWN = "shown"
    FAILED = "failed"
    NOT_EXERCISED = "not exercised"
    UNKNOWN = "not known"


class LineEvidence(Model):
    """What a run showed of a line. `text` is what it is, `seconds` its figure if it has one."""

    proof: Proof
    text: Reason
    seconds: float | None = None
