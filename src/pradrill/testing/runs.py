"""Seal runs on a store, with a journal and evidence, for tests of what reads them later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.event import CheckPass, Event, Reading
from pradrill.domain.run.facts import fold
from pradrill.domain.run.record import RunRecord
from pradrill.ports import RunStore
from pradrill.testing.builders import a_record, a_start, after, proven_guards


def a_sealed_run(
    store: RunStore, number: int = 0, evidence: dict[str, str] | None = None, **changes: Any
) -> RunRecord:
    """Seal the builders' record, a day later for each `number`; evidence: path → content.

    Without changes it is what its journal tells, as every run's is that was carried out.
    """
    start = after(86_400.0 * number)
    journal = store.open("moodle", start)
    for event, payload in _events(a_record()):
        journal.append(event, start, payload)

    for path, content in (evidence or {"01-restore/events.jsonl": f"run {number}\n"}).items():
        file = journal.folder / "evidence" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")

    fields: dict[str, Any] = {
        "run_id": journal.run_id,
        "started": start,
        "ended": after(86_400.0 * number + 2_561.4),
        "evidence": journal.evidence(),
    }

    record = a_record(**{**fields, **changes})
    if not changes:
        facts = fold(journal.events())
        assert facts is not None  # noqa: S101 it says what began
        record = record_of(facts, record.run_id, record.ended, record.evidence)

    journal.seal(record)
    return record


def _events(record: RunRecord) -> Iterator[tuple[Event, dict[str, Any]]]:
    """Return what a journal tells of a run that was carried out as the record says."""
    recovery = record.recovery
    yield (
        Event.STARTED,
        a_start(
            plan=record.plan,
            launch=record.launch,
            versions=record.versions,
            environment=record.environment,
        ).model_dump(mode="json"),
    )
    for guard in proven_guards(record.plan):
        yield Event.GUARD, guard.model_dump(mode="json")

    for step in record.steps:
        phase, name, service = step.phase, step.name, step.service
        yield Event.STEP_STARTED, {"phase": phase, "name": name, "service": service}
        yield Event.STEP_ENDED, step.model_dump(mode="json")

    for mark, instant in recovery.marks.items():
        yield Event.MARK, {"mark": mark, "instant": instant.model_dump(mode="json")}
    check_pass = CheckPass(number=record.passes, results=record.checks)
    yield Event.CHECK_PASS, check_pass.model_dump(mode="json")
    yield Event.STABLE, {}
    reading = Reading(
        point=recovery.recovery_point,
        source=recovery.recovery_point_from,
        catalogue=recovery.catalogue_time,
        backup_id=recovery.backup_id,
        readings=recovery.readings,
    )

    yield Event.READING, reading.model_dump(mode="json")
    for host, skew in recovery.skew.items():
        yield Event.SKEW, {"host": host, "skew": skew.model_dump(mode="json")}
