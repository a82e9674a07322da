"""Describe what a sabotage found: which faults a drill's checks see, and which they do not."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from typing import Self

from pydantic import Field, ValidationError, model_validator

from pradrill.domain.register.entry import Entry, EntryKind
from pradrill.domain.values.model import Model, Utc


class FaultOutcome(StrEnum):
    """What became of a fault. Only the first speaks for the checks."""

    CAUGHT = "caught"  # a mandatory check failed because of it, and went on failing
    MISSED = "missed"  # every check stayed green
    UNCLEAR = "unclear"  # checks gave no answer, and none failed
    NOT_TRIED = "not tried"  # the damage could not be done


class TriedFault(Model):
    """A fault that fits the drill, and what became of it."""

    fault: str
    stands_for: str
    service: str | None = Field(default=None, description="whose branch it is of; none: of all")
    outcome: FaultOutcome
    caught_by: tuple[str, ...] = Field(
        default=(), description="the mandatory checks that failed, as CHECK@HOST"
    )
    detail: str = Field(default="", description="what a check said, or why it was not tried")
    seconds: float = Field(ge=0)

    @model_validator(mode="after")
    def _caught_by_checks(self) -> Self:
        if (self.outcome is FaultOutcome.CAUGHT) != bool(self.caught_by):
            msg = "a fault is caught by the checks that it names, and by no others"
            raise ValueError(msg)
        return self


class SabotageEntry(Model):
    """The body of an entry for a sabotage: no drill, and no proof of a recovery.

    The score is not written: it follows from the faults.
    """

    sabotage_id: str
    drill: str
    services: tuple[str, ...]
    by: str
    began: Utc
    ended: Utc
    standby: str = Field(description="what the drill calls it")
    files: dict[str, str] = Field(
        description="plan, drill, playbooks, checks → SHA-256 of what each says"
    )
    faults_sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="of every fault that fits, as it is declared"
    )
    checks: tuple[str, ...] = Field(
        min_length=1, description="every mandatory check, as CHECK@HOST; each was green undamaged"
    )
    faults: tuple[TriedFault, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _in_itself(self) -> Self:
        names = [(each.service, each.fault) for each in self.faults]
        if len({*names}) != len(names):
            msg = "a fault is told of twice"
            raise ValueError(msg)
        if not {check for each in self.faults for check in each.caught_by} <= {*self.checks}:
            msg = "a fault is caught by a check that there is not"
            raise ValueError(msg)
        if self.ended < self.began:
            msg = "it ended before it began"
            raise ValueError(msg)
        return self

    def of(self, outcome: FaultOutcome) -> tuple[TriedFault, ...]:
        """Return the faults that came to that."""
        return tuple(each for each in self.faults if each.outcome == outcome)

    @property
    def tried(self) -> int:
        """Return how many faults were done to a copy."""
        return len(self.faults) - len(self.of(FaultOutcome.NOT_TRIED))

    @property
    def score(self) -> float | None:
        """Return the part of the tried faults that was caught; None when none could be tried."""
        return len(self.of(FaultOutcome.CAUGHT)) / self.tried if self.tried else None

    @property
    def never_failed(self) -> tuple[str, ...]:
        """Return the checks that no fault has made fail."""
        failed = {check for each in self.faults for check in each.caught_by}
        return tuple(check for check in self.checks if check not in failed)


def sabotages(entries: Iterable[Entry]) -> dict[str, SabotageEntry]:
    """Return drill → its last sabotage; an entry that cannot be read tells nothing."""
    last: dict[str, SabotageEntry] = {}
    for entry in entries:
        if entry.kind is EntryKind.SABOTAGE:
            with suppress(ValidationError):
                body = SabotageEntry.model_validate(entry.body)
                last[body.drill] = body
    return last
