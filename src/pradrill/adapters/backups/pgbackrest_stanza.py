"""Describe what pgBackRest tells of a stanza: its backups, what each rests on, its logs."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import BaseModel, Field

from pradrill.domain.run.backup_catalogue import LATEST
from pradrill.domain.run.host_answers import last_line

_LARGEST = 1 << 62


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

    start: str | None = None
    stop: str | None = None


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


def absent_log(names: Collection[str], first: str, last: str) -> str:
    """Return a log from the first to the last that is not among those there; empty: none."""
    name = first
    while name in names and name < last:
        number, part = int(name[8:16], 16), int(name[16:], 16)
        following = f"{name[:8]}{number:08X}{part + 1:08X}"
        wrapped = f"{name[:8]}{number + 1:08X}{0:08X}"
        # How many make a number is a server's own, and a power of two.
        may_wrap = part & (part + 1) == 0 and following not in names
        name = wrapped if may_wrap and wrapped in names else following
    return "" if name in names else last_line(name)


def lack_of(backup: StanzaBackup, stanza: StanzaAnswer) -> str:
    """Tell which part of a backup its repository does not have; empty: none.

    _Logs are named so that a later one's name is a greater one.
    """
    here = {each.label for each in stanza.backup if each.database == backup.database}
    absent = sorted({*(backup.reference or ())} - here)
    if absent:
        return f"it rests on {last_line(absent[0])}, which is not in the repository"

    first, last = backup.archive.start, backup.archive.stop
    archives = [each for each in stanza.archive if each.database == backup.database]
    if first is None or last is None or not archives:
        return ""
    its = archives[0]
    if its.min is None or its.max is None or not its.min <= first <= last <= its.max:
        return f"not every log that makes it consistent is in the archive: {last_line(last)}"
    return ""
