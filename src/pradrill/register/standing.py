"""Where a run's record stands in the register: what a report says for whoever checks it."""

from __future__ import annotations

from datetime import datetime

from pradrill.domain.casefile import Integrity
from pradrill.domain.entry import EntryKind, Stamp
from pradrill.register.attempts import RECORD, SIGNATURE
from pradrill.register.chain import Register
from pradrill.register.files import sha256
from pradrill.register.run_files import RUNS, read
from pradrill.register.signing import signature_problem
from pradrill.register.stamping import stated_time
from pradrill.register.tools import ToolError
from pradrill.register.trail import Chain, read_chain


def standing(register: Register, run_id: str) -> Integrity:
    """Return the hashes, the signature and the stamp that vouch for a run's record.

    What is wrong with the register is another question: `pradrill register verify`.
    """
    folder = register.state / RUNS / run_id
    chain = read_chain(register.content())
    entry, told = next(
        (each for each in chain.of(EntryKind.RUN) if each[0].body.get("run_id") == run_id),
        (None, None),
    )
    signature, signer = read(folder / SIGNATURE), chain.signer()
    content = read(folder / RECORD) or b""
    signed = signature is not None and not signature_problem(content, signature, chain.signers())
    return Integrity(
        record_sha256=sha256(folder / RECORD),
        entry=entry.number if entry else None,
        entry_sha256=told,
        head=chain.entries[-1][1] if chain.entries else None,
        signer=f"{signer.principal} {signer.fingerprint}" if signer else None,
        signed=signed,
        stamped=_stamped(chain, entry.number) if entry else None,
    )


def _stamped(chain: Chain, number: int) -> datetime | None:
    """Return when an authority first saw a head that has the entry behind it."""
    for entry, _ in chain.of(EntryKind.STAMP):
        if entry.number > number:
            try:
                return stated_time(Stamp.model_validate(entry.body).der())
            except (ValueError, ToolError):
                continue
    return None
