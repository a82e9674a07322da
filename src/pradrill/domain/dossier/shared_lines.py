"""Tell, for each line of who answers for what, what a drill or an incident last showed of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from pydantic import Field

from pradrill.domain.declared.plan import Plan
from pradrill.domain.declared.provider import Provider
from pradrill.domain.declared.responsibility import REQUIRED, Topic, owners_of
from pradrill.domain.register.incident import Incident
from pradrill.domain.report.incident_evidence import shown_by_incident
from pradrill.domain.report.line_evidence import LineEvidence, Proof
from pradrill.domain.report.responsibilities import shown_by_run
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.model import Model, Utc


class LastShown(Model):
    """The newest that is known of a line for a service, and where that comes from."""

    service: str
    at: Utc
    by: str = Field(description="a run, or an incident")
    evidence: LineEvidence


class SharedLine(Model):
    """A line of the plan, who answers for it, and of which services nothing ever showed it."""

    line: str
    owners: tuple[str, ...] = Field(description="none: nobody; two: nobody does")
    services: tuple[str, ...]
    never: tuple[str, ...] = Field(description="services of which it was never exercised")
    last: LastShown | None = Field(
        description="the newest, of whichever service; where one failed last, that one"
    )


class ShownLines:
    """What is remembered of each service's lines while records go by, oldest first or not."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._last: dict[tuple[str, str], LastShown] = {}

    def see_run(self, record: RunRecord) -> None:
        """Take in what a run showed, of the lines that the plan has today."""
        if record.refusal is not None or record.launch.rehearsal:
            return
        for name in record.plan.services:
            service = self._plan.services.get(name)
            for line in service.responsibilities if service else ():
                # What somebody says does not mend what was measured in the same run.
                every = shown_by_run(record, name, line)
                for evidence in sorted(every, key=lambda each: each.proof is Proof.FAILED):
                    self._see(line, _last(name, record.started, record.run_id, evidence))

    def see_incidents(self, incidents: Iterable[Incident], now: datetime) -> None:
        """Take in what incidents showed."""
        for incident in incidents:
            provider = self._plan.providers.get(incident.provider or "", Provider())
            for each in shown_by_incident(incident, provider, now):
                for name in incident.services:
                    self._see(each.line, _last(name, each.at, incident.incident, each.evidence))

    def _see(self, line: str, newest: LastShown) -> None:
        if newest.evidence.proof not in {Proof.SHOWN, Proof.FAILED}:
            return
        key = newest.service, _key(line)
        before = self._last.get(key)
        if before is None or before.at <= newest.at:
            self._last[key] = newest

    def of(self, services: Iterable[str]) -> tuple[SharedLine, ...]:
        """Return each line with the same owners once: never exercised first, then the oldest."""
        of_line: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        for name in services:
            for line, owners in self._lines_of(name):
                of_line.setdefault((line, owners), []).append(name)
        rows = (self._row(line, owners, names) for (line, owners), names in of_line.items())
        return tuple(sorted(rows, key=_order))

    def _lines_of(self, service: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Yield the lines of a service; of one that is hosted, topics without an owner, too."""
        declared = self._plan.services.get(service)
        if declared is None or not (declared.responsibilities or declared.provider):
            return
        table = declared.responsibilities
        lines = [*REQUIRED, *(line for line in table if Topic.of(line) not in REQUIRED)]
        for line in lines:
            yield str(line), owners_of(table, line)

    def _row(self, line: str, owners: tuple[str, ...], services: Sequence[str]) -> SharedLine:
        by_service = {name: self._last.get((name, _key(line))) for name in services}
        shows = [each for each in by_service.values() if each is not None]
        newest = sorted(shows, key=lambda each: (each.evidence.proof is Proof.FAILED, each.at))
        return SharedLine(
            line=line,
            owners=owners,
            services=tuple(services),
            never=tuple(name for name, each in by_service.items() if each is None),
            last=newest[-1] if newest else None,
        )


def _last(service: str, at: datetime, by: str, evidence: LineEvidence) -> LastShown:
    """Return what was shown, without looking at it again: there are thousands."""
    return LastShown.model_construct(service=service, at=at, by=by, evidence=evidence)


def _order(row: SharedLine) -> tuple[bool, bool, bool, float]:
    """Put first what nothing ever showed, then what nobody owns, then the oldest proof."""
    at = row.last.at.timestamp() if row.last else 0.0
    return row.last is not None, bool(row.owners), not row.never, at


def _key(line: str) -> str:
    topic = Topic.of(line)
    return " ".join(line.split()).casefold() if topic is None else topic.value
