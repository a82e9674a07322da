"""Find teardowns that were repeated, and runs that still owe one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from pydantic import ValidationError

from pradrill.domain.register.entry import (
    Entry,
    EntryKind,
    RunEntry,
    TeardownEntry,
    TeardownOutcome,
)


def repeated(entries: Iterable[Entry], run_id: str) -> list[TeardownEntry]:
    """Return the repeated teardowns of a run, the oldest first."""
    return [
        body
        for body in _bodies(entries)
        if isinstance(body, TeardownEntry) and body.run_id == run_id
    ]


def owed(entries: Iterable[Entry]) -> list[RunEntry]:
    """Return of each drill the last run that has left something, until it is torn down.

    A later run of the drill that left nothing has torn down what both had put there.
    """
    owing: dict[str, RunEntry] = {}
    for body in _bodies(each for each in entries if owing or each.body.get("residue")):
        if isinstance(body, TeardownEntry):
            if body.outcome is TeardownOutcome.CLEAN:
                owing = {drill: run for drill, run in owing.items() if run.run_id != body.run_id}
        elif body.residue:
            owing[body.drill] = body
        elif body.refusal is None:
            owing.pop(body.drill, None)

    return list(owing.values())


def _bodies(entries: Iterable[Entry]) -> Iterator[RunEntry | TeardownEntry]:
    """Yield the runs and the repeated teardowns; an entry that cannot be read tells nothing."""
    for entry in entries:
        with suppress(ValidationError):
            if entry.kind is EntryKind.RUN:
                yield RunEntry.model_validate(entry.body)
            elif entry.kind is EntryKind.TEARDOWN:
                yield TeardownEntry.model_validate(entry.body)
