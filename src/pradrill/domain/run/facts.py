"""What a journal's events add up to.

The live run and the recovery of a crashed one go through the same fold, so a record says the
same whether its process lived to write it or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from pydantic import Field

from pradrill.domain.run.backup_catalogue import CatalogueReading
from pradrill.domain.run.backup_integrity import IntegrityResult
from pradrill.domain.run.event import CheckPass, Event, Reading, Started, check_key
from pradrill.domain.run.host import HostState, SeenHost
from pradrill.domain.run.outcome import CheckResult, GuardResult, Phase, StepKey, StepResult
from pradrill.domain.run.question import Wait
from pradrill.domain.run.record import Refusal, RunState
from pradrill.domain.run.run_plan import Branch, PlannedStep, RunPlan
from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason, as_reason
from pradrill.domain.values.timeline import ClockStep, Instant, Mark, Skew


class Shown(Model):
    """What one branch of the recovery has shown; a run without branches apart has one."""

    marks: dict[Mark, Instant] = {}
    passes: int = 0
    checks: dict[str, CheckResult] = {}
    stable: bool = False
    reading: Reading | None = None
    catalogue: CatalogueReading | None = None
    integrity: IntegrityResult | None = None


class Facts(Model):
    """Everything that a run has shown so far."""

    started: Started
    began: datetime
    refusal: Refusal | None = None
    refused_because: tuple[Reason, ...] = ()
    touched: bool = Field(default=False, description="a playbook or a person has begun on it")
    steps: tuple[StepResult, ...] = ()
    begun: tuple[StepKey, ...] = ()
    marks: dict[Mark, Instant] = Field(default={}, description="those of the whole run")
    shown: dict[str | None, Shown] = Field(default={}, description="branch (its service) → its own")
    guards: tuple[GuardResult, ...] = ()
    standing: dict[str, dict[str, GuardResult]] = Field(
        default={},
        description="host → guard → its last word; a process that died takes its proofs with it",
    )
    skew: dict[str, Skew] = {}
    seen: dict[str, SeenHost] = {}
    baseline: dict[str, HostState] = {}
    waits: tuple[Wait, ...] = ()
    residue: tuple[Reason, ...] = ()
    signal: int | None = None
    clock_stepped: float = 0.0
    clock_steps: tuple[ClockStep, ...] = ()
    lost: bool = Field(default=False, description="the process ended without a word")
    ended: datetime | None = Field(default=None, description="when all was done but the record")

    def after(self, event: Event, facts: dict[str, Any]) -> Facts:
        """Return the facts with one more event in."""
        return self.model_copy(update=_CHANGES[event](self, facts))

    @property
    def plan(self) -> RunPlan:
        """Return what was to be done."""
        return self.started.plan

    @property
    def state(self) -> RunState:
        """Return where the execution stands."""
        if self.lost:
            return RunState.CRASHED
        return RunState.INTERRUPTED if self.signal is not None else RunState.FINISHED

    def not_executed(self) -> tuple[PlannedStep, ...]:
        """Return the planned steps that never began."""
        return tuple(step for step in self.plan.steps if step.key not in self.begun)

    def of(self, service: str | None) -> Shown:
        """Return what a branch has shown, with the marks of the whole run among its own."""
        own = self.shown.get(service, Shown())
        return own.model_copy(update={"marks": {**self.marks, **own.marks}})

    def held_by(self, branch: Branch) -> tuple[str, ...]:
        """Return the services whose end kept a branch from beginning to restore."""
        begun = any(key[0] is Phase.RESTORE and key[2] == branch.service for key in self.begun)
        return () if begun else tuple(name for name in branch.after if not self.of(name).stable)

    def branches(self) -> list[Shown]:
        """Return what each branch has shown."""
        return [self.of(branch.service) for branch in self.plan.branches]

    def skew_of(self, branch: Branch) -> dict[str, Skew]:
        """Return the clocks that a branch's instants come from: its hosts', its primary's."""
        if branch.service is None:
            return self.skew
        mine = {*branch.hosts, "primary", f"primary of {branch.service}"}
        return {host: skew for host, skew in self.skew.items() if host in mine}


_Change = dict[str, Any]


def fold(events: Iterable[tuple[str, datetime, dict[str, Any]]]) -> Facts | None:
    """Return what a journal's events add up to; None when they do not even say what began.

    Raises ValueError or KeyError for events that this version does not understand.
    """
    facts: Facts | None = None
    for name, at, told in events:
        event = Event(name)
        if event is not Event.STARTED:
            facts = None if facts is None else facts.after(event, told)
        elif facts is None:
            facts = Facts(started=Started.model_validate(told), began=at)
        else:
            msg = "a run begins once: what follows would be another's"
            raise ValueError(msg)
    return facts


