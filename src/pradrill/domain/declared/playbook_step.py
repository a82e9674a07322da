"""Declare a playbook that a drill runs, with what it is given."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import Field

from pradrill.domain.values.duration import Deadline
from pradrill.domain.values.model import Model, RelativePath
from pradrill.domain.values.secret import SecretName


class PlaybookStep(Model):
    """One playbook to run against the standby."""

    playbook: RelativePath = Field(
        description="the playbook's file", examples=["../playbooks/restore_files.yml"]
    )
    name: str | None = Field(
        default=None,
        description="for people; default: the file's name",
        examples=["restore the files"],
    )
    vars: dict[str, Any] = Field(
        default={}, description="Ansible variables", examples=[{"backup_user": "keeper"}]
    )
    secrets: dict[str, SecretName] = Field(
        default={},
        description="Ansible variable → where its secret value is",
        examples=[{"restic_password": "file:/etc/pradrill/restic"}],
    )
    deadline: Deadline = Field(
        default=timedelta(hours=1), description="how long it may take", examples=["30m"]
    )
    controller: bool = Field(
        default=False,
        description="whether it may also act on the machine that pradrill runs on: "
        "delegate_to: localhost, local_action, hosts: localhost, lookups that run a command",
        examples=[True],
    )

    repeatable: bool = Field(
        default=False,
        description="cut in its middle, it may be taken again from its beginning: "
        "`pradrill resume` goes on with such a step",
        examples=[True],
    )

    together: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z0-9_-]{0,40}$",
        description="in restore: steps that say the same word, one below the other, run side by "
        "side, each with its own deadline; one that does not pass ends the others",
        examples=["data"],
    )

    @property
    def title(self) -> str:
        """Return the step's name in plans and reports."""
        return self.name or self.playbook.stem
