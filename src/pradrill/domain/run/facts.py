"""Fold a journal's events into facts.

The live run and the recovery of a crashed one go through the same fold, so a record says the
same whether its process lived to write it or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from pydantic import Field

from pradrill.domain.run.abort import Abort
from pradrill.domain.run.backup_catalogue import CatalogueReading
from pradrill.domain.run.backup_integrity import IntegrityResult
from pradrill.domain.run.egress import HostEgress
from pradrill.domain.run.event import CheckPass, Event, Reading, Started
from pradrill.domain.run.file_map import FileMap
from pradrill.domain.run.guard import Guard
from pradrill.domain.run.host import HostState, SeenHost
from pradrill.domain.run.outcome import (
    CheckKey,
    CheckResult,
    GuardResult,
    Phase,
    StepKey,
    StepKind,
    StepOutcome,
    StepResult,
)
from pradrill.domain.run.primary_clock import clock_of_primary
from pradrill.domain.run.question import Wait
from pradrill.domain.run.record import Refusal, RunState
from pradrill.domain.run.resumption import Resumption
from pradrill.domain.run.run_plan import Branch, PlannedStep, RunPlan
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.reason import Reason, as_reason
from pradrill.domain.values.storable import storable
from pradrill.domain.values.timeline import ClockBase, ClockStep, Instant, Mark, Skew
from pradrill.errors import UNREADABLE


class BranchFacts(Model):
    """What one branch of the recovery has shown; a run without branches apart has one."""

    marks: dict[Mark, Instant] = {}
    passes: int = 0
    surplus: int = Field(default=0, description="passes of which only the last answers are there")
    checks: dict[CheckKey, CheckResult] = {}
    stable: bool = False
    reading: Reading | None = None
    catalogue: CatalogueReading | None = None
    integrity: IntegrityResult | None = None


class Facts(Model):
    """Everything that a run has shown so far."""

    started: Started
    began: Utc
    refusal: Refusal | None = None
    refused_because: tuple[Reason, ...] = ()
    touched: bool = Field(default=False, description="a playbook or a person has begun on it")
    steps: tuple[StepResult, ...] = ()
    begun: tuple[StepKey, ...] = ()
    marks: dict[Mark, Instant] = Field(default={}, description="those of the whole run")
    by_branch: dict[str | None, BranchFacts] = Field(
        default={}, description="branch (its service) → its own"
    )
    guards: tuple[GuardResult, ...] = ()
    standing: dict[str, dict[Guard, GuardResult]] = Field(
        default={},
        description="host → guard → its last word; a process that died takes its proofs with it",
    )
    skew: dict[str, Skew] = {}
    seen: dict[str, SeenHost] = {}
    baseline: dict[str, HostState] = {}
    egress: dict[str, HostEgress] = {}
    files: dict[str, FileMap] = {}
    waits: tuple[Wait, ...] = ()
    residue: tuple[Reason, ...] = ()
    unseen: tuple[Reason, ...] = Field(
        default=(), description="what could not be compared after the teardown"
    )
    erased: tuple[Reason, ...] = Field(default=(), description="what of the drill's data is gone")
    signal: int | None = None
    aborted: Abort | None = None
    clock_stepped: float = 0.0
    clock_steps: tuple[ClockStep, ...] = ()
    resumptions: tuple[Resumption, ...] = ()
    lost: bool = Field(default=False, description="the process ended without a word")
    ended: Utc | None = Field(default=None, description="when all was done but the record")

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
        stopped = self.signal is not None or self.aborted is not None
        return RunState.INTERRUPTED if stopped else RunState.FINISHED

    @property
    def clock(self) -> ClockBase | None:
        """Return what the instants count from, since the last process began; None: not noted."""
        return self.resumptions[-1].clock if self.resumptions else self.started.clock

    @property
    def provisioned(self) -> bool:
        """Tell whether machines may have been made for it: that was begun."""
        kinds = {step.key: step.kind for step in self.plan.steps}
        return any(kinds.get(key) is StepKind.PROVISION for key in self.begun)

    @property
    def brought_data(self) -> bool:
        """Tell whether machines came with the data: that they were made is the restore."""
        return self.has_machines and self.plan.drill.standby.brings_data

    @property
    def has_machines(self) -> bool:
        """Tell whether making the standby's machines came to its end."""
        ended = {step.kind: step.outcome for step in self.steps}
        return ended.get(StepKind.PROVISION) is StepOutcome.PASSED

    @property
    def has_effects(self) -> bool:
        """Tell whether something of it may be on a standby, or run there."""
        return self.touched or bool(self.egress) or bool(self.watches)

    @property
    def watches(self) -> set[str]:
        """Return the hosts on which files may be watched still."""
        return {host for host, each in self.files.items() if each.watched and not each.complete}

    def cut(self) -> tuple[PlannedStep, ...]:
        """Return the steps that have begun and not ended."""
        ended = {step.key for step in self.steps}
        return tuple(
            step for step in self.plan.steps if step.key in self.begun and step.key not in ended
        )

    def not_executed(self) -> tuple[PlannedStep, ...]:
        """Return the planned steps that never began."""
        return tuple(step for step in self.plan.steps if step.key not in self.begun)

    def of(self, service: str | None) -> BranchFacts:
        """Return what a branch has shown, with the marks of the whole run among its own."""
        branch = self.by_branch.get(service, BranchFacts())
        return branch.model_copy(update={"marks": {**self.marks, **branch.marks}})

    def held_by(self, branch: Branch) -> tuple[str, ...]:
        """Return the services whose end kept a branch from beginning to restore."""
        restoring = any(key[0] is Phase.RESTORE and key[2] == branch.service for key in self.begun)
        return () if restoring else tuple(name for name in branch.after if not self.of(name).stable)

    def branches(self) -> list[BranchFacts]:
        """Return what each branch has shown."""
        return [self.of(branch.service) for branch in self.plan.branches]

    def skew_of(self, branch: Branch) -> dict[str, Skew]:
        """Return the clocks that a branch's instants come from: its hosts', its primary's."""
        if branch.service is None:
            return self.skew
        names = {*branch.hosts, clock_of_primary(), clock_of_primary(branch.service)}
        return {host: skew for host, skew in self.skew.items() if host in names}


