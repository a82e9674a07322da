"""Write a status as plugins of Nagios do, which Icinga, Centreon and Zabbix read as well.

The first line says how it is, and has the figures of all behind a bar; the lines below say more,
and have each service's figures behind a second one. Nagios takes 8 KB of it and drops the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from pradrill.domain.dossier.status import Level, ServiceStatus, Standing, Status
from pradrill.domain.register.missed_dates import GRACE
from pradrill.domain.values.duration import next_due
from pradrill.reporting.language.formats import line
from pradrill.reporting.text.alarms import alarm_line

_MOST_BYTES = 7_500
_MOST_NAMES = 3
_PLAIN = re.compile(r"[^A-Za-z0-9_.-]")


class PluginState(IntEnum):
    """What a plugin ends with; the monitoring systems' own codes."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_OF_WORD = {
    Standing.FAILED: PluginState.CRITICAL,
    Standing.NEVER_TESTED: PluginState.WARNING,
    Standing.MISSED: PluginState.WARNING,
    Standing.EXPIRED: PluginState.WARNING,
    Standing.PROVEN: PluginState.OK,
}


class _Figure(NamedTuple):
    """One of the figures: a value with its unit, and from where on it is bad."""

    label: str
    value: float
    unit: str = ""
    warning: float | None = None
    critical: float | None = None
    largest: float | None = None

    def __str__(self) -> str:
        limits = ";".join(map(_number, (self.warning, self.critical, 0.0, self.largest)))
        return f"'{self.label}'={_number(self.value)}{self.unit};{limits}".rstrip(";")


def plugin_state(status: Status) -> PluginState:
    """Return the worst of all words and alarms."""
    words = [_OF_WORD[each.word] for each in status.services]
    levels = [PluginState(alarm.level) for alarm in status.alarms]
    return max([*words, *levels], default=PluginState.UNKNOWN)


def unknown_line(message: str, state: PluginState = PluginState.UNKNOWN) -> str:
    """Return the line of a plugin that could not look."""
    return f"PRADRILL {state.name}: {_text(message, 400)}"


def monitor_lines(status: Status) -> Iterator[str]:
    """Yield the line that alarms show, and what is shown below it."""
    state = plugin_state(status)
    yield f"PRADRILL {state.name}: {'; '.join(_summary(status))} | {_joined(_totals(status))}"

    rest = [*_long(status)]
    figures = [_joined(_of_service(each)) for each in status.services]
    fits, left_out = _within(figures, _MOST_BYTES - sum(len(each.encode()) + 1 for each in rest))
    if left_out:
        rest.append(f"figures of {left_out} services are left out: --service NAME")
    first, *more = fits or [""]
    last = rest.pop() if rest else "every service is proven"
    yield from rest
    yield f"{last} | {first}" if first else last
    yield from more


def _summary(status: Status) -> Iterator[str]:
    bad = [word for word in Standing if word is not Standing.PROVEN and status.counts.get(word)]
    for word in bad:
        names = [each.service for each in status.services if each.word is word]
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        yield f"{len(names)} {word} ({', '.join(_text(n, 40) for n in names[:_MOST_NAMES])}{more})"
    if proven := status.counts.get(Standing.PROVEN, 0):
        yield f"{proven} of {len(status.services)} proven"
    grave = [alarm for alarm in status.alarms if alarm.level is not Level.NOTE]
    if grave:
        more = f" and {len(grave) - 1} more" if len(grave) > 1 else ""
        yield f"{_text(alarm_line(grave[0], status.made), 200)}{more}"


def _long(status: Status) -> Iterator[str]:
    """Yield the services that are not proven, then the alarms; what is too much is counted."""
    lines = [
        f"{_text(each.service, 60)}: {each.word}"
        for each in status.services
        if each.word is not Standing.PROVEN
    ]
    lines += [_text(alarm_line(alarm, status.made), 300) for alarm in status.alarms]
    fits, left_out = _within(lines, _MOST_BYTES // 2)
    yield from fits
    if left_out:
        yield f"and {left_out} more: pradrill status"


def _within(lines: Sequence[str], most: int) -> tuple[list[str], int]:
    """Return as many lines as so many bytes hold, and how many are left out."""
    size, fits = 0, []
    for text in lines:
        size += len(text.encode()) + 1
        if size > most:
            break
        fits.append(text)
    return fits, len(lines) - len(fits)


def _totals(status: Status) -> Iterator[_Figure]:
    many = float(len(status.services))
    for word in reversed(Standing):
        warning = None if word in {Standing.PROVEN, Standing.FAILED} else 0.0
        critical = 0.0 if word is Standing.FAILED else None
        label = word.value.replace(" ", "_")
        yield _Figure(label, status.counts.get(word, 0), "", warning, critical, many)
    yield _Figure("findings_open", sum(status.findings_open.values()))
    yield _Figure("findings_overdue", status.findings_overdue, "", 0.0)
    for level in (Level.WARNING, Level.CRITICAL):
        count = sum(alarm.level is level for alarm in status.alarms)
        limits = (0.0, None) if level is Level.WARNING else (None, 0.0)
        yield _Figure(f"alarms_{level.name.lower()}", count, "", *limits)


def _of_service(service: ServiceStatus) -> Iterator[_Figure]:
    name = _PLAIN.sub("_", service.service)[:60]
    if service.proof is not None and service.proof_age is not None:
        due = next_due(service.drill_every, service.proof.at)
        warning = None if due is None else (due - service.proof.at).total_seconds()
        critical = None if warning is None else warning + GRACE.total_seconds()
        yield _Figure(f"{name}_proof_age", service.proof_age, "s", warning, critical)
    if service.rta is not None:
        yield _Figure(f"{name}_rta", service.rta, "s", None, service.rto)
    if service.rpa is not None:
        yield _Figure(f"{name}_rpa", service.rpa, "s", None, service.rpo)
    if service.sabotage is not None and service.sabotage.score is not None:
        yield _Figure(f"{name}_sabotage", service.sabotage.score * 100, "%", largest=100.0)
    yield _Figure(f"{name}_findings", sum(service.findings_open.values()))


def _joined(figures: Iterator[_Figure]) -> str:
    return " ".join(map(str, figures))


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return str(int(value)) if value == int(value) else f"{value:.3f}".rstrip("0").rstrip(".")


def _text(text: str, limit: int) -> str:
    """Return a text without the bar, behind which figures begin."""
    return line(text, limit).replace("|", "/")
