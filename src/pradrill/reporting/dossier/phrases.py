"""Phrase what the pages of a dossier say beyond their templates: words, signs, groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import PurePath
from typing import NamedTuple

from pradrill.domain.dossier.attempt import Attempt, Ending, Setting
from pradrill.domain.dossier.coverage import Cover, ProofStanding
from pradrill.domain.dossier.dossier import Dossier, Trend
from pradrill.domain.dossier.expiry import Change, Subject
from pradrill.domain.dossier.forecast import FEWEST, Basis, Forecast, Outlook
from pradrill.domain.dossier.period import Column, column_of
from pradrill.domain.dossier.spread import Spread
from pradrill.domain.values.duration import Cadence
from pradrill.domain.values.severity import Severity
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import _, decimal, ngettext, pgettext, whole
from pradrill.reporting.run.page import figure_name

SIGNS: Mapping[Ending, str] = {
    Ending.PASSED: "●",
    Ending.MISSED: "▲",
    Ending.FAILED: "×",  # noqa: RUF001 the sign that every font has
    Ending.INCONCLUSIVE: "?",
    Ending.INTERRUPTED: "!",
    Ending.CRASHED: "†",
    Ending.NOT_READY: "○",
    Ending.BUSY: "◇",
    Ending.NOT_STARTED: "⊘",
    Ending.NOT_ATTEMPTED: "□",
    Ending.REHEARSED: "~",
}
ENDINGS = tuple(Ending)
_TO_DO = tuple(standing for standing in ProofStanding if standing not in {"proven", "dropped"})
_NAMED = 3
_QUARTER, _YEAR = 3, 12
_SHA256 = 64


class Matter(NamedTuple):
    """Something that the first page must name."""

    cover: Cover
    overdue: str | None


class Group(NamedTuple):
    """The attempts of one column of the calendar."""

    column: Column
    attempts: tuple[Attempt, ...]


def sign(ending: Ending) -> str:
    """Return the sign of an ending, the same in tables and pictures."""
    return SIGNS[ending]


def ending(value: Ending) -> str:
    """Say what became of an attempt."""
    return {
        Ending.PASSED: pgettext("attempt", "passed"),
        Ending.MISSED: pgettext("attempt", "objective missed"),
        Ending.FAILED: pgettext("attempt", "failed"),
        Ending.INCONCLUSIVE: pgettext("attempt", "inconclusive"),
        Ending.INTERRUPTED: pgettext("attempt", "interrupted"),
        Ending.CRASHED: pgettext("attempt", "crashed"),
        Ending.NOT_READY: pgettext("attempt", "refused: not ready"),
        Ending.BUSY: pgettext("attempt", "refused: standby busy"),
        Ending.NOT_STARTED: pgettext("attempt", "not started"),
        Ending.NOT_ATTEMPTED: pgettext("attempt", "due, not attempted"),
        Ending.REHEARSED: pgettext("attempt", "rehearsal"),
    }[value]


def standing(value: ProofStanding) -> str:
    """Say how well a recovery is proved."""
    return {
        ProofStanding.NEVER_TESTED: pgettext("coverage", "never tested"),
        ProofStanding.UNCOVERED: pgettext("coverage", "no drill covers it any more"),
        ProofStanding.NEVER_PROVEN: pgettext("coverage", "tested, never passed"),
        ProofStanding.BROKEN: pgettext("coverage", "last test not passed"),
        ProofStanding.EXPIRED: pgettext("coverage", "proof expired by changes"),
        ProofStanding.OLD: pgettext("coverage", "proof too old"),
        ProofStanding.PROVEN: pgettext("coverage", "proven"),
        ProofStanding.DROPPED: pgettext("coverage", "no longer declared"),
    }[value]


def subject(value: Subject) -> str:
    """Say what a change is about."""
    return {
        Subject.DRILL_GONE: pgettext("change", "the drill is no longer declared"),
        Subject.PLAN_VERSION: pgettext("change", "version of the plan"),
        Subject.OBJECTIVE: pgettext("change", "objective"),
        Subject.SERVICE: pgettext("change", "service in the plan"),
        Subject.DRILL: pgettext("change", "declaration of the drill"),
        Subject.PLAYBOOK: pgettext("change", "playbook"),
        Subject.INVENTORY: pgettext("change", "inventory"),
        Subject.CHECK: pgettext("change", "check"),
        Subject.FILE: pgettext("change", "file"),
    }[value]


def column(value: Column) -> str:
    """Name a column of the calendar: a month, a quarter, a year or several."""
    if value.months < _QUARTER:
        return wording.month(value.year, value.month)
    if value.months == _QUARTER:
        quarter = (value.month + 2) // _QUARTER
        return _("%(year)s Q%(quarter)s", year=f"{value.year:04d}", quarter=quarter)

    years = value.months // _YEAR
    return f"{value.year:04d}" if years == 1 else f"{value.year:04d}-{value.year + years - 1:04d}"


def setting(cover: Cover) -> str:
    """Say what is or would be proved where."""
    if cover.scenario is None:
        return _("no drill covers this service")
    return where(cover.scenario, cover.standby or "", lab=cover.lab)


def where(scenario: str, standby: str, *, lab: bool) -> str:
    """Write a scenario and its standby."""
    place = _("lab machine %(name)s", name=wording.line(standby, 80)) if lab else standby
    return _("%(scenario)s, on %(standby)s", scenario=scenario, standby=place)


def cell(counts: Mapping[Ending, int]) -> Iterator[tuple[str, int, str]]:
    """Return the signs of a calendar's cell, how often, and in words."""
    for value in Ending:
        if counts.get(value):
            yield SIGNS[value], counts[value], ending(value)


