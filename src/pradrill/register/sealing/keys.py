"""Find what the keys that a chain names do not vouch for."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pydantic import ValidationError

from pradrill.domain.register.entry import Entry, EntryKind, Seals
from pradrill.domain.register.symptom import Symptom
from pradrill.register.chain.lines import REGISTER
from pradrill.register.chain.walk import Chain, Trouble, at_entry
from pradrill.register.runs.enter import SIGNATURE
from pradrill.register.sealing.signing import signature_problem, signer_line


def key_troubles(
    chain: Chain, *, strict: bool, trusted: Collection[str] | None
) -> Iterator[Trouble]:
    """Return what no signature vouches for.

    `strict`: no reason excuses an unsigned record; with `trusted` none does from the first entry on
    that is strict by itself. `trusted`: the public keys of the settings, of
    which one must be the key that the chain names.
    """
    for entry, sha256, (first, last) in chain.unvouched():
        what = Symptom.UNVOUCHED.text(first=first, last=last, problem=entry.body.get("found"))
        yield at_entry(entry, what, sha256)

    yield from _of_each_time(chain, strict=strict, trusting=bool(trusted))
    signer = chain.signer()
    if not trusted:
        return

    if signer is None:
        yield Trouble(REGISTER, Symptom.KEY_REMOVED.text())
    elif signer.public_key not in trusted:
        yield Trouble(REGISTER, Symptom.KEY_REPLACED.text())


def _of_each_time(chain: Chain, *, strict: bool, trusting: bool) -> Iterator[Trouble]:
    """Go through the chain with the key that was in force.

    Registers that were kept before changes of the key were signed are read as they were: from the
    first entry on that says `strict`, each change must be signed.
    """
    before, demanded = Seals(), False
    for entry, sha256 in chain.entries:
        if entry.kind is EntryKind.SEALS:
            try:
                seals = Seals.model_validate(entry.body)
            except ValidationError:  # told by the chain
                continue

            demanded |= seals.strict
            if demanded and not _is_handed_over(before, seals, entry):
                yield at_entry(entry, Symptom.KEY_NOT_HANDED_OVER.text(), sha256)

            before = seals
        elif entry.kind is EntryKind.RUN and before.public_key and not _is_signed(entry):
            why = entry.body.get("unsigned")
            if strict or (trusting and demanded) or not why:
                symptom = Symptom.RECORD_UNSIGNED_BECAUSE if why else Symptom.RECORD_UNSIGNED
                what = symptom.text(run=entry.body.get("run_id"), problem=why)
                yield at_entry(entry, what, sha256)


def _is_handed_over(before: Seals, seals: Seals, entry: Entry) -> bool:
    if before.public_key in {None, seals.public_key}:
        return True
    statement = seals.handed_over(entry.previous)
    signature = (seals.handover or "").encode()
    return signature_problem(statement, signature, signer_line(str(before.public_key))) is None


def _is_signed(entry: Entry) -> bool:
    files = entry.body.get("files")
    return isinstance(files, dict) and SIGNATURE in files
