"""Derive what somebody is to be told: from the register's new entries, and from how things stand.

A run, and an attempt that was due, is told of once. What stands is told of again while it lasts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from pydantic import ValidationError

from pradrill.domain.declared.notification import Occasion
from pradrill.domain.dossier.register_facts import is_conclusive, run_of
from pradrill.domain.dossier.status import (
    Alarm,
    AlarmKind,
    ConclusiveRun,
    Expiry,
    Level,
    ServiceStatus,
    Standing,
    Status,
)
from pradrill.domain.dossier.status_of import is_overdue
from pradrill.domain.register.entry import AttemptEntry, Entry, EntryKind, RunEntry
from pradrill.domain.register.finding import Finding
from pradrill.domain.register.teardowns import owed
from pradrill.domain.run.ending import RunState, Verdict
from pradrill.domain.values.severity import Severity, worst

Subject = RunEntry | AttemptEntry | Alarm | ServiceStatus | Finding | ConclusiveRun
"""What it is about."""

Failing = Callable[[RunEntry], Collection[str]]
"""Returns the services that a run as a whole did not recover as promised: of an estate, not all."""

Reasons = Callable[[RunEntry], Collection[str]]
"""Returns why a run was refused."""


class Notification(NamedTuple):
    """One thing to tell."""

    occasion: Occasion
    severity: Severity
    services: tuple[str, ...]
    subject: Subject
    key: str | None = None
    """The same thing has the same key. None: it is an entry's, and each is looked at once."""
    lasts: bool = False
    """Whether it is seen again and again until it is over."""


_OF_VERDICT: dict[str, Severity] = {
    Verdict.PASSED: Severity.MINOR,
    Verdict.MISSED: Severity.MAJOR,
    Verdict.FAILED: Severity.CRITICAL,
    Verdict.INCONCLUSIVE: Severity.MAJOR,
}
_OF_WORD = {Standing.FAILED: Severity.CRITICAL, Standing.MISSED: Severity.MAJOR}
_OVERDUE = {AlarmKind.OVERDUE, AlarmKind.MISSED_DATE}
_NUMBERED = re.compile(r"(?<!\S)[^\s\d]*\d\S*")
"""Words that are others each time: of whom, since when, how many bytes."""
_LONGEST = 300


def of_entries(entries: Iterable[Entry], before: int, reasons: Reasons) -> Iterator[Notification]:
    """Return what the entries after one tell: how runs ended, why one that was due did not begin.

    A rehearsal counts for nothing, and nobody is told; whoever starts a drill by hand sees what
    keeps it from beginning.
    """
    last_runs: dict[str, str] = {}
    for entry in entries:
        if entry.body.get("rehearsal"):
            continue
        if entry.kind is EntryKind.RUN and entry.body.get("refusal") is None:
            # A run that began, of any drill, had a plan that could be read: of "" it tells that.
            last_runs[str(entry.body.get("drill"))] = last_runs[""] = str(entry.body.get("run_id"))
        if entry.number > before:
            yield from _of_entry(entry, last_runs, reasons)


def _of_entry(
    entry: Entry, last_runs: Mapping[str, str], reasons: Reasons
) -> Iterator[Notification]:
    if entry.kind is EntryKind.RUN and (run := run_of(entry)) is not None:
        key = None
        if run.refusal:
            key = _refusal(run.drill, run.exit_code, reasons(run), last_runs)
        yield Notification(Occasion.VERDICT, _severity(run), run.services, run, key)
    elif entry.kind is EntryKind.ATTEMPT and entry.body.get("trigger") == "due":
        with suppress(ValidationError):
            attempt = AttemptEntry.model_validate(entry.body)
            key = _refusal(attempt.drill, attempt.exit_code, [attempt.because], last_runs)
            severity, services = Severity.MAJOR, attempt.services
            yield Notification(Occasion.VERDICT, severity, services, attempt, key)


def _refusal(drill: str, code: int, reasons: Iterable[str], last_runs: Mapping[str, str]) -> str:
    """Return the key of a refusal: it comes each hour, for the same reason, until a run begins."""
    words = " ".join(_NUMBERED.sub("", "; ".join(reasons)).split())[:_LONGEST]
    return f"refused {drill} {code} after {last_runs.get(drill, 'none')}: {words}"


def _severity(run: RunEntry) -> Severity:
    if run.state != RunState.FINISHED.value:
        return Severity.MAJOR
    return _OF_VERDICT.get(run.verdict, Severity.MAJOR)


