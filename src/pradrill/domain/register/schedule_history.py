"""Fold the register's entries into what the calendar is compared with: rules, attempts, misses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from pradrill.domain.register.entry import (
    AttemptEntry,
    Entry,
    EntryKind,
    RunEntry,
    ScheduleMissed,
    ScheduleRule,
)
from pradrill.domain.register.schedule import Trial


class StandingRule(NamedTuple):
    """A rule by which a service is drilled, and since when."""

    text: str
    since: datetime


class ScheduleHistory:
    """What has become of each service's schedule up to now."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self.rules: dict[str, StandingRule] = {}
        self.trials: dict[str, list[Trial]] = {}
        self.missed: set[tuple[str, datetime]] = set()
        for entry in entries:
            with suppress(ValidationError):
                self._see(entry)

    def _see(self, entry: Entry) -> None:
        if entry.kind is EntryKind.SCHEDULE:
            rule = ScheduleRule.model_validate(entry.body)
            self.rules[rule.service] = StandingRule(rule.rule, entry.at)
        elif entry.kind is EntryKind.SCHEDULE_MISSED:
            date = ScheduleMissed.model_validate(entry.body)
            self.missed.add((date.service, date.due))
        elif self.rules:  # before there was a rule nothing is compared with it
            for service, trial in trials_of(entry):
                self.trials.setdefault(service, []).append(trial)


def trials_of(entry: Entry) -> Iterator[tuple[str, Trial]]:
    """Return the attempts that an entry tells of; a rehearsal is none. Raises ValidationError."""
    if entry.kind is EntryKind.RUN:
        run = RunEntry.model_validate(entry.body)
        if run.rehearsal:
            return
        because = "" if run.finished else run.refusal or run.state.lower()
        for service in run.services:
            yield service, Trial(run.started, run.finished, because)
    elif entry.kind is EntryKind.ATTEMPT:
        unbegun = AttemptEntry.model_validate(entry.body)
        if unbegun.rehearsal:
            return
        for service in unbegun.services:
            yield service, Trial(unbegun.began or entry.at, False, unbegun.because)
