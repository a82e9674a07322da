"""Damage is acknowledged: it stays, and a later one is told apart from it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pradrill.domain.entry import Acknowledgement, Entry, EntryKind
from pradrill.register.chain import HEAD, HEAD_SIGNATURE, REGISTER, Register
from pradrill.register.trail import Trouble
from pradrill.register.verifying import verify

_OF_NOW = {REGISTER, HEAD, HEAD_SIGNATURE}
"""Where troubles are of the chain's end, which changes with each entry: none is for ever."""


def acknowledge(
    register: Register, at: datetime, *, by: str, because: str, published: Sequence[str] = ()
) -> Entry | None:
    """Enter all that a verification finds now and nobody answers for yet; None if it is nothing.

    Raises RecordError. What is wrong with the chain's end is first written down as a gap in it.
    """
    register.mend(at)
    found = verify(register.state, published=published, each=True)
    damage = tuple(trouble.wrong for trouble in found.troubles if _lasts(trouble))
    if not damage:
        return None
    said = Acknowledgement(by=by, because=because, damage=damage)
    return register.append(EntryKind.ACKNOWLEDGEMENT, said, at)


def _lasts(trouble: Trouble) -> bool:
    return trouble.where not in _OF_NOW
