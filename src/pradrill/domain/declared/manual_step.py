"""Declare what people do in a drill: what they are asked for, and how."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from pydantic import Field

from pradrill.domain.values.duration import Deadline
from pradrill.domain.values.model import Model


class Confirm(StrEnum):
    """What a person is asked for."""

    DONE = "done"  # that it is done; "no" says that it could not be
    APPROVE = "approve"  # a decision; "no" stops the drill
    TEXT = "text"  # words, such as a ticket's number


class ManualStep(Model):
    """Something that a person does or decides, beside the playbooks."""

    manual: str = Field(
        min_length=1, max_length=100, description="the step's name", examples=["switch the DNS"]
    )
    who: str = Field(min_length=1, description="a name or a role", examples=["operator"])
    instruction: str = Field(
        min_length=1, description="what to do, in words", examples=["point the site at the standby"]
    )
    deadline: Deadline = Field(
        default=timedelta(minutes=30),
        description="for the answer; of a call, for each of the two",
        examples=["1h"],
    )
    confirm: Confirm = Field(
        default=Confirm.DONE,
        description="what is asked for: that it is done, a decision (a no stops the drill), words",
        examples=["approve"],
    )
    call: str | None = Field(
        default=None,
        description="a provider of the plan: its response and restoration are timed",
        examples=["hexanet"],
    )
    responsibility: str | None = Field(
        default=None,
        description="the line of the plan's responsibilities that it exercises",
        examples=["dns"],
    )

    @property
    def title(self) -> str:
        """Return the step's name in plans and reports."""
        return self.manual
