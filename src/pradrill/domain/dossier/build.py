"""Compile the dossier of a period as data: one pass over the records, then what follows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import ValidationError

from pradrill.domain.declared.plan import Plan
from pradrill.domain.dossier.attempt import (
    Attempt,
    Ending,
    Setting,
    attempt_missed,
    attempt_of,
    attempt_unbegun,
    attempt_without_record,
    order,
)
from pradrill.domain.dossier.coverage import History, Today, coverage, overdue
from pradrill.domain.dossier.detection import detections
from pradrill.domain.dossier.dossier import CalendarRow, Dossier, OpenFinding, Trend
from pradrill.domain.dossier.forecast import MeasuredRun, forecast
from pradrill.domain.dossier.period import Column, Period, column_of
from pradrill.domain.dossier.provider_section import PromiseSources, provider_sections
from pradrill.domain.dossier.shared_lines import ShownLines
from pradrill.domain.dossier.spread import spread
from pradrill.domain.register.entry import Entry, EntryKind, acknowledged
from pradrill.domain.register.finding import Finding
from pradrill.domain.register.incident_history import all_incidents
from pradrill.domain.register.schedule import Instants
from pradrill.domain.report.problems import problems
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Elapsed


class Sealed(NamedTuple):
    """A record as it was read, with the SHA-256 of its file."""

    record: RunRecord
    sha256: str


class Damaged(NamedTuple):
    """A record that could not be read, and why."""

    why: str


class Sources(NamedTuple):
    """Everything that a dossier is made from."""

    records: Iterable[Sealed | Damaged]
    plan: Plan
    drills: Mapping[str, RunPlan]
    """Each drill of today, resolved, with the hashes of its files."""
    entries: Sequence[Entry] = ()
    """The register's: they tell of what has no record, or has it no more."""
    findings: Sequence[Finding] = ()
    head: str | None = None
    instants: Instants | None = None


class Memory(NamedTuple):
    """What sees the records go by."""

    history: History
    lines: ShownLines
    damaged: list[str]


def compile_dossier(
    period: Period, sources: Sources, *, now: datetime, only: Sequence[str] = ()
) -> Dossier:
    """Go through the records once and return the dossier."""
    as_of = min(period.end, now)
    history = History()
    lines = ShownLines(sources.plan)
    damaged: list[str] = []
    memory = Memory(history, lines, damaged)
    attempts = sorted(_attempts(sources, memory, as_of, set(only)), key=order)
    within = tuple(attempt for attempt in attempts if period.holds(attempt.at))
    services = tuple(only) or _services(sources.plan, within)
    findings = [finding for finding in sources.findings if _concerns(finding, only)]
    columns = period.columns()
    today = Today(sources.plan, sources.drills, as_of, sources.instants)
    incidents = all_incidents(_until(sources.entries, as_of))
    lines.see_incidents(incidents, as_of)

    return Dossier(
        period=period,
        made=now,
        as_of=as_of,
        only=tuple(only),
        organisation=sources.plan.organisation,
        plan_version=sources.plan.plan,
        plan_approved=sources.plan.approved,
        services=len(only) or len(sources.plan.services),
        counts=Counter(attempt.ending for attempt in within),
        residue=sum(attempt.residue for attempt in within),
        coverage=coverage(history, today, services),
        overdue=overdue(history, today, services),
        open_findings=_open(findings, as_of),
        opened=sum(period.holds(finding.opened) for finding in findings),
        closed=sum(
            finding.closure is not None and period.holds(finding.closure.at) for finding in findings
        ),
        columns=columns,
        calendar=_calendar(within, columns, services, sources.plan),
        trends=_trends(attempts, period, services, sources.plan, as_of),
        detections=detections(_until(sources.entries, as_of), sources.drills, only),
        providers=provider_sections(
            PromiseSources(
                sources.plan,
                incidents,
                history.measured,
                history.survived(),
            ),
            period=period,
            as_of=as_of,
            only=only,
        ),
        responsibilities=lines.of(services),
        attempts=within,
        damaged=tuple(damaged),
        head=sources.head,
        acknowledged=tuple(acknowledged(sources.entries)),
    )


def _attempts(
    sources: Sources, memory: Memory, as_of: datetime, services: set[str]
) -> Iterator[Attempt]:
    """Yield every attempt up to then, and let what remembers see it."""
    history, lines, damaged = memory
    read: set[str] = set()
    for source in sources.records:
        if isinstance(source, Damaged):
            damaged.append(source.why)
            continue

        record = source.record
        read.add(record.run_id)

        if record.started <= as_of and _is_wanted(record.plan.services, services):
            attempt = attempt_of(record, source.sha256)
            history.see(attempt, record.plan)
            lines.see_run(record)
            if not record.launch.rehearsal:
                history.measure(record.sla)
            yield attempt

    for entry in sources.entries:
        make = _FROM_ENTRY.get(entry.kind)
        if make is None or (entry.kind is EntryKind.RUN and entry.body.get("run_id") in read):
            continue

        try:
            attempt = make(entry)
        except ValidationError:
            damaged.append(f"register: entry {entry.number} cannot be read")
            continue

        if attempt.at <= as_of and (not attempt.services or _is_wanted(attempt.services, services)):
            yield attempt