_Change = dict[str, Any]


def fold(events: Iterable[tuple[str, datetime, dict[str, Any]]]) -> Facts | None:
    """Return what a journal's events add up to; None when they do not even say what began.

    Raises ValueError for events that this version does not understand.
    """
    facts: Facts | None = None
    for name, at, payload in events:
        if facts is not None and name == Event.STARTED:
            msg = "a run begins once: what follows would be another's"
            raise ValueError(msg)
        try:
            facts = _with(facts, Event(name), at, storable(payload))
        except UNREADABLE as error:
            msg = f"what is told of {name} cannot be understood"
            raise ValueError(msg) from error

    # Each fact was taken as it came: what a process of ours has noted is of the right kind.
    return None if facts is None else Facts.model_validate(dict(facts))


def _with(facts: Facts | None, event: Event, at: datetime, payload: dict[str, Any]) -> Facts | None:
    """Return the facts with one more event in; what comes before the first one tells nothing."""
    if event is not Event.STARTED:
        return None if facts is None else facts.after(event, payload)
    return Facts(started=Started.model_validate(payload), began=at)


def _step_started(before: Facts, facts: _Change) -> _Change:
    key = (Phase(facts["phase"]), facts["name"], facts.get("service"))
    works = any(step.key == key and step.works for step in before.plan.steps)
    return {"begun": (*before.begun, key), "touched": before.touched or works}


def _guard(before: Facts, facts: _Change) -> _Change:
    result = GuardResult.model_validate(facts)
    last = {**before.standing.get(result.host, {}), result.guard: result}
    return {
        "guards": (*before.guards, result),
        "standing": {**before.standing, result.host: last},
    }


def _mark(before: Facts, facts: _Change) -> _Change:
    mark = {Mark(facts["mark"]): Instant.model_validate(facts["instant"])}
    if facts.get("service") is None:
        return {"marks": {**before.marks, **mark}}
    return _of_branch(lambda branch, _facts: {"marks": {**branch.marks, **mark}})(before, facts)


