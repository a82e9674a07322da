"""Identify what a finding is about: the same problem at the next run has the same key.

Entries of the register hold a key as one text; it is put together and taken apart here alone.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Self


class About(StrEnum):
    """The kinds of problem that a run, or the plan, can show."""

    NOT_READY = "not-ready"
    VERDICT = "verdict"
    RESIDUE = "residue"
    CLOCK = "clock"
    GUARD = "guard"
    EGRESS = "egress"
    FILE = "file"
    STEP = "step"
    CHECK = "check"
    CONTRADICTION = "contradiction"
    INTEGRITY = "integrity"
    OBJECTIVE = "objective"
    WORST_CASE = "worst-case"
    SLA = "sla"
    COMMITMENT = "commitment"
    BACKUP_SHRUNK = "backup-shrunk"
    BACKUP_SLOW = "backup-slow"
    BACKUP_LATE = "backup-late"


_NOT_OF_A_DRILL = {About.OBJECTIVE, About.WORST_CASE, About.SLA, About.COMMITMENT}


class FindingKey(NamedTuple):
    """A kind of problem, whose it is, and which of those it is."""

    about: str
    """One of `About`; what a person has opened has none, and a later version's may be unknown."""
    of: str
    """The drill; of an objective its name, of an SLA the provider."""
    which: str | None = None

    @property
    def of_a_drill(self) -> bool:
        """Tell whether the problem is one of the drill that showed it."""
        return self.about not in {"", *_NOT_OF_A_DRILL}

    @property
    def text(self) -> str:
        """Return the key as entries hold it."""
        return "/".join(part for part in self if part is not None)

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Take apart what an entry holds."""
        about, _, rest = (text or "").partition("/")
        if about == About.SLA:  # a provider's name may hold a slash; a stage does not
            provider, _, stage = rest.rpartition("/")
            return cls(about, provider, stage)

        of, slash, which = rest.partition("/")
        return cls(about, of, which if slash else None)
