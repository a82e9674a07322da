"""Fold the register's entries into findings: what is open, what closed it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pradrill.domain.register.annotation import Annotation
from pradrill.domain.register.entry import Entry, EntryKind, RunEntry
from pradrill.domain.register.entry_body import body_of
from pradrill.domain.register.finding import Closure, Finding, Sighting
from pradrill.domain.run.ending import Verdict
from pradrill.domain.values.severity import worst


def all_findings(entries: Iterable[Entry]) -> tuple[Finding, ...]:
    """Return every finding in the order of opening, with what was seen of it and its closure.

    A finding with the key of an open one is that one, seen again. A closure counts only when the
    register holds the run that it names, and that run proves it: whatever wrote the entry.
    """
    findings: dict[str, Finding] = {}
    open_keys: dict[str, str] = {}
    runs: dict[str, Entry] = {}
    for entry in entries:
        if entry.kind is EntryKind.RUN:
            runs[str(entry.body.get("run_id"))] = entry
        elif entry.kind is EntryKind.FINDING:
            latest = body_of(entry, Finding)
            name_of_open = open_keys.get(latest.key or "")
            if name_of_open is not None:
                findings[name_of_open] = _seen_again(findings[name_of_open], latest)
                continue

            name = f"F-{len(findings) + 1}"
            findings[name] = latest.model_copy(
                update={"finding": name, "seen": (), "closure": None}
            )
            if latest.key is not None:
                open_keys[latest.key] = name
        elif entry.kind is EntryKind.CLOSURE:
            closure = body_of(entry, Closure)
            finding, run = findings.get(closure.finding), runs.get(closure.run_id)
            proof = None if run is None else body_of(run, RunEntry)
            if finding is None or why_not_closed(finding, proof) is not None:
                continue

            findings[closure.finding] = finding.model_copy(update={"closure": closure})
            open_keys.pop(finding.key or "", None)

    return tuple(findings.values())


def why_not_closed(finding: Finding, run: RunEntry | None) -> str | None:
    """Say why a run does not close a finding, or None when it does."""
    if finding.closure is not None:
        return f"it was closed already, by the run {finding.closure.run_id}"
    if run is None:
        return "the register holds no such run"
    return next(_against(finding, run), None)


def _against(finding: Finding, run: RunEntry) -> Iterator[str]:
    if run.verdict != Verdict.PASSED or run.refusal is not None:
        yield f"the run {run.run_id} is {run.verdict}: only a run that PASSED proves anything"

    if run.rehearsal:
        yield f"the run {run.run_id} is a rehearsal: it proves nothing"

    if run.run_id in _runs_of(finding):
        yield f"the run {run.run_id} showed it itself"
    last = max([finding.opened, *(sighting.at for sighting in finding.seen)])
    if run.started <= last:
        yield f"the run {run.run_id} began before {last:%Y-%m-%d %H:%M:%S} UTC, when it was seen"
    missing = [name for name in finding.services if name not in run.services]
    if missing:
        yield f"the run {run.run_id} did not cover {', '.join(missing)}"


def open_findings(findings: Iterable[Finding]) -> list[Finding]:
    """Return those that are open, the oldest first."""
    return sorted((f for f in findings if f.open), key=lambda finding: finding.opened)


def findings_for(
    findings: Iterable[Finding], services: Sequence[str], run_id: str | None = None
) -> tuple[Finding, ...]:
    """Return the open findings of the services, and those that the run opened, saw or closed."""
    return tuple(
        finding
        for finding in findings
        if (finding.open and set(finding.services) & set(services))
        or (run_id is not None and run_id in _runs_of(finding))
    )


def annotations_of(entries: Iterable[Entry], run_id: str) -> tuple[Annotation, ...]:
    """Return what people added to a run, in the order of entering: a later mark governs."""
    return tuple(
        body_of(entry, Annotation)
        for entry in entries
        if entry.kind is EntryKind.ANNOTATION and entry.body.get("run_id") == run_id
    )


def _runs_of(finding: Finding) -> set[str | None]:
    closed = finding.closure.run_id if finding.closure else None
    return {finding.run_id, closed, *(sighting.run_id for sighting in finding.seen)}


def _seen_again(finding: Finding, latest: Finding) -> Finding:
    """Add a sighting; the same run told twice is one, and the worse severity stays."""
    if latest.run_id is None or latest.run_id in _runs_of(finding):
        return finding

    sighting = Sighting(run_id=latest.run_id, at=latest.opened)
    update: dict[str, Any] = {"seen": (*finding.seen, sighting), "detail": latest.detail}
    if worst(finding.severity, latest.severity) is not finding.severity:
        dates = [date for date in (finding.due, latest.due) if date is not None]
        update |= {"severity": latest.severity, "due": min(dates, default=None)}

    return finding.model_copy(update=update)
