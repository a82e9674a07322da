"""Keep what is known of a run that goes on, as whoever shows it needs it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from pradrill.domain.run.estimate import Estimate
from pradrill.domain.run.outcome import Phase, StepKey, StepKind, StepOutcome, StepResult
from pradrill.domain.run.question import Question
from pradrill.domain.run.run_plan import Branch, RunPlan


class Lane:
    """What one branch is doing; the whole run has one too."""

    def __init__(self, service: str | None, now: datetime) -> None:
        self.service = service
        self.phase = self.step = self.line = ""
        self.green: tuple[int, int] | None = None
        self.deadline = timedelta()
        self.since = now

    def leave(self) -> None:
        """Show no step: one has ended, none has begun."""
        self.step = self.line = ""
        self.green = None


class WaitingService(NamedTuple):
    """A service that has not begun to be restored, and those that keep it from that."""

    service: str
    after: tuple[str, ...]
    is_over: bool
    """One of those was not verified, and will not be: it is not tried."""


class Course:
    """Where a run is: what has ended, what goes on, and what waits.

    It is shown by one thread and changed by others: what may grow meanwhile is copied, then read.
    """

    def __init__(self, plan: RunPlan | None, now: datetime, disruption: datetime) -> None:
        self.plan = plan
        self.run_id = ""
        self.began = now
        self.disruption = disruption
        self.estimate: Estimate | None = None
        self.question: Question | None = None
        self.lanes: dict[str | None, Lane] = {None: Lane(None, now)}
        self._beside: dict[tuple[str | None, str], Lane] = {}
        """Of steps that run side by side: a lane each."""
        self._ends: dict[StepKey, StepOutcome] = {}
        self._starts: set[StepKey] = set()

    def lane(self, service: str | None, step: str | None = None) -> Lane:
        """Return where a branch is, or one of its steps that run side by side."""
        lane = self.lanes.setdefault(service, Lane(service, self.began))
        if step is None:
            return lane
        beside = self._beside.setdefault((service, step), Lane(service, self.began))
        beside.phase = lane.phase
        return beside

    def begin(self, run_id: str, plan: RunPlan, before: Sequence[StepResult] = ()) -> None:
        """Take a run's name, its plan and what has ended of it; what another's had is over."""
        self.run_id, self.plan, self.question = run_id, plan, None
        self._ends = {step.key: step.outcome for step in before}
        self._starts = set(self._ends)
        self._beside.clear()
        for lane in self.lanes.values():
            lane.phase = ""
            lane.leave()

    def step(self, lane: Lane, name: str, deadline: float, now: datetime) -> None:
        """Begin a step."""
        lane.leave()
        lane.step, lane.since, lane.deadline = name, now, timedelta(seconds=deadline)
        self._starts.add(self.key(lane))

    def end(self, lane: Lane, step: StepResult) -> None:
        """End a step."""
        self._ends[step.key] = step.outcome
        self.question = None if step.kind is StepKind.MANUAL else self.question
        lane.leave()

    def key(self, lane: Lane) -> StepKey:
        """Return which step of the plan a lane is at; its phase may be the whole run's."""
        phase = lane.phase or self.lanes[None].phase or Phase.READINESS
        return Phase(phase), lane.step, lane.service

    def number(self, lane: Lane) -> tuple[int, int] | None:
        """Return the how manieth step of how many it is; None for one that was not planned."""
        keys = [step.key for step in self.plan.steps] if self.plan is not None else []
        key = self.key(lane)
        return (keys.index(key) + 1, len(keys)) if key in keys else None

    @property
    def busy(self) -> list[Lane]:
        """Return the lanes in which a step goes on."""
        lanes = (*tuple(self.lanes.values()), *tuple(self._beside.values()))
        return [lane for lane in lanes if lane.step]

    @property
    def is_torn_down(self) -> bool:
        """Tell whether the teardown has begun."""
        return self.lanes[None].phase == Phase.TEARDOWN

    @property
    def steps_ended(self) -> int:
        """Return how many steps have ended."""
        return len(self._ends)

    def left(self, now: datetime) -> tuple[timedelta, float] | None:
        """Return how long it takes yet, and what part of it is done; None: nothing tells that."""
        if self.estimate is None or self.plan is None:
            return None
        spent = {self.key(lane): (now - lane.since).total_seconds() for lane in self.busy}
        # A phase that has ended does not come back: what was left out of it is not waited for.
        over = {step.key for step in self.plan.steps if self._is_past(step.phase)}
        left = self.estimate.left(self.plan, over.union(tuple(self._ends)), spent)
        whole = self.estimate.left(self.plan, (), {})
        return left, 1 - left / whole if whole else 0.0

    def is_late(self, now: datetime, margin: timedelta) -> bool:
        """Tell whether a step takes longer than it usually does, by more than the margin."""
        usual = self.estimate.seconds if self.estimate is not None else {}
        return any(
            now - lane.since > timedelta(seconds=usual[key]) + margin
            for lane in self.busy
            if (key := self.key(lane)) in usual
        )

    def _is_past(self, phase: Phase) -> bool:
        order = list(Phase)
        now = self.lanes[None].phase
        return bool(now) and order.index(phase) < order.index(Phase(now)) and self._is_single(phase)

    def _is_single(self, phase: Phase) -> bool:
        """Tell whether no branch is in that phase by itself."""
        return not any(lane.phase == phase for lane in self.busy)

    def rto(self, lane: Lane) -> timedelta | None:
        """Return a lane's objective: its service's own, where services are recovered apart."""
        if self.plan is None or self.is_torn_down:
            return None
        if lane.service in self.plan.services:
            return self.plan.services[lane.service].objectives.rto
        return None if self.plan.apart else self.plan.objectives.rto

    def waiting(self) -> list[WaitingService]:
        """Return the services that have not begun to be restored because of others."""
        if self.plan is None or self.is_torn_down or not self._has_begun(Phase.RESTORE, None):
            return []
        return [
            WaitingService(str(branch.service), after, any(map(self._is_lost, after)))
            for branch in self.plan.apart
            if (after := self._obstacles(branch))
        ]

    def _obstacles(self, branch: Branch) -> tuple[str, ...]:
        if self._has_begun(Phase.RESTORE, branch.service):
            return ()
        return tuple(name for name in branch.after if not self._is_verified(name))

    def _has_begun(self, phase: Phase, service: str | None) -> bool:
        """Tell whether a step of that phase has begun, of that service or, for None, of any."""
        return any(key[0] is phase and service in {None, key[2]} for key in tuple(self._starts))

    def _is_verified(self, service: str) -> bool:
        return all(
            self._ends.get(step.key) is StepOutcome.PASSED
            for step in (self.plan.steps if self.plan is not None else ())
            if step.kind is StepKind.CHECKS and step.service == service
        )

    def _is_lost(self, service: str) -> bool:
        """Tell whether a service's recovery has ended without green checks."""
        return any(
            key[2] == service and outcome is not StepOutcome.PASSED and key[0] is not Phase.TEARDOWN
            for key, outcome in self._ends.copy().items()
        )
