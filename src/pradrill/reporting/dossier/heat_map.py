"""Lay out a dossier's first page: how far the plan is proven, and service by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from pradrill.domain.dossier.attempt import CONCLUSIVE, Attempt, Ending, Setting
from pradrill.domain.dossier.coverage import Cover, ProofStanding
from pradrill.domain.dossier.dossier import CalendarRow, Dossier, Trend
from pradrill.domain.dossier.spread import Spread
from pradrill.domain.values.timeline import Elapsed
from pradrill.reporting.dossier import phrases
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import _, ngettext

MOST_ROWS = 14
_WIDTH, _HEIGHT = 60.0, 14.0
_MOST = 1.4  # of the objective, at the top of a small line
_GRAVEST = (
    Ending.FAILED,
    Ending.MISSED,
    Ending.NOT_ATTEMPTED,
    Ending.CRASHED,
    Ending.INCONCLUSIVE,
    Ending.INTERRUPTED,
    Ending.NOT_READY,
    Ending.BUSY,
    Ending.NOT_STARTED,
    Ending.PASSED,
)


class Cell(NamedTuple):
    """What became of a service in one column: the shade is of the gravest ending."""

    shade: str
    signs: tuple[tuple[str, int], ...]
    words: str


class Line(NamedTuple):
    """A small line of an actual over time, in the units of its box; `level` is the objective."""

    points: tuple[tuple[float, float], ...]
    level: float
    text: str


class Margin(NamedTuple):
    """The worst upper bound of the period against the objective, and how it came about."""

    text: str
    beyond: bool
    line: Line | None


class Row(NamedTuple):
    """A service on the map."""

    service: str
    tier: int | None
    standing: ProofStanding | None
    cells: tuple[Cell, ...]
    rta: Margin | None
    rpa: Margin | None


def summary(dossier: Dossier) -> str:
    """Say how much of the plan is proven, the first tiers by themselves."""
    services = _standing_of_each(dossier)
    proven = {name for name, standing in services.items() if standing is ProofStanding.PROVEN}
    tiers: dict[int, list[str]] = {}
    for cover in dossier.coverage:
        if cover.tier is not None and cover.service in services:
            tiers.setdefault(cover.tier, []).append(cover.service)

    parts = [
        _(
            "tier %(tier)s: %(proven)s of %(all)s proven",
            tier=tier,
            proven=len(proven & set(names)),
            all=len(set(names)),
        )
        for tier, names in sorted(tiers.items())[:2]
        if set(names) != set(services)
    ]
    whole = ngettext(
        "%(proven)s of %(n)s service proven",
        "%(proven)s of %(n)s services proven",
        len(services),
        proven=len(proven),
    )
    return wording.semicolon().join((*parts, whole))


def share(dossier: Dossier) -> tuple[int, int]:
    """Return how many services are proven, of how many."""
    services = _standing_of_each(dossier)
    return sum(each is ProofStanding.PROVEN for each in services.values()), len(services)


def _standing_of_each(dossier: Dossier) -> dict[str, ProofStanding]:
    """Return the worst standing of each service that is declared."""
    order = list(ProofStanding)
    worst: dict[str, ProofStanding] = {}
    for cover in dossier.coverage:
        if cover.standing is ProofStanding.DROPPED:
            continue
        before = worst.get(cover.service, cover.standing)
        worst[cover.service] = min(before, cover.standing, key=order.index)

    return worst


def rows(dossier: Dossier, attempts: Mapping[Setting, list[Attempt]]) -> tuple[Row, ...]:
    """Return the services, those never tested and those whose proof expired first."""
    standings = _standing_of_each(dossier)
    order, covers = list(ProofStanding), _first_covers(dossier.coverage)
    trends: dict[str, Trend] = {}
    for trend in sorted(dossier.trends, key=phrases.trouble):
        trends.setdefault(trend.service, trend)

    def place(line: CalendarRow) -> tuple[int, float, str]:
        standing = standings.get(line.service)
        cover = covers.get(line.service)
        tier = float("inf") if cover is None or cover.tier is None else float(cover.tier)
        return len(order) if standing is None else order.index(standing), tier, line.service

    return tuple(
        _row(line, standings.get(line.service), covers, trends.get(line.service), attempts)
        for line in sorted(dossier.calendar, key=place)
    )


def _first_covers(coverage: Sequence[Cover]) -> dict[str, Cover]:
    covers: dict[str, Cover] = {}
    for cover in coverage:
        covers.setdefault(cover.service, cover)
    return covers


def _row(
    line: CalendarRow,
    standing: ProofStanding | None,
    covers: Mapping[str, Cover],
    trend: Trend | None,
    attempts: Mapping[Setting, list[Attempt]],
) -> Row:
    goals = None if trend is None else trend.objectives
    tests = [] if trend is None else phrases.of_trend(trend, attempts)
    cover = covers.get(line.service)
    return Row(
        service=line.service,
        tier=None if cover is None else cover.tier,
        standing=standing,
        cells=tuple(map(_cell, line.cells)),
        rta=_margin(trend.rta, goals.rto, [t.rta for t in tests if t.ending in CONCLUSIVE])
        if trend is not None and goals is not None
        else None,
        rpa=_margin(trend.rpa, goals.rpo, [t.rpa for t in tests if t.ending in CONCLUSIVE])
        if trend is not None and goals is not None
        else None,
    )


def _cell(counts: Mapping[Ending, int]) -> Cell:
    gravest = next((ending for ending in _GRAVEST if counts.get(ending)), None)
    shade = "none" if gravest is None else _SHADES.get(gravest, "other")
    return Cell(
        shade=shade,
        signs=tuple((phrases.sign(e), counts[e]) for e in Ending if counts.get(e)),
        words=", ".join(f"{phrases.ending(e)} {counts[e]}" for e in Ending if counts.get(e)),
    )


_SHADES = {Ending.PASSED: "good", Ending.MISSED: "late", Ending.FAILED: "bad"}


def _margin(spread: Spread, goal: timedelta, actuals: Sequence[Elapsed | None]) -> Margin | None:
    """Return what the worst test of a period leaves of an objective."""
    if not spread.tests:
        return None
    line = _line([actual.high for actual in actuals if actual is not None], goal)
    if spread.worst is None:
        return Margin(_("not recovered"), beyond=True, line=line)
    left = goal.total_seconds() - spread.worst
    return Margin(wording.bound(left, up=False), beyond=left < 0, line=line)


def _line(bounds: Sequence[float], goal: timedelta) -> Line | None:
    objective = goal.total_seconds()
    if len(bounds) < 2 or objective <= 0:  # noqa: PLR2004 one point is no line
        return None

    def y(seconds: float) -> float:
        part = min(max(seconds / (objective * _MOST), 0.0), 1.0)
        return round(_HEIGHT - 1 - part * (_HEIGHT - 2), 1)

    step = (_WIDTH - 2) / (len(bounds) - 1)
    text = _(
        "from %(first)s to %(last)s in %(n)s tests",
        first=wording.short(bounds[0]),
        last=wording.short(bounds[-1]),
        n=len(bounds),
    )
    points = tuple((round(1 + number * step, 1), y(value)) for number, value in enumerate(bounds))
    return Line(points, y(objective), text)
