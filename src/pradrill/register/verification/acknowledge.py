"""Acknowledge damage: it stays, and later damage is told apart from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from pradrill.domain.register.entry import Acknowledgement, Entry, EntryKind
from pradrill.register.chain.register import Register
from pradrill.register.verification.verify import verify


def acknowledge(  # noqa: PLR0913 who, why, when, and what is known besides
    register: Register,
    at: datetime,
    *,
    by: str,
    because: str,
    published: Sequence[str] = (),
    trusted: Collection[str] = (),
) -> Entry | None:
    """Enter all that a verification finds now and nobody answers for yet; None if it is nothing.

    Raises RecordError. What is wrong with the chain's end is first written down as a gap in it.
    """
    register.mend(at)
    verification = verify(register.state, published=published, each=True, trusted=trusted)
    damage = tuple(trouble.wrong for trouble in verification.troubles if trouble.lasts)
    if not damage:
        return None

    body = Acknowledgement(by=by, because=because, damage=damage)
    return register.append(EntryKind.ACKNOWLEDGEMENT, body, at)