def residue_of(entries: Sequence[Entry]) -> Iterator[Notification]:
    """Return which runs have left something that is still there."""
    for run in owed(entries):
        if not run.rehearsal:
            yield _lasting(Occasion.RESIDUE, Severity.MAJOR, run.services, run, run.run_id)


def of_silence(status: Status, findings: Iterable[Finding]) -> Iterator[Notification]:
    """Return what has no run of its own: what is overdue or has expired, findings that are due.

    A service is named once, by the first of its reasons.
    """
    late: set[str] = set()
    for alarm in status.alarms:
        if alarm.kind in _OVERDUE and alarm.service is not None and alarm.service not in late:
            late.add(alarm.service)
            severity = Severity.CRITICAL if alarm.level is Level.CRITICAL else Severity.MAJOR
            yield _lasting(Occasion.OVERDUE, severity, (alarm.service,), alarm, alarm.service)
    for each in status.services:
        expired = each.word is Standing.EXPIRED and Expiry.UNKNOWN not in each.expiry
        if expired and each.service not in late:
            severity, name = Severity.MAJOR, each.service
            yield _lasting(Occasion.OVERDUE, severity, (name,), each, name)
    for finding in findings:
        if finding.open and is_overdue(finding, status.made):
            severity, name = finding.severity, finding.finding
            yield _lasting(Occasion.FINDINGS, severity, finding.services, finding, name)


def _lasting(
    occasion: Occasion, severity: Severity, services: tuple[str, ...], subject: Subject, name: str
) -> Notification:
    key = f"{occasion} {severity} {name}"  # what gets worse is news
    return Notification(occasion, severity, services, subject, key, lasts=True)


def _late(status: Status) -> set[str | None]:
    return {alarm.service for alarm in status.alarms if alarm.kind in _OVERDUE}


def troubles_of(status: Status, silence: Iterable[Notification]) -> dict[str, Severity]:
    """Return the services that something is wrong with, and how grave it is."""
    troubles = {
        each.service: _OF_WORD[each.word] for each in status.services if each.word in _OF_WORD
    }
    for notification in silence:
        if notification.occasion is Occasion.OVERDUE:
            for name in notification.services:
                severity = notification.severity
                troubles[name] = worst(severity, troubles.get(name, severity))
    return troubles


def mended(
    status: Status,
    troubles: Mapping[str, Severity],
    entries: Sequence[Entry],
    before: int,
    failing: Failing,
) -> Iterator[Notification]:
    """Return the services that are proven again.

    `troubles`: what was wrong when last somebody looked; `before`: the number of the last entry
    then. Of a run since then the register tells what came before it. A proof that still holds
    mends nothing while its service is overdue.
    """
    late = _late(status)
    for each in status.services:
        proof = each.proof
        if each.word is not Standing.PROVEN or proof is None:
            continue
        is_new = _is_new(proof, entries, before)
        if each.service in late and not is_new:
            continue
        severity = troubles.get(each.service)
        if severity is None and is_new:
            severity = _before(each.service, proof, entries, failing)
        if severity is not None:
            yield Notification(Occasion.MENDED, severity, (each.service,), proof)


def _is_new(proof: ConclusiveRun, entries: Sequence[Entry], before: int) -> bool:
    return any(
        entry.number > before
        and entry.kind is EntryKind.RUN
        and entry.body.get("run_id") == proof.run_id
        for entry in entries
    )


def _before(
    service: str,
    proof: ConclusiveRun,
    entries: Sequence[Entry],
    failing: Failing,
) -> Severity | None:
    """Return how grave the last thing was that was wrong before a proof, since the one before."""
    reached = False
    for entry in reversed(entries):
        body = entry.body
        if entry.kind is EntryKind.RUN and body.get("run_id") == proof.run_id:
            reached = True
        elif not reached or body.get("rehearsal"):
            continue
        elif entry.kind is EntryKind.SCHEDULE_MISSED and body.get("service") == service:
            return Severity.CRITICAL
        elif entry.kind is EntryKind.RUN and is_conclusive(body):
            run = run_of(entry)
            if run is None or service not in run.services:
                continue
            is_bad = run.verdict in {Verdict.FAILED, Verdict.MISSED}
            if is_bad and service in failing(run):
                return _severity(run)
            return None
    return None