def cell_text(counts: Mapping[Ending, int]) -> str:
    """Write a calendar's cell as plain text: a box for each sign costs a PDF a millisecond."""
    marks = ", ".join(f"{mark}\u00a0{count}" for mark, count, _words in cell(counts))
    return marks or "–"  # noqa: RUF001 a dash is what stands in an empty cell


def standings(dossier: Dossier) -> list[tuple[ProofStanding, int]]:
    """Count the lines of the coverage; those that need work first."""
    counts = Counter(cover.standing for cover in dossier.coverage)
    return [(value, counts[value]) for value in ProofStanding if counts[value]]


def matters(dossier: Dossier) -> list[Matter]:
    """Return what is not proven or overdue, the worst first."""
    overdue = {
        item.service: _("never drilled") if item.due is None else wording.day(item.due)
        for item in dossier.overdue
    }
    return [
        Matter(cover, overdue.get(cover.service))
        for cover in dossier.coverage
        if cover.standing in _TO_DO
    ]


def why(cover: Cover) -> str:
    """Say in a few words why a line of the coverage stands as it does."""
    if cover.standing is ProofStanding.NEVER_TESTED:
        if not cover.attempts:
            return _("no attempt")
        return ngettext(
            "%(n)s attempt, without conclusion", "%(n)s attempts, none conclusive", cover.attempts
        )
    if cover.standing in {ProofStanding.NEVER_PROVEN, ProofStanding.BROKEN} and cover.latest:
        at = wording.day(cover.latest.at)
        return _("%(ending)s on %(day)s", ending=ending(cover.latest.ending), day=at)
    if cover.standing is ProofStanding.EXPIRED:
        return changed(cover.changes)
    if cover.standing is ProofStanding.OLD and cover.proof:
        return _("proved on %(day)s", day=wording.day(cover.proof.at))

    return ""


def changed(changes: Sequence[Change]) -> str:
    """Name what a proof does not cover any more, the first few of it."""
    material = [change for change in changes if change.material]
    names = ", ".join(f"{subject(c.subject)} {PurePath(c.what).name}" for c in material[:_NAMED])
    rest = len(material) - _NAMED
    return names if rest <= 0 else _("%(named)s and %(n)s more", named=names, n=rest)


def _graded(severity: Severity, count: int) -> str:
    """Say how many findings are of a severity; French has a plural of it."""
    return {
        Severity.MINOR: ngettext("%(n)s minor", "%(n)s minor", count),
        Severity.MAJOR: ngettext("%(n)s major", "%(n)s major", count),
        Severity.CRITICAL: ngettext("%(n)s critical", "%(n)s critical", count),
    }[severity]


def tally(cover: Cover) -> str:
    """Write how the attempts of a line of the coverage ended, as signs with numbers."""
    return cell_text(cover.endings)


