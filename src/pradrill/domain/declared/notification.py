"""Declare who is told of what comes of drills, and of what does not: one line for each channel."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from pradrill.domain.values.model import Model
from pradrill.domain.values.secret import SecretName
from pradrill.domain.values.severity import Severity

_Once = Annotated[str, Field(min_length=1)]


class Occasion(StrEnum):
    """What somebody can be told of."""

    VERDICT = "verdict"  # a run has ended, or one that was due could not begin
    OVERDUE = "overdue"  # due and not run, a missed date, a proof that does not hold any more
    RESIDUE = "residue"  # something is left on a standby
    FINDINGS = "findings"  # an open finding's date is past
    MENDED = "mended"  # the first proof after one of the above


class NotificationChannel(Model):
    """One way to somebody, and what goes through it."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_-]*$",
        description="what you call it, as in `pradrill notify test NAME`",
        examples=["on-call"],
    )
    apprise: SecretName | None = Field(
        default=None,
        description="an address of Apprise's, which holds tokens and so is a secret: "
        "file:PATH (mode 0600), env:NAME, credential:NAME or command:WORDS",
        examples=["file:/etc/pradrill/on-call.url"],
    )
    command: tuple[_Once, ...] | None = Field(
        default=None,
        min_length=1,
        description="a program of yours and its words; it gets the text on its standard input, "
        "and its subject in PRADRILL_SUBJECT, too",
        examples=[["/usr/local/bin/to-pager"]],
    )
    on: tuple[Occasion, ...] = Field(
        default=tuple(Occasion),
        min_length=1,
        description=f"what it is told of: {', '.join(Occasion)}. Default: all",
        examples=[["verdict", "overdue", "mended"]],
    )
    services: tuple[str, ...] = Field(
        default=(), description="of these services only; default: of all", examples=[["shop"]]
    )
    severity: Severity = Field(
        default=Severity.MINOR,
        description="the least that is told: critical (FAILED, a missed date), major (also MISSED, "
        "INCONCLUSIVE, overdue, residue) or minor (also PASSED). A finding has its own; mended is "
        "as grave as what it mends",
        examples=["major"],
    )

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if self.apprise is None and self.command is None:
            msg = "nothing says how it is told: write apprise, or command"
            raise ValueError(msg)
        if self.apprise is not None and self.command is not None:
            msg = "apprise stands beside command: write one of both"
            raise ValueError(msg)
        return self

    @property
    def program(self) -> str | None:
        """Return the program that must be installed for it."""
        return self.command[0] if self.command else None

    def hears(self, occasion: Occasion, severity: Severity, services: Iterable[str]) -> bool:
        """Tell whether it is told of something; what is of no service is for all."""
        names = set(services)
        ranks = list(Severity)
        return (
            occasion in self.on
            and ranks.index(severity) >= ranks.index(self.severity)
            and (not self.services or not names or not names.isdisjoint(self.services))
        )
