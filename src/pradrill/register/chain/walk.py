"""Walk the chain as it lies on the disk, entry by entry, and say where it is broken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import NamedTuple

from pydantic import ValidationError

from pradrill.domain.register.entry import (
    GENESIS,
    Acknowledged,
    Damage,
    Entry,
    EntryKind,
    Seals,
    Wrong,
    acknowledged,
)
from pradrill.domain.register.symptom import Symptom
from pradrill.register.chain.lines import HEAD, HEAD_SIGNATURE, REGISTER, line_hash
from pradrill.register.sealing.signing import Signer

_OF_NOW = {REGISTER, HEAD, HEAD_SIGNATURE}
"""Where troubles are of the chain's end, which changes with each entry: none is for ever."""


class Trouble(NamedTuple):
    """Something that is not what it was, and where."""

    where: str
    what: str
    evidence: str = ""
    """Hashes of what stands there: the same trouble with other content is another one."""

    @property
    def lasts(self) -> bool:
        """Tell whether the next entry leaves it: only then can somebody answer for it."""
        return self.where not in _OF_NOW

    @property
    def wrong(self) -> Wrong:
        """Return it as an entry holds it: half a character of a file's name is a question mark."""
        texts = (part.encode("utf-8", "replace").decode() for part in self)
        return Wrong(**dict(zip(Wrong.model_fields, texts, strict=True)))

    def __str__(self) -> str:
        """Return it as one line that moves no cursor."""
        return "".join(c if c.isprintable() else "?" for c in f"{self.where}: {self.what}")[:600]


class Chain(NamedTuple):
    """The entries that can be read, each with its hash, and what is wrong with their order."""

    entries: list[tuple[Entry, str]]
    troubles: list[Trouble]

    def of(self, kind: EntryKind) -> Iterator[tuple[Entry, str]]:
        """Return the entries of a kind."""
        return ((entry, sha256) for entry, sha256 in self.entries if entry.kind is kind)

    def sealing(self) -> list[tuple[int, Seals]]:
        """Return who signed and stamped from which entry on, oldest first."""
        seals = []
        for entry, _ in self.of(EntryKind.SEALS):
            try:
                seals.append((entry.number, Seals.model_validate(entry.body)))
            except ValidationError:
                trouble = at_entry(entry, Symptom.NO_SIGNER.text())
                if trouble not in self.troubles:
                    self.troubles.append(trouble)

        return seals

    def unvouched(self) -> Iterator[tuple[Entry, str, tuple[int, int]]]:
        """Return the entries that say of others that no signature vouches for them; and which."""
        for entry, sha256 in self.of(EntryKind.DAMAGE):
            with suppress(ValidationError):
                gap = Damage.model_validate(entry.body).unvouched
                if gap is not None:
                    yield entry, sha256, gap

    def seals(self) -> list[Seals]:
        """Return who signed and stamped, oldest first."""
        return [seals for _, seals in self.sealing()]

    def acknowledgements(self) -> dict[Wrong, Acknowledged]:
        """Return the damage that somebody answers for, and who.

        An answer that nobody's signature vouches for could be the forger's own.
        """
        gaps = [gap for _, _, gap in self.unvouched()]
        bodies = acknowledged(
            entry
            for entry, _ in self.entries
            if not any(first <= entry.number <= last for first, last in gaps)
        )
        return {wrong: each for each in bodies for wrong in each.said.damage}

    def signers(self) -> str:
        """Return the allowed_signers file of every key that the chain names, the newest last."""
        lines = [
            str(Signer(seals.principal or "", seals.public_key))
            for seals in self.seals()
            if seals.public_key
        ]
        return "".join(f"{line}\n" for line in reversed(dict.fromkeys(reversed(lines))))

    def signer(self) -> Signer | None:
        """Return who signs now."""
        seals = (self.seals() or [Seals()])[-1]
        if seals.principal is None or seals.public_key is None:
            return None
        return Signer(seals.principal, seals.public_key)

    def authorities(self) -> str:
        """Return the certificates (PEM) of every authority that the chain names."""
        return "".join(dict.fromkeys(s.authority_ca for s in self.seals() if s.authority_ca))


def read_chain(content: bytes) -> Chain:
    """Read the entries of a register, and say where the chain is broken."""
    troubles: list[Trouble] = []
    entries: list[tuple[Entry, str]] = []

    number, previous = 0, GENESIS
    *lines, rest = content.split(b"\n")
    for place, line in enumerate(lines, 1):
        sha256 = line_hash(line + b"\n")
        where, evidence = f"{REGISTER}:{place}", f"{previous} {sha256}"
        try:
            entry = Entry.model_validate_json(line)
        except ValidationError:
            troubles.append(Trouble(where, Symptom.NO_ENTRY.text(), evidence))
            number, previous = number + 1, sha256
            continue

        if entry.number > number + 1:
            one = entry.number == number + 2
            symptom = Symptom.ENTRY_MISSING if one else Symptom.ENTRIES_MISSING
            what = symptom.text(entry=entry.number, first=number + 1, last=entry.number - 1)
            troubles.append(Trouble(where, what, evidence))
        elif entry.number <= number:
            what = Symptom.ORDER.text(entry=entry.number, before=number)
            troubles.append(Trouble(where, what, evidence))
        elif entry.previous != previous:
            what = Symptom.OTHER_HASH.text(entry=entry.number, line=place - 1)
            troubles.append(Trouble(where, what, evidence))

        entries.append((entry, sha256))
        number, previous = entry.number, sha256

    if rest:
        troubles.append(Trouble(f"{REGISTER}:{len(lines) + 1}", Symptom.CUT_OFF.text()))

    return Chain(entries, troubles)


def at_entry(entry: Entry, what: str, evidence: str = "") -> Trouble:
    """Return a trouble with an entry."""
    return Trouble(f"{REGISTER}: entry {entry.number}", what, evidence)