def _step_started(was: Facts, facts: _Change) -> _Change:
    key = (Phase(facts["phase"]), facts["name"], facts.get("service"))
    works = any(step.key == key and step.works for step in was.plan.steps)
    return {"begun": (*was.begun, key), "touched": was.touched or works}


def _guard(was: Facts, facts: _Change) -> _Change:
    result = GuardResult.model_validate(facts)
    last = {**was.standing.get(result.host, {}), result.guard: result}
    return {
        "guards": (*was.guards, result),
        "standing": {**was.standing, result.host: last},
    }


def _mark(was: Facts, facts: _Change) -> _Change:
    mark = {Mark(facts["mark"]): Instant.model_validate(facts["instant"])}
    if facts.get("service") is None:
        return {"marks": {**was.marks, **mark}}
    return _of_branch(lambda own, _facts: {"marks": {**own.marks, **mark}})(was, facts)


def _of_branch(
    change: Callable[[Shown, _Change], _Change],
) -> Callable[[Facts, _Change], _Change]:
    """Make a change of what one branch has shown a change of the facts."""

    def fold(was: Facts, facts: _Change) -> _Change:
        service = facts.get("service")
        told = {key: value for key, value in facts.items() if key != "service"}
        own = was.shown.get(service, Shown())
        return {"shown": {**was.shown, service: own.model_copy(update=change(own, told))}}

    return fold


def _check_pass(was: Facts, facts: _Change) -> _Change:
    service = facts.get("service")

    def seen(own: Shown, told: _Change) -> _Change:
        done = CheckPass.model_validate(told)
        answers = [result.model_copy(update={"service": service}) for result in done.results]
        checks = {check_key(result): result for result in answers}
        return {"passes": done.number, "checks": {**own.checks, **checks}}

    return _of_branch(seen)(was, facts)


def _refused(_was: Facts, facts: _Change) -> _Change:
    because = _reasons(facts["because"])
    return {"refusal": Refusal(facts["refusal"]), "refused_because": because}


def _reasons(written: Iterable[object]) -> tuple[Reason, ...]:
    return tuple(map(as_reason, written))


def _clock(was: Facts, facts: _Change) -> _Change:
    step = [ClockStep.model_validate(facts["step"])] if "step" in facts else []
    return {"clock_stepped": facts["seconds"], "clock_steps": (*was.clock_steps, *step)}


_CHANGES: dict[Event, Callable[[Facts, _Change], _Change]] = {
    Event.STARTED: lambda _was, _facts: {},
    Event.REFUSED: _refused,
    Event.STEP_STARTED: _step_started,
    Event.STEP_ENDED: lambda was, facts: {"steps": (*was.steps, StepResult.model_validate(facts))},
    Event.MARK: _mark,
    Event.GUARD: _guard,
    Event.SKEW: lambda was, facts: {
        "skew": {**was.skew, facts["host"]: Skew.model_validate(facts["skew"])}
    },
    Event.HOST: lambda was, facts: {
        "seen": {**was.seen, facts["host"]: SeenHost.model_validate(facts["seen"])}
    },
    Event.BASELINE: lambda was, facts: {
        "baseline": {**was.baseline, facts["host"]: HostState.model_validate(facts["state"])}
    },
    Event.CHECK_PASS: _check_pass,
    Event.STABLE: _of_branch(lambda _own, _facts: {"stable": True}),
    Event.READING: _of_branch(lambda _own, facts: {"reading": Reading.model_validate(facts)}),
    Event.CATALOGUE: _of_branch(
        lambda _own, facts: {"catalogue": CatalogueReading.model_validate(facts)}
    ),
    Event.INTEGRITY: _of_branch(
        lambda _own, facts: {"integrity": IntegrityResult.model_validate(facts)}
    ),
    Event.ASKED: lambda was, facts: {"waits": (*was.waits, Wait.model_validate(facts))},
    Event.ANSWERED: lambda was, facts: {"waits": (*was.waits[:-1], Wait.model_validate(facts))},
    Event.RESIDUE: lambda was, facts: {"residue": (*was.residue, *_reasons(facts["left"]))},
    Event.SIGNAL: lambda was, facts: {"signal": was.signal or facts["signal"]},
    Event.CLOCK: _clock,
    Event.LOST: lambda _was, _facts: {"lost": True, "standing": {}},
    Event.ENDED: lambda _was, facts: {"ended": datetime.fromisoformat(facts["ended"])},
}
