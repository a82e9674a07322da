"""Which runs the register names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from pydantic import ValidationError

from pradrill.domain.register.entry import Entry, EntryKind, RunEntry
from pradrill.register.chain.register import Register


def entered(register: Register) -> set[str]:
    """Return the ids of the runs that the register holds, and of those that it has refused."""
    kinds = {EntryKind.RUN, EntryKind.DAMAGE}
    told = (entry.body.get("run_id") for entry in register.entries() if entry.kind in kinds)
    return {str(run_id) for run_id in told if run_id}


def runs_of(register: Register) -> Iterator[RunEntry]:
    """Yield the runs that the register names; lines that are no entries name none."""
    for entry in _run_entries(register):
        with suppress(ValidationError):
            yield RunEntry.model_validate(entry.body)


def sealed_hashes(register: Register) -> set[str]:
    """Return the hashes of the records that the register names."""
    return {str(entry.body.get("record_sha256")) for entry in _run_entries(register)}


def _run_entries(register: Register) -> Iterator[Entry]:
    for line in register.lines():
        with suppress(ValidationError):
            entry = Entry.model_validate_json(line)
            if entry.kind is EntryKind.RUN:
                yield entry
