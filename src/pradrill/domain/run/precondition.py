"""Describe what must hold before a drill can be run, and what was seen of it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import Field

from pradrill.domain.values.model import Model
from pradrill.errors import ExitCode


class Concern(StrEnum):
    """What a precondition is about."""

    TOOLS = "tools"
    STATE = "state folder"
    CONFIGURATION = "plan and drill"
    PLAYBOOKS = "playbooks"
    SECRETS = "secrets"
    BACKUPS = "backups"
    STANDBY = "standby"  # what is needed here to reach it: pinned keys, a login key
    SSH = "SSH"
    IDENTITY = "identity"
    MARKER = "marker"
    LEASE = "lease"
    ROOT = "root"
    SPACE = "space"
    CLOCK = "clock"
    ISOLATION = "isolation"
    NOTIFICATIONS = "notifications"


class Holding(StrEnum):
    """Whether a precondition holds."""

    HOLDS = "holds"
    FAILS = "does not hold"
    REMARK = "holds, with a remark"  # no run is refused for it
    OPEN = "not looked at"  # because of what fails before it


_CODES = {
    Concern.CONFIGURATION: ExitCode.CONFIGURATION,
    Concern.PLAYBOOKS: ExitCode.CONFIGURATION,
    Concern.LEASE: ExitCode.BUSY,
}


class Precondition(Model):
    """One precondition, as it was seen."""

    about: Concern
    holding: Holding
    says: str = Field(description="what was seen")
    mend: tuple[str, ...] = Field(default=(), description="commands that mend it, one a line")
    hint: str | None = Field(default=None, description="what to do, where no command mends it")
    drill: str | None = Field(default=None, description="none: of this machine")
    host: str | None = Field(default=None, description="which of the standby's hosts")


def answer(preconditions: Iterable[Precondition]) -> ExitCode:
    """Return the exit code for all of them: that of the worst which does not hold."""
    codes = [
        _CODES.get(each.about, ExitCode.NOT_READY)
        for each in preconditions
        if each.holding is Holding.FAILS
    ]
    return max(codes, key=ExitCode.rank_of, default=ExitCode.PASSED)
