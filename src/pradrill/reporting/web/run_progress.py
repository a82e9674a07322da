"""Lay out how a run goes, or went: a row for each of its steps, and what it waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from pradrill.domain.run.facts import Facts
from pradrill.domain.run.outcome import CheckOutcome, Phase, StepKey, StepOutcome, StepResult
from pradrill.domain.run.question import Wait
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import PlannedStep
from pradrill.domain.values.reason import Reason
from pradrill.domain.values.timeline import Mark
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import _, pgettext
from pradrill.reporting.language.terms import word
from pradrill.reporting.run import page as view

_BAR = 100.0
_THINNEST = 0.8


class StepRow(NamedTuple):
    """One step: what it is, how it stands, and when, as parts of the whole run."""

    phase: Phase
    title: str
    state: str
    """passed, bad, running or ahead: how it is drawn."""
    state_text: str
    length: str
    detail: Reason
    x: float
    width: float


class ObjectiveLeft(NamedTuple):
    """What is left of a recovery time objective while a run goes on."""

    service: str | None
    text: str
    is_exceeded: bool


class RunProgress(NamedTuple):
    """How a run stands at one instant."""

    spent: str
    phase: str
    current: tuple[str, ...]
    ended: int
    planned: int
    checks: str
    objectives: tuple[ObjectiveLeft, ...]
    waits: tuple[Wait, ...]
    rows: tuple[StepRow, ...]


def run_progress(
    facts: Facts, beginnings: Mapping[StepKey, datetime], now: datetime, *, is_alive: bool
) -> RunProgress:
    """Return how a run stands by what its journal has told up to now.

    `beginnings`: when each step began. Of one that is not alive, `now` is when it noted the last.
    """
    until = max(facts.ended or now, facts.began)
    ends = {step.key: step for step in facts.steps}
    return RunProgress(
        spent=_spent_by_all(until - facts.began, is_alive=is_alive),
        phase="" if not facts.begun else word(facts.begun[-1][0]),
        current=tuple(
            _spent(step, beginnings, until) if is_alive else view.step_title(step)
            for step in facts.cut()
        ),
        ended=sum(step.key in ends for step in facts.plan.steps),
        planned=len(facts.plan.steps),
        checks=_checks(facts),
        objectives=tuple(_objectives(facts, now)) if is_alive else (),
        waits=tuple(wait for wait in facts.waits if wait.ended is None),
        rows=tuple(_planned_rows(facts, beginnings, until, is_alive=is_alive)),
    )


def record_rows(record: RunRecord) -> tuple[StepRow, ...]:
    """Return a sealed run's steps, then those that never ran."""
    span = _Span(record.started, max(record.ended, record.started))
    rows = [_ended_row(step, span) for step in record.steps]
    for step in record.not_executed:
        text = view.not_run(step) or pgettext("step", "not run")
        rows.append(StepRow(step.phase, view.step_title(step), "ahead", text, "", Reason(), 0, 0))
    return tuple(rows)


class _Span(NamedTuple):
    """From when to when the bars reach."""

    first: datetime
    last: datetime

    def at(self, instant: datetime) -> float:
        whole = (self.last - self.first).total_seconds() or 1.0
        part = (instant - self.first).total_seconds() / whole
        return min(max(part, 0.0), 1.0) * _BAR

    def bar(self, first: datetime, last: datetime) -> tuple[float, float]:
        """Return where a bar begins, and how wide it is; the shortest is still seen."""
        x = min(self.at(first), _BAR - _THINNEST)
        return x, max(self.at(last) - x, _THINNEST)


def _spent_by_all(length: timedelta, *, is_alive: bool) -> str:
    text = wording.short(length)
    if is_alive:
        return _("running for %(length)s", length=text)
    return _("it ran for %(length)s", length=text)


def _spent(step: PlannedStep, beginnings: Mapping[StepKey, datetime], now: datetime) -> str:
    """Say which step runs, for how long, and how long it may."""
    return _(
        "%(step)s: %(spent)s of %(deadline)s",
        step=wording.line(view.step_title(step), 120),
        spent=wording.short(now - beginnings.get(step.key, now)),
        deadline=wording.short(step.deadline),
    )


def _planned_rows(
    facts: Facts, beginnings: Mapping[StepKey, datetime], until: datetime, *, is_alive: bool
) -> Iterator[StepRow]:
    span = _Span(facts.began, until)
    ends = {step.key: step for step in facts.steps}
    running = {step.key for step in facts.cut()}

    for step in facts.plan.steps:
        title = view.step_title(step)
        if (result := ends.get(step.key)) is not None:
            yield _ended_row(result, span)
        elif step.key in running:
            x, width = span.bar(beginnings.get(step.key, until), until)
            text = pgettext("step", "running") if is_alive else pgettext("step", "cut off")
            yield StepRow(step.phase, title, "running", text, "", Reason(), x, width)
        else:
            text = pgettext("step", "to come") if is_alive else pgettext("step", "not run")
            yield StepRow(step.phase, title, "ahead", text, "", Reason(), 0, 0)


def _ended_row(step: StepResult, span: _Span) -> StepRow:
    passed = step.outcome is StepOutcome.PASSED
    x, width = span.bar(step.started, max(step.ended, step.started))
    return StepRow(
        phase=step.phase,
        title=view.step_title(step),
        state="passed" if passed else "bad",
        state_text=word(step.outcome),
        length=wording.short(step.seconds),
        detail=Reason() if passed else step.detail,
        x=x,
        width=width,
    )


def _checks(facts: Facts) -> str:
    """Say how many mandatory checks are green; nothing before the first pass."""
    results = [
        result
        for branch in facts.by_branch.values()
        for result in branch.checks.values()
        if result.mandatory
    ]
    if not results:
        return ""
    green = sum(result.outcome is CheckOutcome.PASSED for result in results)
    return _("%(green)s of %(total)s checks green", green=green, total=len(results))


def _objectives(facts: Facts, now: datetime) -> Iterator[ObjectiveLeft]:
    """Yield what is left of each objective that still runs: of a service that is not verified."""
    for branch in facts.plan.branches:
        marks = facts.of(branch.service).marks
        begin = marks.get(Mark.DISRUPTION)
        if begin is None or Mark.SERVICE_VERIFIED in marks:
            continue
        goals = facts.plan.objectives
        rto = facts.plan.services[branch.service].objectives.rto if branch.service else goals.rto
        yield _left(branch.service, rto - (now - begin.at))


def _left(service: str | None, left: timedelta) -> ObjectiveLeft:
    exceeded = left < timedelta()
    length = wording.short(abs(left))
    form = (
        _("RTO exceeded by %(length)s", length=length)
        if exceeded
        else _("%(length)s of the RTO left", length=length)
    )
    return ObjectiveLeft(service, form, exceeded)