def _of_branch(
    change: Callable[[BranchFacts, _Change], _Change],
) -> Callable[[Facts, _Change], _Change]:
    """Make a change of what one branch has shown a change of the facts."""

    def fold(before: Facts, facts: _Change) -> _Change:
        service = facts.get("service")
        payload = {key: value for key, value in facts.items() if key != "service"}
        branch = before.by_branch.get(service, BranchFacts())
        return {
            "by_branch": {
                **before.by_branch,
                service: branch.model_copy(update=change(branch, payload)),
            }
        }

    return fold


def _check_pass(before: Facts, facts: _Change) -> _Change:
    service = facts.get("service")

    def take(branch: BranchFacts, payload: _Change) -> _Change:
        check_pass = CheckPass.model_validate(payload)
        answers = [result.model_copy(update={"service": service}) for result in check_pass.results]
        checks = {result.key: result for result in answers}
        return {
            "passes": check_pass.number,
            "surplus": branch.surplus + check_pass.surplus,
            "checks": {**branch.checks, **checks},
        }

    return _of_branch(take)(before, facts)


def _refused(_before: Facts, facts: _Change) -> _Change:
    because = _reasons(facts["because"])
    return {"refusal": Refusal(facts["refusal"]), "refused_because": because}


def _reasons(values: Iterable[object]) -> tuple[Reason, ...]:
    return tuple(map(as_reason, values))


def _clock(before: Facts, facts: _Change) -> _Change:
    step = [ClockStep.model_validate(facts["step"])] if "step" in facts else []
    return {"clock_stepped": facts["seconds"], "clock_steps": (*before.clock_steps, *step)}


_CHANGES: dict[Event, Callable[[Facts, _Change], _Change]] = {
    Event.STARTED: lambda _before, _facts: {},
    Event.REFUSED: _refused,
    Event.STEP_STARTED: _step_started,
    Event.STEP_ENDED: lambda before, facts: {
        "steps": (*before.steps, StepResult.model_validate(facts))
    },
    Event.MARK: _mark,
    Event.GUARD: _guard,
    Event.SKEW: lambda before, facts: {
        "skew": {**before.skew, facts["host"]: Skew.model_validate(facts["skew"])}
    },
    Event.HOST: lambda before, facts: {
        "seen": {**before.seen, facts["host"]: SeenHost.model_validate(facts["seen"])}
    },
    Event.BASELINE: lambda before, facts: {
        "baseline": {**before.baseline, facts["host"]: HostState.model_validate(facts["state"])}
    },
    Event.EGRESS: lambda before, facts: {
        "egress": {**before.egress, facts["host"]: HostEgress.model_validate(facts["egress"])}
    },
    Event.FILES: lambda before, facts: {
        "files": {**before.files, facts["host"]: FileMap.model_validate(facts["files"])}
    },
    Event.CHECK_PASS: _check_pass,
    Event.NEWS: lambda _before, _facts: {},  # it proves nothing
    Event.STABLE: _of_branch(lambda _branch, _facts: {"stable": True}),
    Event.READING: _of_branch(lambda _branch, facts: {"reading": Reading.model_validate(facts)}),
    Event.CATALOGUE: _of_branch(
        lambda _branch, facts: {"catalogue": CatalogueReading.model_validate(facts)}
    ),
    Event.INTEGRITY: _of_branch(
        lambda _branch, facts: {"integrity": IntegrityResult.model_validate(facts)}
    ),
    Event.ASKED: lambda before, facts: {"waits": (*before.waits, Wait.model_validate(facts))},
    Event.ANSWERED: lambda before, facts: {
        "waits": (*before.waits[:-1], Wait.model_validate(facts))
    },
    Event.RESIDUE: lambda before, facts: {
        "residue": (*before.residue, *_reasons(facts["left"])),
        "unseen": (*before.unseen, *_reasons(facts.get("unseen", ()))),
        "erased": (*before.erased, *_reasons(facts.get("erased", ()))),
    },
    Event.SIGNAL: lambda before, facts: {"signal": before.signal or facts["signal"]},
    Event.ABORTED: lambda _before, facts: {"aborted": Abort.model_validate(facts)},
    Event.CLOCK: _clock,
    Event.RESUMED: lambda before, facts: {
        "resumptions": (*before.resumptions, Resumption.model_validate(facts)),
        "standing": {},
    },
    Event.LOST: lambda _before, _facts: {"lost": True, "standing": {}},
    Event.ENDED: lambda _before, facts: {"ended": datetime.fromisoformat(facts["ended"])},
}
