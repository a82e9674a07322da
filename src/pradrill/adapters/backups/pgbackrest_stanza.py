"""Describe what pgBackRest tells of a stanza: its backups, what each rests on, its logs."""

from __future__ import annotations

import re

from pydantic import BaseModel, Field

from pradrill.adapters.backups.postgresql_logs import absence
from pradrill.domain.run.backup_catalogue import LATEST
from pradrill.domain.run.host_answers import last_line

_LARGEST = 1 << 62
_SEGMENTS = tuple(1 << power for power in range(20, 31))
"""How large PostgreSQL's logs can be: 1 MB to 1 GB."""
_NUMBER = 1 << 32
"""What the logs of one number, which are a folder, hold together."""


class _Span(BaseModel):
    start: int = Field(ge=0, le=LATEST)
    stop: int = Field(ge=0, le=LATEST)


class _Sizes(BaseModel):
    size: int = Field(ge=0, le=_LARGEST)


class _Cluster(BaseModel):
    id: int = 1
    repository: int = Field(alias="repo-key")


class _Logs(BaseModel):
    """The logs that make a backup consistent; none: it was made of a server that had stopped."""

    start: str | None = Field(default=None, pattern="^[0-9A-F]{24}$")
    stop: str | None = Field(default=None, pattern="^[0-9A-F]{24}$")


class _Places(BaseModel):
    """Where in the logs a backup begins and ends."""

    start: str | None = None


class _Archive(BaseModel):
    """What is kept of a cluster's logs."""

    id: str = ""
    database: _Cluster
    min: str | None = None
    max: str | None = None


class StanzaBackup(BaseModel):
    """A backup of a stanza's."""

    label: str
    error: bool | None = None
    info: _Sizes
    timestamp: _Span
    type: str
    database: _Cluster
    reference: list[str] | None = None
    """The backups of which it holds nothing but the differences."""
    archive: _Logs = _Logs()
    lsn: _Places | None = None
    annotation: dict[str, str] = {}


class _Status(BaseModel):
    code: int
    message: str


class _Lock(BaseModel):
    held: bool


class _Locks(BaseModel):
    backup: _Lock = _Lock(held=False)
    restore: _Lock = _Lock(held=False)


class _Overall(_Status):
    lock: _Locks = _Locks()


class _Repository(BaseModel):
    key: int
    cipher: str
    status: _Status


class StanzaAnswer(BaseModel):
    """What `pgbackrest info` tells of a stanza."""

    name: str
    backup: list[StanzaBackup]
    archive: list[_Archive] = []
    repo: list[_Repository]
    status: _Overall


def logs_of_a_number(backup: StanzaBackup) -> int | None:
    """Return how many logs make a number, by the place in its first one; None: not to be told."""
    if backup.lsn is None or backup.archive.start is None:
        return None
    place = re.fullmatch(r"[0-9A-F]{1,8}/([0-9A-F]{1,8})", backup.lsn.start or "")
    part = int(backup.archive.start[16:], 16)
    fits = [each for each in _SEGMENTS if place and int(place[1], 16) // each == part]
    return _NUMBER // fits[0] if len(fits) == 1 else None


def absent_parent(backup: StanzaBackup, stanza: StanzaAnswer) -> str:
    """Tell which backup that another rests on its repository does not have; empty: none."""
    here = {each.label for each in stanza.backup if each.database == backup.database}
    absent = sorted({*(backup.reference or ())} - here)
    return f"it rests on {last_line(absent[0])}, which is not in the repository" if absent else ""


def logs_outside(backup: StanzaBackup, stanza: StanzaAnswer) -> str:
    """Tell that the archive does not reach over a backup's logs; empty: it does.

    They are named so that a later one's name is a greater one.
    """
    first, last = backup.archive.start, backup.archive.stop
    archives = [each for each in stanza.archive if each.database == backup.database]
    if first is None or last is None or not archives:
        return ""
    its = archives[0]
    if its.min is None or its.max is None or not its.min <= first <= last <= its.max:
        return absence(last)
    return ""
