"""Tell what is proved and what is not: services by scenarios by standbys, against today's plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from pradrill.domain.declared.plan import Plan, Service
from pradrill.domain.dossier.attempt import Attempt, Ending, Setting, settings_of
from pradrill.domain.dossier.expiry import Change, changes_since
from pradrill.domain.register.schedule import Instants, Rule, first_after
from pradrill.domain.run.question import CallStage, SlaMeasure
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.duration import DrillEvery, next_due
from pradrill.domain.values.model import Model, Utc


class ProofStanding(StrEnum):
    """How well a recovery is proved; the worst first."""

    NEVER_TESTED = "never_tested"  # no attempt came to a conclusion
    UNCOVERED = "uncovered"  # tested once; no drill of today covers the service
    NEVER_PROVEN = "never_proven"  # tested, and never passed
    BROKEN = "broken"  # passed once; the latest test did not
    EXPIRED = "expired"  # passed last; what it depends on has changed since
    OLD = "old"  # passed last, longer ago than drill_every allows
    PROVEN = "proven"
    DROPPED = "dropped"  # on record, and no drill of today declares it


class Test(Model):
    """A run to point at."""

    run_id: str
    at: Utc
    ending: Ending


class Cover(Model):
    """One line of the coverage."""

    service: str
    tier: int | None
    scenario: str | None = Field(description="none when no drill covers the service")
    standby: str | None
    lab: bool = False
    drill: str | None
    standing: ProofStanding
    attempts: int = Field(description="of all kinds, up to the end of the period")
    endings: dict[Ending, int] = Field(default={}, description="how many of them ended how")
    latest: Test | None = Field(default=None, description="the last test")
    proof: Test | None = Field(default=None, description="the last test that passed")
    changes: tuple[Change, ...] = Field(default=(), description="since the proof")


class Overdue(Model):
    """A service that no finished run has exercised for longer than the plan allows."""

    service: str
    drill_every: DrillEvery | None
    drill_on: str | None = Field(default=None, description="the plan's day of the calendar")
    last: Utc | None = Field(description="its last finished run")
    due: Utc | None = Field(description="when the next one was due; none: never run")


class LastProof(Model):
    """The last test that passed, with what it rested on."""

    attempt: Attempt
    plan: RunPlan


class History:
    """What is remembered of each setting while the records go by, oldest first or not."""

    def __init__(self) -> None:
        self.endings: dict[Setting, Counter[Ending]] = {}
        self.latest: dict[Setting, Attempt] = {}
        self.proofs: dict[Setting, LastProof] = {}
        self.finished: dict[str, datetime] = {}
        self.measured: set[tuple[str, CallStage]] = set()
        """Providers, and which of their promises a drill has measured."""

    def survived(self) -> dict[tuple[str, str], datetime]:
        """Return provider and service → the last proof that played the provider's loss."""
        proofs = sorted(self.proofs.items(), key=lambda each: each[1].attempt.at)
        return {
            (lost, setting.service): proof.attempt.at
            for setting, proof in proofs
            if (lost := proof.plan.drill.scenario.provider_lost) is not None
        }

    def measure(self, measures: Iterable[SlaMeasure]) -> None:
        """Take in what a drill has measured of promises."""
        self.measured |= {(m.provider, m.stage) for m in measures if m.seconds is not None}

    def see(self, attempt: Attempt, plan: RunPlan) -> None:
        """Take one more attempt in; a rehearsal is none."""
        if attempt.ending is Ending.REHEARSED:
            return
        for setting, part in attempt.apart():
            self.endings.setdefault(setting, Counter())[part.ending] += 1
            if part.finished:
                last = self.finished.get(setting.service, part.at)
                self.finished[setting.service] = max(last, part.at)

            if part.conclusive:
                latest = self.latest.get(setting)
                if latest is None or latest.at <= part.at:
                    self.latest[setting] = part

            if part.ending is Ending.PASSED:
                proof = self.proofs.get(setting)
                if proof is None or proof.attempt.at <= part.at:
                    self.proofs[setting] = LastProof(attempt=part, plan=plan)


class Today(NamedTuple):
    """What stands now: the plan, its drills resolved, and the instant that a dossier speaks of."""

    plan: Plan
    drills: Mapping[str, RunPlan]
    as_of: datetime
    instants: Instants | None = None
    """When a rule of the calendar is due; none: only `drill_every` is judged."""


