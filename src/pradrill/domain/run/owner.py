"""Describe whose a run is at the moment: the process that writes its journal."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from pradrill.domain.values.model import Model, Utc


class Doing(StrEnum):
    """What a process does with the run that is its own."""

    RUN = "run"
    RESUME = "resume"
    TEARDOWN = "teardown"


class Owner(Model):
    """A process, told from every other one: a pid alone is used again."""

    pid: int
    start: int = Field(description="in ticks since the boot")
    boot: str = Field(description="the boot's id")
    pids: str | None = Field(
        default=None, description="the namespace that the pid is a number of, where it is known"
    )
    since: Utc | None = Field(default=None, description="the same start, for people")
    user: str
    doing: Doing = Doing.RUN

    def __str__(self) -> str:
        """Name it for a person."""
        since = f", started {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        return f"pradrill {self.doing} of {self.user} (pid {self.pid}{since})"
