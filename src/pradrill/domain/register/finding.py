"""Describe findings and their closure: people add them after a run, never to its seal."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.severity import Severity

BY_A_RUN = "the run"
"""Who opened a finding that no person did."""

BY_THE_PLAN = "the plan"
"""Who opened a finding that no person did, and no run: a commitment in it ends."""

BY_THE_CATALOGUE = "the catalogue"
"""Who opened a finding that no person did, and no run: a backup is not like those before."""

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
    def by_a_run(self) -> bool:
        """Tell whether a run opened it by itself: a person may have any login."""
        return self.by == BY_A_RUN and self.run_id is not None

    @property
    def by_the_plan(self) -> bool:
        """Tell whether it is of a commitment in the plan: a person's has no key."""
        return self.by == BY_THE_PLAN and self.key is not None

    @property
    def by_the_catalogue(self) -> bool:
        """Tell whether it is of a backup that nobody has restored yet."""
        return self.by == BY_THE_CATALOGUE and self.key is not None

    @property
    def open(self) -> bool:
        """Tell whether no run has closed it yet."""
        return self.closure is None