def coverage(history: History, today: Today, selection: Iterable[str]) -> tuple[Cover, ...]:
    """Return every setting that is declared or on record, the least proved first."""
    declared: dict[Setting, list[str]] = {}
    for name, run in today.drills.items():
        for setting in settings_of(run.drill):
            declared.setdefault(setting, []).append(name)

    services = dict.fromkeys(selection)
    lines = [
        _cover(setting, declared.get(setting, []), history, today)
        for setting in dict.fromkeys((*declared, *history.endings))
        if setting.service in services
    ]

    covered = {setting.service for setting in declared}
    tested = {setting.service for setting in history.latest}
    lines += [
        Cover(
            service=name,
            tier=today.plan.services[name].tier,
            scenario=None,
            standby=None,
            drill=None,
            standing=ProofStanding.UNCOVERED if name in tested else ProofStanding.NEVER_TESTED,
            attempts=0,
        )
        for name in services
        if name in today.plan.services and name not in covered
    ]

    return tuple(sorted(lines, key=_order))


def overdue(history: History, today: Today, services: Iterable[str]) -> tuple[Overdue, ...]:
    """Return the services that `pradrill due` would have named, the longest overdue first."""
    late = []
    for name in services:
        service = today.plan.services.get(name)
        if service is None or (service.drill_every is None and service.drill_on is None):
            continue

        last = history.finished.get(name)
        due = None if last is None else _next_due(service, last, today)
        if last is None or (due is not None and due <= today.as_of):
            on = service.drill_on.text if service.drill_on else None
            every = service.drill_every
            late.append(Overdue(service=name, drill_every=every, drill_on=on, last=last, due=due))

    return tuple(sorted(late, key=lambda item: (item.due is not None, item.due, item.service)))


def _cover(
    setting: Setting,
    declared: list[str],
    history: History,
    today: Today,
) -> Cover:
    service = today.plan.services.get(setting.service)
    latest, proof = history.latest.get(setting), history.proofs.get(setting)

    drill = declared[0] if declared else None
    changed: tuple[Change, ...] = ()
    if proof is not None:
        drill = proof.attempt.drill if proof.attempt.drill in declared else drill
        present = today.drills.get(drill or proof.attempt.drill)
        actuals = proof.attempt.rta, proof.attempt.rpa
        changed = changes_since(proof.plan, present, setting.service, *actuals)

    endings = history.endings.get(setting, Counter())
    return Cover(
        service=setting.service,
        tier=service.tier if service else None,
        scenario=setting.scenario,
        standby=setting.standby,
        lab=setting.lab,
        drill=drill,
        standing=ProofStanding.DROPPED
        if drill is None or service is None
        else _standing(latest, proof, changed, (service, today)),
        attempts=sum(endings.values()),
        endings=dict(endings),
        latest=_test(latest),
        proof=_test(proof.attempt if proof else None),
        changes=changed,
    )


def _standing(
    latest: Attempt | None,
    proof: LastProof | None,
    changed: tuple[Change, ...],
    judged: tuple[Service, Today],
) -> ProofStanding:
    if latest is None:
        return ProofStanding.NEVER_TESTED
    if proof is None:
        return ProofStanding.NEVER_PROVEN
    if latest.ending is not Ending.PASSED:
        return ProofStanding.BROKEN
    if any(change.material for change in changed):
        return ProofStanding.EXPIRED

    service, today = judged
    at, every = proof.attempt.at, service.drill_every
    due = _next_due(service, at, today) if every is None else next_due(every, at)
    is_old = due is not None and due <= today.as_of
    return ProofStanding.OLD if is_old else ProofStanding.PROVEN


def _next_due(service: Service, last: datetime, today: Today) -> datetime | None:
    """Return until when a drill was due that last ran then, by the calendar or by its cadence."""
    if service.drill_on is None or today.instants is None:
        return next_due(service.drill_every, last)
    rule = Rule(service.drill_on, service.drill_window, service.no_drills)
    date = first_after(rule, today.instants, last, today.as_of)
    return None if date is None else date.end


def _test(attempt: Attempt | None) -> Test | None:
    if attempt is None or attempt.run_id is None:
        return None
    return Test(run_id=attempt.run_id, at=attempt.at, ending=attempt.ending)


def _order(cover: Cover) -> tuple[int, float, str, str, str]:
    tier = float("inf") if cover.tier is None else cover.tier
    place = list(ProofStanding).index(cover.standing)
    return place, tier, cover.service, cover.scenario or "", cover.standby or ""