def unmet(dossier: Dossier) -> str:
    """Say of what is proven how much of it also missed or failed; nothing where none did."""
    bad = (Ending.MISSED, Ending.FAILED)
    proven = [cover for cover in dossier.coverage if cover.standing is ProofStanding.PROVEN]
    flawed = [cover for cover in proven if any(cover.endings.get(each) for each in bad)]
    if not flawed:
        return ""
    tests = sum(cover.endings.get(each, 0) for cover in flawed for each in bad)
    return ngettext(
        "%(n)s of them with tests that missed an objective or failed: %(tests)s",
        "%(n)s of them with tests that missed an objective or failed: %(tests)s",
        len(flawed),
        tests=tests,
    )


def oldest(dossier: Dossier) -> int:
    """Return the age of the oldest open finding, in days."""
    return max((item.days for item in dossier.open_findings), default=0)


def opened(dossier: Dossier) -> str:
    """Count the open findings by severity, the gravest first."""
    counts = Counter(item.finding.severity for item in dossier.open_findings)
    return _(
        "%(open)s: %(severities)s.",
        open=ngettext(
            "%(n)s finding is open", "%(n)s findings are open", len(dossier.open_findings)
        ),
        severities=", ".join(
            _graded(value, counts[value]) for value in reversed(Severity) if counts[value]
        ),
    )


def version(change: Change, text: str | None) -> str:
    """Write what something was or is: a file by the beginning of its hash."""
    if text is None:
        files = (Subject.PLAYBOOK, Subject.INVENTORY, Subject.CHECK, Subject.FILE)
        return _("not there") if change.subject in files else ""
    return f"{text[:12]}…" if len(text) == _SHA256 else text


def material(change: Change) -> str:
    """Say whether a change matters to the proof, and for a file why not."""
    if change.material:
        return _("yes")
    same = change.before is not None and len(change.before) == _SHA256
    return _("no: comments, layout") if same else _("no")


def cadence(every: Cadence) -> str:
    """Say how often a drill is due."""
    return {
        "day": ngettext("%(n)s day", "%(n)s days", every.number),
        "week": ngettext("%(n)s week", "%(n)s weeks", every.number),
        "month": ngettext("%(n)s month", "%(n)s months", every.number),
        "year": ngettext("%(n)s year", "%(n)s years", every.number),
    }[every.unit]


def percentile(value: float | None, spread: Spread) -> str:
    """Write a percentile; that of tests which recovered nothing has no length."""
    if not spread.tests:
        return "–"  # noqa: RUF001 a dash is what stands in an empty cell
    return _("not recovered") if value is None else wording.short(value)


def percentiles(spread: Spread, actual: str) -> str:
    """Describe a spread in one sentence, for those who do not see the picture."""
    return _(
        "%(actual)s of %(tests)s: median %(median)s, ninth decile %(ninth)s, worst %(worst)s.",
        actual=figure_name(actual),
        tests=ngettext("%(n)s test", "%(n)s tests", spread.tests),
        median=percentile(spread.median, spread),
        ninth=percentile(spread.ninth_decile, spread),
        worst=percentile(spread.worst, spread),
    )


def outlook(
    forecast: Forecast, actual: str, goal: str, objective: timedelta, as_of: datetime
) -> Iterator[str]:
    """Say what the runs let expect, in sentences."""
    names = {"actual": figure_name(actual), "goal": figure_name(goal)}
    runs = ngettext("%(n)s run", "%(n)s runs", forecast.runs)
    if forecast.outlook is Outlook.NOT_ENOUGH:
        yield _(
            "%(actual)s: not enough runs for a forecast (%(runs)s that recovered, at least "
            "%(fewest)s needed).",
            runs=runs,
            fewest=FEWEST,
            **names,
        )

        return

    growth = _signed(forecast.monthly or 0.0)
    margin = wording.short(forecast.monthly_margin or 0.0)
    if forecast.outlook is Outlook.NO_GROWTH:
        yield _("%(actual)s: %(runs)s show no growth.", runs=runs, **names)
    else:
        yield _(
            "%(actual)s: %(runs)s show %(growth)s every 30 days (give or take %(margin)s).",
            runs=runs,
            growth=growth,
            margin=margin,
            **names,
        )

    if forecast.basis is Basis.SIZE:
        yield _by_size(forecast, goal)
    yield from _reached(forecast, goal, as_of)
    high = forecast.next_high or 0.0
    if actual == "RTA":
        expected = _("The next run should take at most %(high)s (95%%)", high=wording.short(high))
    else:
        expected = _("The next run should lose at most %(high)s (95%%)", high=wording.short(high))

    beyond = _(", which may exceed the objective") if high > objective.total_seconds() else ""
    yield f"{expected}{beyond}."


