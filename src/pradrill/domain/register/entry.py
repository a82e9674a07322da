"""Describe the register's entries: one line per fact, each with the hash of the one before."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

from pydantic import Field, ValidationError

from pradrill.domain.declared.sealing import PRINCIPAL, PUBLIC_KEY
from pradrill.domain.run.ending import is_finished
from pradrill.domain.values.model import Model, Utc

GENESIS = "0" * 64
"""What the first entry carries as the hash of the one before."""


class EntryKind(StrEnum):
    """What an entry is about; its body is the model named beside it."""

    RUN = "run"  # RunEntry: an attempt: finished, refused, interrupted or crashed
    ATTEMPT = "attempt"  # Attempt: one that ended before its run had begun
    SCHEDULE_MISSED = "schedule_missed"  # ScheduleMissed: due, and not attempted
    SCHEDULE = "schedule"  # ScheduleRule: from here on a service is drilled by that rule
    ANNOTATION = "annotation"
    FINDING = "finding"
    CLOSURE = "closure"
    INCIDENT = "incident"  # IncidentStep: one step of an incident, as somebody has entered it
    SEALS = "seals"  # Seals: which key signs and which authority stamps from here on
    STAMP = "stamp"  # Stamp: what an authority says of the entry before
    TEARDOWN = "teardown"  # TeardownEntry: of a sealed run, repeated
    SABOTAGE = "sabotage"  # SabotageEntry: which faults a drill's checks have seen
    DAMAGE = "damage"  # Damage: what was found wrong before the next entry could be written
    ACKNOWLEDGEMENT = "acknowledgement"  # Acknowledgement: damage that somebody answers for


class Entry(Model):
    """One entry of the register."""

    number: int = Field(ge=1)
    at: Utc
    kind: EntryKind
    previous: str = Field(description="SHA-256 of the entry before; 64 zeros for the first")
    body: dict[str, Any]


class Head(Model):
    """The newest entry: whoever has seen it can tell whether the register was cut since."""

    number: int = Field(ge=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="of the entry's line")

    def __str__(self) -> str:
        """Return the head as it is published: in register.head, in mails, in a log."""
        return f"{self.number} {self.sha256}"


class RunEntry(Model):
    """The body of an attempt's entry: enough to list it, and the hashes that seal its files."""

    run_id: str
    drill: str
    services: tuple[str, ...]
    state: str
    refusal: str | None
    verdict: str
    exit_code: int
    started: Utc
    ended: Utc
    record_sha256: str
    files: dict[str, str] = Field(
        default={},
        description="journal, evidence and signature: path in the run's folder → SHA-256",
    )
    unsigned: str | None = Field(
        default=None, description="why the record is not signed although a key was named"
    )
    residue: tuple[str, ...] = Field(default=(), description="what it left on its standby")
    rehearsal: bool = Field(default=False, description="it counts for nothing, whatever it shows")

    @property
    def finished(self) -> bool:
        """Tell whether it went to its end by itself."""
        return is_finished(self.state, self.refusal)


class TeardownOutcome(StrEnum):
    """What a repeated teardown came to."""

    CLEAN = "clean"
    LEFT = "left"  # something stays, or nothing could be looked at


class TeardownEntry(Model):
    """The body of an entry for a teardown of a sealed run, repeated: the run stays as it is."""

    run_id: str
    by: str
    began: Utc
    outcome: TeardownOutcome
    left: tuple[str, ...] = Field(description="what is left on the standby, or why it is not known")


class AttemptEntry(Model):
    """The body of an entry for an attempt that ended before its run had begun."""

    drill: str
    services: tuple[str, ...]
    trigger: str
    user: str
    exit_code: int
    because: str
    began: Utc | None = Field(default=None, description="none: when it was entered")
    folder: str | None = Field(
        default=None, description="what was kept of it until it was entered, and tells it apart"
    )
    rehearsal: bool = Field(default=False, description="it was to count for nothing")
    late: bool = Field(
        default=False, description="entered by a later command, from what lay on the disk"
    )


class ScheduleMissed(Model):
    """The body of an entry for a drill that was due and that nobody attempted."""

    service: str
    due: Utc = Field(description="when it should have been attempted at the latest")
    last: Utc | None = Field(description="the last finished run before that")
    because: str = Field(
        default="", description="what kept it from running when it was tried; empty: nobody did"
    )


class ScheduleRule(Model):
    """The body of an entry that says from when on a service is drilled by which rule."""

    service: str
    rule: str = Field(description="drill_on of the plan, as it is written; empty: none any more")


class Seals(Model):
    """The body of an entry that says who signs and who stamps, from here on; public parts only."""

    principal: str | None = Field(default=None, pattern=PRINCIPAL)
    public_key: str | None = Field(
        default=None, pattern=PUBLIC_KEY, description='"ssh-ed25519 AAAA…", no comment'
    )
    authority: str | None = Field(default=None, description="address of an RFC 3161 authority")
    authority_ca: str | None = Field(default=None, description="certificates it is verified by")
    strict: bool = Field(
        default=False, description="each later change of the key needs the hand of the one before"
    )
    handover: str | None = Field(
        default=None, description="signature of the key before, over `handed_over` of this entry"
    )

    def handed_over(self, previous: str) -> bytes:
        """Return what the key before signs: the new key, and the place in the chain."""
        return f"{previous} {self.principal or '-'} {self.public_key or '-'}\n".encode()


class Stamp(Model):
    """The body of an entry that holds an RFC 3161 time stamp of the entry before."""

    sha256: str = Field(description="what was stamped: the hash of that entry")
    response: str = Field(description="the authority's answer (DER), in base64")

    def der(self) -> bytes:
        """Return the authority's answer; raises ValueError when it is not base64."""
        return base64.b64decode(self.response, validate=True)


class Damage(Model):
    """The body of an entry that says what a crash or a hand left of the register."""

    found: str
    left: str = Field(default="", description="the bytes that were taken out, escaped")
    unvouched: tuple[int, int] | None = Field(
        default=None, description="first and last entry that no signature vouches for"
    )
    run_id: str | None = Field(
        default=None, description="a run's folder that was found and not entered as a run"
    )


class Wrong(Model):
    """One thing that a verification found wrong."""

    where: str
    what: str
    seen: str = Field(default="", description="hashes of what stands there and around it")

    @property
    def own_hash(self) -> str:
        """Return the hash of what stands there: of a line of the chain, the last of the two."""
        return self.seen.rpartition(" ")[2]


class Acknowledgement(Model):
    """The body of an entry by which somebody answers for damage: it stays, and is known."""

    by: str
    because: str = Field(min_length=1)
    damage: tuple[Wrong, ...] = Field(min_length=1, description="all that was not yet known")


class Acknowledged(Model):
    """An acknowledgement with its place in the register."""

    number: int
    at: Utc
    said: Acknowledgement


def acknowledged(entries: Iterable[Entry]) -> Iterator[Acknowledged]:
    """Return the acknowledgements among entries; one that cannot be read counts for nothing."""
    for entry in entries:
        if entry.kind is EntryKind.ACKNOWLEDGEMENT:
            try:
                body = Acknowledgement.model_validate(entry.body)
            except ValidationError:
                continue

            yield Acknowledged(number=entry.number, at=entry.at, said=body)
