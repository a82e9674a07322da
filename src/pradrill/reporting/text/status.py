"""Write how the services stand on one screen: a line for each, then what wants attention."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pradrill.domain.dossier.status import Alarm, Expiry, Level, ServiceStatus, Standing, Status
from pradrill.reporting.language.formats import line
from pradrill.reporting.language.i18n import N_, _
from pradrill.reporting.text.alarms import alarm_line
from pradrill.reporting.text.brief_times import brief_age, brief_cadence, brief_duration

_COLOURS = {
    Standing.FAILED: 31,
    Standing.NEVER_TESTED: 35,
    Standing.MISSED: 33,
    Standing.EXPIRED: 33,
    Standing.PROVEN: 32,
}
_LEVELS = {Level.CRITICAL: ("!!", 31), Level.WARNING: (" !", 33), Level.NOTE: ("  ", 2)}
_DIM = 2
_NAME, _NARROWEST = 0, 10
_GAP = 2
_MOST_CHANGES = 3
_HEADER = (
    *("Service", "Standing", "Last proof", "Age/every", "RTA", "left", "RPA", "left"),
    *("Sab.", "Find.", "Next due"),
)
_RIGHT = {4, 5, 6, 7, 8, 9}
_WIDE_ONLY = 2
"""The column that is left out where it does not fit."""


class _Row(NamedTuple):
    cells: tuple[str, ...]
    word: Standing | None = None


def status_lines(status: Status, width: int, *, coloured: bool = False) -> Iterator[str]:
    """Yield the screen; what is wrong with the register comes first."""
    paint = _Paint(coloured=coloured)
    if status.damage is not None:
        why = f"!! the register does not verify: {line(status.damage, 300)}"
        yield from (paint.of(part, 31) for part in _wrapped(why, "", width))
        yield "   Nothing below is proof before it is known why: pradrill register verify"
        yield ""

    heading = f"{line(status.organisation, 60)}, {status.made:%Y-%m-%d %H:%M} UTC"
    yield from _wrapped(f"{heading}: {_counted(status)}", "", width)
    yield ""
    yield from _table(status, width, paint)
    yield from _reasons(status, width)
    yield from _alarms(status, width, paint)


def _counted(status: Status) -> str:
    parts = [f"{number} {word}" for word, number in status.counts.items() if number]
    many = len(status.services)
    return f"{many} service{'s' if many != 1 else ''}: {', '.join(parts)}"


class _Paint(NamedTuple):
    coloured: bool

    def of(self, text: str, colour: int | None) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self.coloured and colour else text


def _table(status: Status, width: int, paint: _Paint) -> Iterator[str]:
    rows = [_Row(_HEADER), *(_Row(_cells(each, status), each.word) for each in status.services)]
    columns = list(range(len(_HEADER)))
    if _needed(rows, columns) > width:
        columns.remove(_WIDE_ONLY)

    widths = {number: max(cells_wide(row.cells[number]) for row in rows) for number in columns}
    others = sum(widths.values()) - widths[_NAME] + _gaps(columns)
    widths[_NAME] = min(widths[_NAME], max(width - others, _NARROWEST))

    tier: object = object()
    for row, service in zip(rows, (None, *status.services), strict=True):
        if service is not None and service.tier != tier:
            tier = service.tier
            yield paint.of("no tier" if tier is None else f"tier {tier}", _DIM)
        yield _drawn(row, columns, widths, paint)


def _needed(rows: Sequence[_Row], columns: Sequence[int]) -> int:
    widest = (max(cells_wide(row.cells[number]) for row in rows) for number in columns)
    return sum(widest) + _gaps(columns)


def _gaps(columns: Sequence[int]) -> int:
    return sum(1 if number in _RIGHT else _GAP for number in columns[1:])


def _drawn(row: _Row, columns: Sequence[int], widths: dict[int, int], paint: _Paint) -> str:
    parts: list[str] = []
    for number in columns:
        cell = _fitted(row.cells[number], widths[number])
        room = " " * (widths[number] - cells_wide(cell))
        gap = " " * (1 if number in _RIGHT else _GAP) if parts else ""
        colour = _DIM if row.word is None else _COLOURS[row.word] if number == 1 else None
        painted = paint.of(cell, colour)
        parts.append(gap + (room + painted if number in _RIGHT else painted + room))
    return "".join(parts).rstrip()


def _cells(service: ServiceStatus, status: Status) -> tuple[str, ...]:
    proof = service.proof
    age = "-" if service.proof_age is None else brief_age(service.proof_age)
    every = "-" if service.drill_every is None else brief_cadence(service.drill_every)
    return (
        line(service.title or service.service, 60),
        service.word.value,
        "-" if proof is None else f"{proof.at:%Y-%m-%d}",
        f"{age}/{every}",
        *_measured(service.rta, service.rta_margin, service.rto),
        *_measured(service.rpa, service.rpa_margin, service.rpo),
        _score(service),
        _findings(service),
        _due(service, status),
    )


def _measured(actual: float | None, margin: float | None, objective: float) -> tuple[str, str]:
    """Return an actual, and how much of its objective it leaves; below nought it was missed."""
    if actual is None or margin is None:
        return "-", "-"
    return brief_duration(actual), part_left(margin, objective)


def part_left(margin: float, objective: float) -> str:
    """Return how much of an objective is left, rounded down; below nought it was missed."""
    part = margin / objective * 100
    text = f"{int(part)}%" if part >= 0 else f"-{-int(part // 1)}%"
    return text if part > -1000 else "<-999%"  # noqa: PLR2004


def _score(service: ServiceStatus) -> str:
    sabotage = service.sabotage
    if sabotage is None or sabotage.score is None:
        return "-"
    return f"{int(sabotage.score * 100 + 1e-9)}%{'?' if sabotage.expired else ''}"


def _findings(service: ServiceStatus) -> str:
    return f"{sum(service.findings_open.values())}{'!' if service.findings_overdue else ''}"


def _due(service: ServiceStatus, status: Status) -> str:
    if service.drill_every is None and service.drill_on is None:
        return "-"
    if service.due is None:
        return "now" if service.is_due else "never"
    left = (service.due - status.made).total_seconds()
    return f"in {brief_age(left)}" if left > 0 else f"{brief_age(-left)} late"


def _reasons(status: Status, width: int) -> Iterator[str]:
    """Say why proofs do not hold any more, and which drills of a service prove nothing yet."""
    lines = [text for each in status.services for text in standing_reasons(each)]
    if any(each.sabotage is not None and each.sabotage.expired for each in status.services):
        lines.append("a score with ? was measured before the drill's files changed")
    if lines:
        yield ""
    for text in lines:
        yield from _wrapped(text, "   ", width)


def standing_reasons(service: ServiceStatus) -> Iterator[str]:
    """Say why a service's proof does not hold any more, and which of its drills prove nothing."""
    name = line(service.service, 60)
    if service.word is Standing.EXPIRED:
        reasons = [_(_EXPIRY[each]) for each in service.expiry]
        joint = _("and")
        why = f" {joint} ".join(reasons) + _changes(service)
        yield _("%(service)s expired: %(why)s", service=name, why=why)
    if service.untested_drills and service.word is not Standing.NEVER_TESTED:
        drills = ", ".join(service.untested_drills)
        yield _("%(service)s: never tested by %(drills)s", service=name, drills=drills)


