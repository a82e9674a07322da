"""Describe checks of the backups themselves, and how much of a repository they covered so far."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from pradrill.domain.values.model import Model, Utc


class Soundness(StrEnum):
    """What a check of a backup came to."""

    SOUND = "sound"  # everything that was read is what was written
    DAMAGED = "damaged"  # the contrary is proven
    UNPROVEN = "unproven"  # nothing is known


class IntegrityPart(NamedTuple):
    """One part of so many, counted from 1."""

    number: int
    of: int


class Checked(NamedTuple):
    """What a source says of its backups' integrity."""

    soundness: Soundness
    method: str
    """The tool and what it read, in words."""
    detail: str = ""


class IntegrityResult(Model):
    """One check of the backups, and what all of them together have covered."""

    soundness: Soundness
    method: str
    detail: str
    source: str
    location: str
    backup_id: str
    at: Utc
    part: int = Field(ge=1)
    parts: int = Field(ge=1)
    covered: float = Field(ge=0, le=1, description="fraction read since the last full coverage")
    full_on: Utc | None = Field(description="when everything had last been read, part by part")


def next_part(history: Sequence[IntegrityResult], parts: int) -> int:
    """Return the part to read now: the first one not found sound since the last full coverage."""
    read, _ = _coverage(history, parts)
    return next(part for part in range(1, parts + 1) if part not in read)


def coverage(history: Sequence[IntegrityResult], parts: int) -> tuple[float, Utc | None]:
    """Return the fraction covered since the last full coverage (1 right after it), and its date."""
    read, full_on = _coverage(history, parts)
    newest = max((past.at for past in history), default=None)
    if not read and full_on is not None and full_on == newest:
        return 1.0, full_on
    return len(read) / parts, full_on


def _coverage(history: Sequence[IntegrityResult], parts: int) -> tuple[set[int], Utc | None]:
    read: set[int] = set()
    full_on = None
    for past in sorted(history, key=lambda past: past.at):
        if past.parts != parts:  # another division: its parts are other bytes
            read.clear()
        elif past.soundness is Soundness.SOUND:
            read.add(past.part)
        elif past.soundness is Soundness.DAMAGED:  # what was repaired since is to be read again
            read.clear()

        if len(read) == parts:
            full_on = past.at
            read.clear()

    return read, full_on
