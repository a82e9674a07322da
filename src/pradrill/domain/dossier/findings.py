"""The findings that the register holds, each with what closed it."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError

from pradrill.domain.entry import Entry, EntryKind
from pradrill.domain.people import Closure, Finding


def findings_of(entries: Iterable[Entry]) -> tuple[Finding, ...]:
    """Fold the entries; one that cannot be read is told by `compile_dossier`, not here."""
    found: dict[str, Finding] = {}
    for entry in entries:
        try:
            if entry.kind is EntryKind.FINDING:
                finding = Finding.model_validate(entry.body)
                found[finding.finding] = finding
            elif entry.kind is EntryKind.CLOSURE:
                closure = Closure.model_validate(entry.body)
                if closure.finding in found:
                    closed = found[closure.finding].model_copy(update={"closure": closure})
                    found[closure.finding] = closed
        except ValidationError:
            continue
    return tuple(found.values())
