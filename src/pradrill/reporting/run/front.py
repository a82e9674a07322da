"""Write a run's first page: what was tried and came of it, bars, what changed, who signed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple

from pradrill.domain.register.annotation import AnnotationKind
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.report.changes import changes
from pradrill.domain.run.outcome import StepOutcome, StepResult
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.timeline import Elapsed
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import _, ngettext
from pradrill.reporting.language.reasons import spoken
from pradrill.reporting.language.terms import word
from pradrill.reporting.run import page as view

_HEADROOM, _MOST = 1.12, 2.0
_TOLD = 3
_NOTABLE = 1.0
_SEEN = 0.05
"""Seconds that a figure with a tenth shows."""
"""Seconds by which a step must differ to be told of."""


class Bullet(NamedTuple):
    """A bar of an actual in its objective, in per mille of its width."""

    actual: float
    low: float
    high: float
    objective: float
    earlier: tuple[float, ...]
    beyond: bool
    """The actual is longer than the bar can be."""
    text: str


def bullet(
    actual: Elapsed | None, objective: timedelta, earlier: Sequence[Elapsed], name: str
) -> Bullet | None:
    """Lay out the bar of an actual; None when nothing was measured."""
    goal = objective.total_seconds()
    if actual is None or goal <= 0:
        return None

    longest = max((goal, actual.high, *(run.seconds for run in earlier)))
    whole = min(longest, goal * _MOST) * _HEADROOM

    def part(seconds: float) -> float:
        return round(min(max(seconds / whole, 0.0), 1.0) * 1000, 1)

    text = _(
        "%(actual)s %(value)s, between %(low)s and %(high)s; objective %(objective)s",
        actual=view.figure_name(name),
        value=wording.short(actual.seconds),
        low=wording.bound(actual.low, up=False),
        high=wording.bound(actual.high, up=True),
        objective=wording.short(objective),
    )
    if earlier:
        values = ", ".join(wording.short(run.seconds) for run in earlier)
        text += _("; earlier runs: %(values)s", values=values)

    return Bullet(
        actual=part(actual.seconds),
        low=part(actual.low),
        high=part(actual.high),
        objective=part(goal),
        earlier=tuple(part(run.seconds) for run in earlier),
        beyond=actual.seconds > whole,
        text=text,
    )


def bullet_of(case: CaseFile, comparison: view.Comparison, service: str | None) -> Bullet | None:
    """Lay out the bar of a service's actual, with those of the runs before it."""
    then = [run.of(service) for run in case.earlier]
    name = comparison.actual_name
    values = [each.rta if name == "RTA" else each.rpa for each in then]
    earlier = [value for value in values if value is not None]
    return bullet(comparison.actual, comparison.objective, earlier, name)


def heading(record: RunRecord) -> str:
    """Return the one word, or few, that a report is headed with."""
    if record.refusal is not None:
        return _("NOT CARRIED OUT: %(why)s", why=word(record.refusal))
    return view.as_rehearsed(record, word(record.verdict))


def sentence(record: RunRecord) -> str:
    """Say what was tried, where and when, and what came of it."""
    plan = record.plan
    tried = _(
        "%(at)s: %(services)s, “%(scenario)s”, on %(standby)s.",
        at=wording.at(record.started),
        services=wording.brief(", ".join(plan.services), 120),
        scenario=wording.brief(plan.drill.scenario.name, 120),
        standby=wording.brief(", ".join(host.name for host in plan.hosts), 120),
    )
    if record.refusal is not None:  # the notes below say what that means
        return tried
    return f"{tried} {view.meaning(record)}"


def red_options(record: RunRecord) -> str:
    """Say which checks did not pass that need not; nothing when there is none."""
    red = [check for check in view.red_checks(record) if not check.mandatory]
    if not red:
        return ""
    titles = wording.semicolon().join(wording.line(check.title, 120) for check in red[:_TOLD])
    return ngettext(
        "%(n)s check that is not mandatory did not pass: %(titles)s",
        "%(n)s checks that are not mandatory did not pass: %(titles)s",
        len(red),
        titles=titles if len(red) <= _TOLD else f"{titles} …",
    )


def signatures(case: CaseFile) -> tuple[str, ...]:
    """Say who answers for the run, or that nobody does."""
    return tuple(
        _(
            "%(name)s%(role)s, %(day)s",
            name=wording.line(note.name or spoken(note.by), 100),
            role=f" ({wording.line(note.role, 80)})" if note.role else "",
            day=wording.day(note.date or note.at),
        )
        for note in case.of_kind(AnnotationKind.SIGN_OFF)
    )


def since_previous(case: CaseFile) -> tuple[str, ...]:
    """Say what is not as it was in the run before: figures, steps, then what it depends on."""
    return () if case.previous is None else tuple(_since(case.record, case.previous))


def _since(record: RunRecord, previous: RunRecord) -> Iterator[str]:
    yield _(
        "Previous run %(at)s: %(verdict)s.",
        at=wording.at(previous.started),
        verdict=view.headline(previous),
    )
    pairs = zip(view.comparisons(record), view.comparisons(previous), strict=True)
    figures = [
        f"{view.actual_label(now)} {_difference(now.actual.seconds - then.actual.seconds)}"
        for now, then in pairs
        if now.actual is not None and then.actual is not None
    ]
    if figures:
        yield f"{', '.join(figures)}."

    steps = [
        _("%(length)s in %(step)s", length=signed(longer), step=view.step_title(step))
        for step, longer in _slower(record, previous)[:_TOLD]
    ]
    if steps:
        yield f"{', '.join(steps)}."
    yield _changed(record, previous)


def _slower(record: RunRecord, previous: RunRecord) -> list[tuple[StepResult, float]]:
    """Return the steps that took another time than before, those that differ most first."""
    before = {
        step.key: step.seconds for step in previous.steps if step.outcome is StepOutcome.PASSED
    }
    differences = [
        (step, step.seconds - before[step.key])
        for step in record.steps
        if step.key in before and step.outcome is StepOutcome.PASSED
    ]
    notable = [pair for pair in differences if abs(pair[1]) >= _NOTABLE]
    return sorted(notable, key=lambda pair: -abs(pair[1]))


def _changed(record: RunRecord, previous: RunRecord) -> str:
    changed = changes(record.plan, previous.plan)
    if not changed.files and not changed.fields:
        return _("Plan, drill, playbooks, inventory and checks are the same, to the byte.")
    return _(
        "%(files)s, %(fields)s changed: see the annex.",
        files=ngettext("%(n)s file", "%(n)s files", len(changed.files)),
        fields=ngettext("%(n)s value of the plan", "%(n)s values of the plan", len(changed.fields)),
    )


def _difference(seconds: float) -> str:
    """Write a difference, or that there is none to speak of."""
    return signed(seconds) if abs(seconds) >= _SEEN else _("as before")


def signed(seconds: float) -> str:
    """Write a difference with its sign."""
    return f"+{wording.short(seconds)}" if seconds >= 0 else wording.short(seconds)


def history(row: view.WorstRow) -> str:
    """Say over how long a history of backups the worst case is the worst."""
    if row.reading is None:
        return ""
    worst = row.reading.worst_case
    length, day = wording.short(row.reading.read_at - worst.since), wording.day(worst.since)
    if worst.is_short:
        return _(
            "over %(length)s of backups, since %(day)s: too short to prove it",
            length=length,
            day=day,
        )
    return _("over %(length)s of backups, since %(day)s", length=length, day=day)
