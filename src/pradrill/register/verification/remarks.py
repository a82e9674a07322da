"""Note what is not trouble with a register and yet worth an auditor's look."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pradrill.domain.register.entry import Entry, EntryKind, Seals, Stamp
from pradrill.register.chain.walk import Chain
from pradrill.register.sealing.signing import Signer
from pradrill.register.sealing.stamping import stated_time
from pradrill.system.tools import ToolError

_SLACK = timedelta(hours=1)
"""Clocks are set; a run is dated by its end, and entered when its last command has the lock."""


def notes_on(chain: Chain) -> Iterator[str]:
    """Say what was damaged, not signed, signed by another, or dated as it cannot be."""
    for entry, _ in chain.of(EntryKind.DAMAGE):
        yield f"entry {entry.number} says: {entry.body.get('found')}"

    for entry, _ in chain.of(EntryKind.RUN):
        if entry.body.get("unsigned"):
            yield f"run {entry.body.get('run_id')} is not signed: {entry.body['unsigned']}"

    for entry, _ in chain.of(EntryKind.ATTEMPT):
        if entry.body.get("late"):
            what = "an attempt, was entered by a later command from what it found"
            yield f"entry {entry.number}, {what}"

    yield from _changes_of_keys(chain)
    yield from _dates(chain)


def _changes_of_keys(chain: Chain) -> Iterator[str]:
    before = Seals()
    for number, seals in chain.sealing():
        if before.public_key is not None and seals.public_key != before.public_key:
            now = f"{_who(seals)} signs" if seals.public_key else "nobody signs"
            yield f"entry {number}: from here on {now}, before it was {_who(before)}"

        if before.authority_ca is not None and seals.authority_ca != before.authority_ca:
            yield f"entry {number}: from here on another authority stamps, or none"
        before = seals


def _who(seals: Seals) -> str:
    signer = Signer(seals.principal or "", seals.public_key or "")
    try:
        return f"{signer.principal} {signer.fingerprint}"
    except (ToolError, IndexError):
        return f"{signer.principal} with a key that cannot be read"


def _dates(chain: Chain) -> Iterator[str]:
    """Tell the entries that cannot have been written when they say."""
    latest: Entry | None = None
    for entry, _ in chain.entries:
        if latest is not None and entry.at < latest.at - _SLACK:
            place = f"before entry {latest.number}, {latest.at:%Y-%m-%d %H:%M:%S UTC}"
            yield f"entry {entry.number} is dated {entry.at:%Y-%m-%d %H:%M:%S UTC}, {place}"
        elif latest is None or entry.at > latest.at:
            latest = entry

    stamp = next((e for e, _ in reversed(chain.entries) if e.kind is EntryKind.STAMP), None)
    if stamp is not None:
        yield from _against_stamp(chain, stamp)


def _against_stamp(chain: Chain, stamp: Entry) -> Iterator[str]:
    """Compare the newest stamp with the date of the entry that it is of."""
    try:
        stated = stated_time(Stamp.model_validate(stamp.body).der())
    except (ValueError, ToolError):
        return

    of = next((entry for entry, sha256 in chain.entries if sha256 == stamp.previous), None)
    if stated is not None and of is not None and abs(stated - of.at) > _SLACK:
        sha256 = f"stamped on {stated:%Y-%m-%d %H:%M:%S UTC}"
        yield f"entry {of.number} is dated {of.at:%Y-%m-%d %H:%M:%S UTC}, and was {sha256}"