_FROM_ENTRY: Mapping[EntryKind, Callable[[Entry], Attempt]] = {
    EntryKind.RUN: attempt_without_record,
    EntryKind.ATTEMPT: attempt_unbegun,
    EntryKind.SCHEDULE_MISSED: attempt_missed,
}


def _until(entries: Iterable[Entry], as_of: datetime) -> Iterator[Entry]:
    return (entry for entry in entries if entry.at <= as_of)


def _is_wanted(services: Iterable[str], selection: set[str]) -> bool:
    return not selection or not selection.isdisjoint(services)


def _services(plan: Plan, within: Sequence[Attempt]) -> tuple[str, ...]:
    """Return the plan's services, then those that only the attempts of the period know."""
    tried = (service for attempt in within for service in attempt.services)
    return tuple(dict.fromkeys((*plan.services, *tried)))


def _concerns(finding: Finding, only: Sequence[str]) -> bool:
    return not only or not finding.services or not set(only).isdisjoint(finding.services)


def _open(findings: Sequence[Finding], as_of: datetime) -> tuple[OpenFinding, ...]:
    was_open = [
        finding
        for finding in findings
        if finding.opened <= as_of and (finding.closure is None or finding.closure.at > as_of)
    ]
    grave = list(Severity)
    was_open.sort(key=lambda finding: (-grave.index(finding.severity), finding.opened))
    return tuple(
        OpenFinding(
            finding=finding,
            days=(as_of - finding.opened).days,
            late=finding.due is not None and finding.due < as_of.date(),
        )
        for finding in problems(was_open)
    )


def _calendar(
    within: Sequence[Attempt], columns: tuple[Column, ...], services: Sequence[str], plan: Plan
) -> tuple[CalendarRow, ...]:
    cells = {service: [Counter[Ending]() for _ in columns] for service in services}
    for attempt in within:
        for service in attempt.services:
            if service in cells:
                ending = attempt.of(service).ending
                cells[service][column_of(columns, attempt.at)][ending] += 1

    return tuple(
        CalendarRow(service=name, in_plan=name in plan.services, cells=tuple(dict(c) for c in row))
        for name, row in cells.items()
    )


def _trends(
    attempts: Sequence[Attempt],
    period: Period,
    services: Sequence[str],
    plan: Plan,
    as_of: datetime,
) -> tuple[Trend, ...]:
    """Return the settings that were tested in the period; forecasts look at all before it too."""
    tests: dict[Setting, list[Attempt]] = {}
    for attempt in attempts:
        for setting, part in attempt.apart():
            if part.conclusive:
                tests.setdefault(setting, []).append(part)

    place = {name: number for number, name in enumerate(services)}
    return tuple(
        _trend(setting, tests[setting], period, plan, as_of)
        for setting in sorted(
            (setting for setting in tests if setting.service in place),
            key=lambda setting: (place[setting.service], setting),
        )
        if any(period.holds(test.at) for test in tests[setting])
    )


def _trend(
    setting: Setting, tests: Sequence[Attempt], period: Period, plan: Plan, as_of: datetime
) -> Trend:
    name = setting.service
    service = plan.services.get(name)
    goals = service.objectives if service else None
    within = [test for test in tests if period.holds(test.at)]
    then = [test.goals.get(name) for test in within]
    return Trend(
        service=name,
        scenario=setting.scenario,
        standby=setting.standby,
        lab=setting.lab,
        objectives=goals,
        rta=spread(
            [(_bound(t, t.rta), g.rto if g else None) for t, g in zip(within, then, strict=True)]
        ),
        rpa=spread(
            [(_bound(t, t.rpa), g.rpo if g else None) for t, g in zip(within, then, strict=True)]
        ),
        rta_forecast=forecast(_runs(tests, rta=True), goals.rto, as_of) if goals else None,
        rpa_forecast=forecast(_runs(tests, rta=False), goals.rpo, as_of) if goals else None,
    )


def _runs(tests: Sequence[Attempt], *, rta: bool) -> list[MeasuredRun]:
    """Return the tests that recovered, by the bound that governs."""
    bounds = ((test, _bound(test, test.rta if rta else test.rpa)) for test in tests)
    return [
        MeasuredRun(test.at, bound, test.restored_bytes)
        for test, bound in bounds
        if bound is not None
    ]


def _bound(test: Attempt, actual: Elapsed | None) -> float | None:
    """Return the upper bound of a test's actual; none when it recovered nothing."""
    return None if actual is None or test.ending is Ending.FAILED else actual.high