def _changes(service: ServiceStatus) -> str:
    if not service.changes:
        return ""
    some = ", ".join(line(change, 80) for change in service.changes[:_MOST_CHANGES])
    more = len(service.changes) - _MOST_CHANGES
    rest = _(" and %(n)s more", n=more) if more > 0 else ""
    return f" ({some}{rest})"


_EXPIRY = {
    Expiry.OLD: N_("its proof is older than the plan allows"),
    Expiry.CHANGED: N_("what its recovery depends on has changed since"),
    Expiry.UNCOVERED: N_("no drill of today recovers it"),
    Expiry.UNKNOWN: N_("its drill cannot be read, so nobody knows whether the proof holds"),
}


def _alarms(status: Status, width: int, paint: _Paint) -> Iterator[str]:
    if not status.alarms:
        return
    yield ""
    for alarm in status.alarms:
        yield from _alarm(alarm, status, width, paint)


def _alarm(alarm: Alarm, status: Status, width: int, paint: _Paint) -> Iterator[str]:
    mark, colour = _LEVELS[alarm.level]
    first, *more = _wrapped(alarm_line(alarm, status.made), "   ", width)
    yield paint.of(mark, colour) + first[len(mark) :]
    yield from more


def _wrapped(text: str, indent: str, width: int) -> Iterator[str]:
    """Yield a text in lines of that width; a word that is longer is cut nowhere."""
    row = indent
    for word in text.split(" "):
        if cells_wide(row) > len(indent) and cells_wide(row) + 1 + cells_wide(word) > width:
            yield row
            row = indent
        row += word if row == indent else f" {word}"
    yield row


def cells_wide(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_wide(char) for char in text)


def _wide(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _fitted(text: str, width: int) -> str:
    """Return a text cut to that many columns."""
    if cells_wide(text) <= width:
        return text
    while text and cells_wide(text) > width - 1:
        text = text[:-1]
    return f"{text.rstrip()}…"
