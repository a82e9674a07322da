"""List the runs that the register names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from pydantic import ValidationError

from pradrill.domain.register.entry import Entry, EntryKind, RunEntry
from pradrill.domain.register.symptom import Symptom
from pradrill.errors import N_, RecordError
from pradrill.register.chain.register import Register

_SEE_ALL = N_("See what else is wrong: pradrill register verify.")


def entered(register: Register) -> set[str]:
    """Return the ids of the runs that the register holds, and of those that it has refused."""
    kinds = {EntryKind.RUN, EntryKind.DAMAGE}
    run_ids = (entry.body.get("run_id") for entry in register.entries() if entry.kind in kinds)
    return {str(run_id) for run_id in run_ids if run_id}


def runs_of(register: Register) -> Iterator[RunEntry]:
    """Yield the runs that the register names; lines that are no entries name none."""
    for entry in _run_entries(register):
        with suppress(ValidationError):
            yield RunEntry.model_validate(entry.body)


def record_hashes(register: Register) -> dict[str, set[str]]:
    """Return the runs that the register names, each with the hashes of its record.

    Lines that are no entry name none: what is damaged elsewhere must not hide the rest.
    """
    hashes: dict[str, set[str]] = {}
    for entry in _run_entries(register):
        run_id = entry.body.get("run_id")
        if isinstance(run_id, str):
            hashes.setdefault(run_id, set()).add(str(entry.body.get("record_sha256")))
    return hashes


def hashes_at_hand(register: Register) -> dict[str, set[str]]:
    """Return `record_hashes`; a register that cannot be read names none."""
    with suppress(RecordError):
        return record_hashes(register)
    return {}


def lost(run_id: str, what: Symptom = Symptom.RECORD_LOST) -> RecordError:
    """Return the error that a run which the register names has lost its record, or its folder."""
    return RecordError(what.text(run=run_id), hint=_SEE_ALL)


def changed(run_id: str) -> RecordError:
    """Return the error that a record is not the one that the register names."""
    return RecordError(Symptom.RECORD_CHANGED.text(run=run_id), hint=_SEE_ALL)


def _run_entries(register: Register) -> Iterator[Entry]:
    return (entry for entry in register.legible() if entry.kind is EntryKind.RUN)
