"""Go through the register once, and keep what a status is made of.

Thousands of entries are only looked at: what is read into a model are those that count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from pradrill.domain.register.entry import AttemptEntry, Entry, EntryKind, RunEntry
from pradrill.domain.register.missed_dates import missed
from pradrill.domain.run.ending import Verdict, is_finished
from pradrill.domain.values.duration import Cadence

_CONCLUSIVE = {Verdict.PASSED.value, Verdict.MISSED.value, Verdict.FAILED.value}


class Attempted(NamedTuple):
    """The last attempt at a service, of whatever end."""

    at: datetime
    run_id: str | None
    what: str
    """A verdict, a refusal, a state, or why no run began."""
    concluded: bool


class RegisterFacts:
    """What the entries tell of the services, the newest first."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = entries
        self.run_ids: set[str] = set()
        self.runs: dict[tuple[str, str], list[Entry]] = {}
        """Service and drill → its finished runs, the newest first."""
        self.hashes: dict[str, tuple[str, str]] = {}
        """Run → hash of its record, and verdict."""
        self.last_attempts: dict[str, Attempted] = {}
        for entry in reversed(entries):
            if entry.kind is EntryKind.RUN:
                self._see(entry)
            elif entry.kind is EntryKind.ATTEMPT:
                self._see_unbegun(entry)
            elif entry.kind is EntryKind.DAMAGE and entry.body.get("run_id"):
                self.run_ids.add(str(entry.body["run_id"]))

    def _see(self, entry: Entry) -> None:
        body = entry.body
        run_id = str(body.get("run_id"))
        self.run_ids.add(run_id)
        self.hashes.setdefault(run_id, (str(body.get("record_sha256")), str(body.get("verdict"))))
        if body.get("rehearsal"):
            return

        finished = has_finished(body)
        for service in _names(body):
            if finished:
                self.runs.setdefault((service, str(body.get("drill"))), []).append(entry)
            if service not in self.last_attempts and (run := run_of(entry)) is not None:
                what = run.refusal or (run.verdict if finished else run.state.lower())
                concluded = finished and run.verdict in _CONCLUSIVE
                attempt = Attempted(run.started, run.run_id, what, concluded)
                self.last_attempts[service] = attempt

    def _see_unbegun(self, entry: Entry) -> None:
        if entry.body.get("rehearsal") or set(_names(entry.body)) <= self.last_attempts.keys():
            return
        with suppress(ValidationError):
            unbegun = AttemptEntry.model_validate(entry.body)
            for service in unbegun.services:
                attempt = Attempted(unbegun.began or entry.at, None, unbegun.because, False)
                self.last_attempts.setdefault(service, attempt)

    def last_finished(self) -> dict[str, datetime]:
        """Return service → when its last finished run began: its next drill counts from there."""
        last: dict[str, datetime] = {}
        for (service, _), entries in self.runs.items():
            run = next(filter(None, map(run_of, entries)), None)
            if run is not None:
                last[service] = max(run.started, last.get(service, run.started))
        return last

    def missed_dates(
        self, cadences: Mapping[str, Cadence], now: datetime
    ) -> dict[str, list[datetime]]:
        """Return service → the dates since its last finished run that nobody attempted.

        Entered or not: the schedule that should enter them may be what is silent.
        """
        recent = list(self._since_finished(set(cadences)))
        dates: dict[str, list[datetime]] = {}
        with suppress(ValidationError, ValueError, OverflowError):
            for miss in missed(cadences, recent, now):
                dates.setdefault(miss.service, []).append(miss.due)
        return dates

    def _since_finished(self, services: set[str]) -> Iterator[Entry]:
        """Return the attempts at services back to the last finished run of each, oldest first."""
        open_services = {name for name in services if any(key[0] == name for key in self.runs)}
        recent = []
        for entry in reversed(self.entries):
            if not open_services:
                break
            if entry.kind not in {EntryKind.RUN, EntryKind.ATTEMPT}:
                continue
            names = open_services.intersection(_names(entry.body))
            if names:
                recent.append(entry)
            if entry.kind is EntryKind.RUN and has_finished(entry.body):
                open_services -= names if not entry.body.get("rehearsal") else set()
        return reversed(recent)

    def longest(self, drill: str) -> float | None:
        """Return the seconds that the longest finished run of a drill took."""
        unique = {
            str(entry.body.get("run_id")): entry
            for (_, name), entries in self.runs.items()
            if name == drill
            for entry in entries
        }
        runs = filter(None, map(run_of, unique.values()))
        return max(((run.ended - run.started).total_seconds() for run in runs), default=None)


def has_finished(body: Mapping[str, object]) -> bool:
    """Tell whether a run went to its end by itself, from its entry as it was read."""
    return is_finished(body.get("state"), body.get("refusal"))


def is_conclusive(body: Mapping[str, object]) -> bool:
    """Tell whether a run as a whole said something about the recovery."""
    return has_finished(body) and body.get("verdict") in _CONCLUSIVE


def run_of(entry: Entry) -> RunEntry | None:
    """Return the run that an entry is of; an entry that cannot be read tells nothing."""
    try:
        return RunEntry.model_validate(entry.body)
    except ValidationError:
        return None


def _names(body: Mapping[str, object]) -> list[str]:
    names = body.get("services")
    return [str(name) for name in names] if isinstance(names, list | tuple) else []
