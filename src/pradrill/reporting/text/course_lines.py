"""Say where a run is, in a few lines that fit any terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from rich.cells import cell_len
from rich.text import Text

from pradrill.domain.run.question import Question
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import _, ngettext
from pradrill.reporting.language.terms import phase_name, step_name
from pradrill.reporting.text.course import Course, Lane, WaitingService

_GAP = "  "
_NAME = 100
_LINE = 200
_BAR = 30
_LITTLE = 0.25
"""Of an objective: what is left of it then is told in yellow."""
_SOON = timedelta(seconds=1)
_BOLD, _DIM = "bold", "dim"


def course_lines(course: Course, now: datetime, width: int, *, ascii_only: bool) -> list[Text]:
    """Return where the run is: never nothing, and no line longer than the terminal is wide."""
    lines = [*_head(course, width)]
    busy = course.busy
    for lane in busy or [course.lanes[None]]:
        lines += _lane(course, lane, now, width, alone=len(busy) < 2)  # noqa: PLR2004 side by side
    lines += [line for each in course.waiting() for line in _fitted([Text(_waits(each))], width)]
    lines += _progress(course, now, width, ascii_only=ascii_only)
    return lines


def clock_line(course: Course, question: Question, now: datetime, width: int) -> Text:
    """Say, on one line, how long a person has been waited for and what is left."""
    spent = wording.short(_since(question.asked, now))
    whole = wording.short(question.until - question.asked)
    parts = [Text(_("waiting %(spent)s of %(whole)s", spent=spent, whole=whole), _BOLD)]
    parts += _times(course, now)
    return next(iter(_fitted(parts, width)))


def _head(course: Course, width: int) -> Iterator[Text]:
    """Name drill, standby and run."""
    plan = course.plan
    if plan is None:
        return
    hosts = wording.line(", ".join(host.name for host in plan.hosts), _NAME)
    drill = wording.line(plan.drill.drill, _NAME)
    run = _("run %(run)s", run=wording.line(course.run_id, _NAME)) if course.run_id else _("starts")
    yield from _fitted(
        [Text(_("%(drill)s on %(hosts)s", drill=drill, hosts=hosts), _BOLD), Text(run)], width
    )


def _lane(course: Course, lane: Lane, now: datetime, width: int, *, alone: bool) -> Iterator[Text]:
    if not lane.step:
        phase = phase_name(lane.phase)
        yield Text(phase or _("makes ready"), _BOLD)
        return

    parts = [Text(_title(lane), _BOLD)]
    if number := course.number(lane):
        step, steps = number
        parts.append(Text(_("step %(step)s of %(steps)s", step=step, steps=steps)))
    spent, whole = wording.short(_since(lane.since, now)), wording.short(lane.deadline)
    parts.append(Text(_("%(spent)s of %(whole)s", spent=spent, whole=whole)))
    if not alone:
        parts += _rto(course, lane, now)
    if (checks := lane.green) is not None:
        green, total = checks
        parts.append(Text(_("%(green)s of %(total)s checks green", green=green, total=total)))
    yield from _fitted(parts, width)
    if lane.line:
        yield from _fitted([Text(wording.line(lane.line, _LINE), _DIM)], width, indent=2)


def _title(lane: Lane) -> str:
    """Return where it is, as in "database · restore · import the dump"."""
    step = wording.line(step_name(lane.step), _NAME)
    service = wording.line(lane.service or "", _NAME)
    return " · ".join(filter(None, (service, phase_name(lane.phase), step)))


def _progress(course: Course, now: datetime, width: int, *, ascii_only: bool) -> Iterator[Text]:
    """Say how far it is, when it probably ends, and what is left of the objective."""
    if course.plan is not None and course.plan.steps:
        left = course.left(now)
        fraction = course.steps_ended / len(course.plan.steps) if left is None else left[1]
        end = map(Text, _end(course, left, now))
        yield from _fitted([_bar(fraction, width, ascii_only=ascii_only), *end], width)
    yield from _fitted(_times(course, now), width)


def _bar(fraction: float, width: int, *, ascii_only: bool) -> Text:
    """Draw what is done; without colours its characters tell it, too."""
    full, empty = ("#", "-") if ascii_only else ("━", "╌")
    length = max(4, min(_BAR, width // 4))
    part = int(min(max(fraction, 0.0), 1.0) * length)
    bar = Text(full * part, "green").append(empty * (length - part), _DIM)
    return bar.append(f" {wording.percent(min(fraction, 0.99))}", "not dim")


def _end(course: Course, left: tuple[timedelta, float] | None, now: datetime) -> list[str]:
    """Say when the run probably ends, and what that rests on."""
    if left is None or course.estimate is None:
        if course.is_torn_down:
            return []
        return [_("no estimate"), _("(no earlier run of these steps passed)")]
    runs = course.estimate.runs
    ground = ngettext("(as one earlier run)", "(as %(n)s earlier runs)", runs)
    if left[0] >= _SOON:
        at, rest = _clock(now + left[0], now), wording.short(left[0])
        return [_("ends about %(at)s, in %(left)s", at=at, left=rest), ground]
    if not course.is_late(now, _SOON):
        return [_("ends about now"), ground]
    return [
        ngettext(
            "a step takes longer than in one earlier run",
            "a step takes longer than usual in %(n)s earlier runs",
            runs,
        )
    ]


def _clock(at: datetime, now: datetime) -> str:
    local = wording.local(at)
    if local.date() == wording.local(now).date():
        return f"{local:%H:%M} {wording.clock_name()}"
    return f"{wording.at_minute(at)} {wording.clock_name()}"


def _times(course: Course, now: datetime) -> list[Text]:
    spent = wording.short(_since(course.began, now))
    return [Text(_("run %(spent)s", spent=spent)), *_rto(course, course.lanes[None], now)]


def _rto(course: Course, lane: Lane, now: datetime) -> list[Text]:
    """Say what is left of the objective: the words tell it, the colour underlines it."""
    rto = course.rto(lane)
    if rto is None:
        return []
    left = rto - (now - course.disruption)
    if left < timedelta():
        return [Text(_("RTO exceeded by %(time)s", time=wording.short(-left)), "bold red")]
    colour = "yellow" if left < rto * _LITTLE else "green"
    return [Text(_("RTO left %(time)s", time=wording.short(left)), colour)]


def _waits(waiting: WaitingService) -> str:
    service, others = (
        wording.line(waiting.service, _NAME),
        wording.line(", ".join(waiting.after), _NAME),
    )
    if waiting.is_over:
        return _(
            "%(service)s is not tried: no verification of %(others)s",
            service=service,
            others=others,
        )
    return _("%(service)s waits for the verification of %(others)s", service=service, others=others)


def _since(begin: datetime, now: datetime) -> timedelta:
    return max(timedelta(), now - begin)  # another machine's clock may be behind


def _fitted(parts: Sequence[Text], width: int, *, indent: int = 0) -> Iterator[Text]:
    """Put parts side by side while they fit, then below; what is too long by itself is cut."""
    line = Text(" " * indent)
    is_empty = True
    for part in parts:
        gap = "" if is_empty else _GAP
        if not is_empty and line.cell_len + cell_len(gap) + part.cell_len > width:
            yield _cut(line, width)
            line, gap = Text(" " * indent), ""
        line.append(gap).append_text(part)
        is_empty = False
    if not is_empty:
        yield _cut(line, width)


def _cut(line: Text, width: int) -> Text:
    line.truncate(max(width, 1), overflow="ellipsis")
    line.no_wrap, line.overflow = True, "ellipsis"
    return line