def _by_size(forecast: Forecast, goal: str) -> str:
    size = (forecast.size_limit or 0.0) / 1e9
    return _(
        "Each further GB restored costs %(cost)s; the %(goal)s is reached at about %(size)s GB.",
        cost=wording.short(forecast.gigabyte or 0.0),
        goal=figure_name(goal),
        size=decimal(f"{size:.3g}") if size < 1_000 else whole(round(size)),  # noqa: PLR2004 digits
    )


def _reached(forecast: Forecast, goal: str, as_of: datetime) -> Iterator[str]:
    """Say when the objective is reached, as far as the history carries."""
    name, horizon = figure_name(goal), _day(forecast.horizon)
    if forecast.outlook is Outlook.CROSSED:
        yield _("The trend is above the %(goal)s today.", goal=name)
    elif forecast.outlook is Outlook.LATER:
        yield _(
            "The %(goal)s is not reached before %(day)s; the history carries no further.",
            goal=name,
            day=horizon,
        )
    elif forecast.outlook is Outlook.CROSSES:
        now = forecast.earliest is not None and forecast.earliest <= as_of
        first = _("today") if now else _day(forecast.earliest)
        last = _day(forecast.latest) if forecast.latest else _("after %(day)s", day=horizon)
        if forecast.expected is None:
            yield _(
                "A run may exceed the %(goal)s from %(first)s on; the trend itself does not "
                "before %(day)s, and the history carries no further.",
                goal=name,
                first=first,
                day=horizon,
            )
        else:
            yield _(
                "The trend reaches the %(goal)s about %(day)s (between %(first)s and "
                "%(last)s, with 95 per cent).",
                goal=name,
                day=_day(forecast.expected),
                first=first,
                last=last,
            )


def _signed(seconds: float) -> str:
    return f"+{wording.short(seconds)}" if seconds >= 0 else wording.short(seconds)


def _day(instant: datetime | None) -> str:
    return "–" if instant is None else wording.day(instant)  # noqa: RUF001 same


def trouble(trend: Trend) -> tuple[int, int, str]:
    """Sort trends: crossing soonest or crossed, then most failed and exceeded."""
    coming = [f.outlook for f in (trend.rta_forecast, trend.rpa_forecast) if f is not None]
    crossing = sum(one in {Outlook.CROSSED, Outlook.CROSSES} for one in coming)
    bad = trend.rta.failed + trend.rta.beyond + trend.rpa.beyond
    return -crossing, -bad, trend.service


def foresight(forecast: Forecast | None) -> str:
    """Say in a few words what is to be expected."""
    if forecast is None:
        return ""
    if forecast.outlook is Outlook.CROSSES and forecast.expected is not None:
        return _("reached about %(day)s", day=_day(forecast.expected))
    return {
        Outlook.NOT_ENOUGH: _("not enough runs"),
        Outlook.NO_GROWTH: _("no growth"),
        Outlook.LATER: _("not before %(day)s", day=_day(forecast.horizon)),
        Outlook.CROSSES: _("not before %(day)s", day=_day(forecast.horizon)),
        Outlook.CROSSED: _("already above"),
    }[forecast.outlook]


def by_setting(attempts: Sequence[Attempt]) -> dict[Setting, list[Attempt]]:
    """Sort the attempts by what they were about, in one pass."""
    groups: dict[Setting, list[Attempt]] = {}
    for attempt in attempts:
        for about, part in attempt.apart():
            groups.setdefault(about, []).append(part)
    return groups


def of_trend(trend: Trend, attempts: Mapping[Setting, list[Attempt]]) -> list[Attempt]:
    """Return a trend's attempts, and those of its service of which no setting is known."""
    unknown = attempts.get(Setting(trend.service, "", "", lab=False), [])
    exact = attempts.get(Setting(trend.service, trend.scenario, trend.standby, trend.lab), [])
    return [*exact, *unknown]


def groups(dossier: Dossier, attempts: Sequence[Attempt]) -> list[Group]:
    """Put the attempts under the columns of the calendar."""
    columns = dossier.columns
    return [
        Group(columns[number], tuple(some))
        for number, some in groupby(attempts, key=lambda a: column_of(columns, a.at))
    ]
