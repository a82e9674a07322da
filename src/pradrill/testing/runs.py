"""Sealed runs on a store, with a journal and evidence, for tests of what reads them later."""

from __future__ import annotations

from typing import Any

from pradrill.domain.events import Event
from pradrill.domain.record import RunRecord
from pradrill.ports import RunStore
from pradrill.testing.builders import a_record, a_start, after


def a_sealed_run(
    store: RunStore, number: int = 0, evidence: dict[str, str] | None = None, **changes: Any
) -> RunRecord:
    """Seal the builders' record, a day later for each `number`; evidence: path → content."""
    began = after(86_400.0 * number)
    journal = store.open("moodle", began)
    journal.append(Event.STARTED, began, a_start().model_dump(mode="json"))
    for path, content in (evidence or {"01-restore/events.jsonl": f"run {number}\n"}).items():
        file = journal.folder / "evidence" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    fields: dict[str, Any] = {
        "run_id": journal.run_id,
        "started": began,
        "ended": after(86_400.0 * number + 2_561.4),
        "evidence": journal.evidence(),
    }
    record = a_record(**{**fields, **changes})
    journal.seal(record)
    return record
