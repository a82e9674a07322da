"""Say what wants attention, with what is to be done, in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from pradrill.domain.dossier.status import Alarm, AlarmKind
from pradrill.reporting.language.formats import line
from pradrill.reporting.text.brief_times import brief_duration

_WIDTH = 200


def alarm_line(alarm: Alarm, now: datetime) -> str:
    """Return the sentence for a kind of alarm; without a line feed, whatever it quotes."""
    return line(_SENTENCES[alarm.kind](alarm, now), 600)


def _detail(alarm: Alarm) -> str:
    return line(alarm.detail, _WIDTH)


def _day(alarm: Alarm) -> str:
    return "" if alarm.at is None else f"{alarm.at:%Y-%m-%d}"


def _length(alarm: Alarm) -> str:
    return brief_duration(alarm.seconds or 0.0)


def _damage(alarm: Alarm, _: datetime) -> str:
    return f"the register does not verify: {_detail(alarm)}: pradrill register verify"


def _unreadable(alarm: Alarm, _: datetime) -> str:
    return f"a drill cannot be read: {_detail(alarm)}: pradrill validate"


def _unfinished(alarm: Alarm, _: datetime) -> str:
    return (
        f"nobody has finished the run {alarm.run_id}, whose process died: "
        f"pradrill resume {alarm.run_id}, or pradrill teardown {alarm.run_id}"
    )


def _stale_lock(alarm: Alarm, _: datetime) -> str:
    return (
        f"the run {alarm.run_id} holds its standby's lock and has not renewed its lease for "
        f"{_length(alarm)}: its process is stopped or cut off; pradrill abort {alarm.run_id}"
    )


def _missed_date(alarm: Alarm, _: datetime) -> str:
    many = "" if alarm.detail == "1" else f", one of {_detail(alarm)} dates in a row"
    if alarm.because:
        why = line(alarm.because, _WIDTH)
        return f"{_service(alarm)} was due on {_day(alarm)} and could not run{many}: {why}"
    return (
        f"{_service(alarm)} was due on {_day(alarm)} and nobody attempted it{many}: "
        "does cron still run pradrill due --run?"
    )


def _longer(alarm: Alarm, _: datetime) -> str:
    longest = brief_duration(float(alarm.detail or 0))
    return (
        f"the run {alarm.run_id} takes longer than ever: {_length(alarm)}, "
        f"the longest of its drill took {longest}"
    )


def _head(alarm: Alarm, _: datetime) -> str:
    return f"the register's head was not published: {_detail(alarm)}"


def _silent(alarm: Alarm, _: datetime) -> str:
    channel = _detail(alarm)
    why = line(alarm.because, _WIDTH)
    silence = f"the channel {channel} tells nobody since {_day(alarm)}"
    return f"{silence}: {why}: pradrill notify test {channel}"


def _residue(alarm: Alarm, _: datetime) -> str:
    return f"run {alarm.run_id} left {_detail(alarm)}: pradrill teardown {alarm.run_id}"


def _overdue(alarm: Alarm, _: datetime) -> str:
    if alarm.at is None:
        return f"{_service(alarm)} was never drilled: pradrill due --run"
    return f"{_service(alarm)} is due since {_day(alarm)}: pradrill due --run"


def _uncovered(alarm: Alarm, _: datetime) -> str:
    return f"{_service(alarm)} is to be drilled, and no drill with unattended: true recovers it"


def _unscheduled(alarm: Alarm, _: datetime) -> str:
    return f"{_service(alarm)} has drill_on, and nothing runs by it yet: pradrill schedule install"


def _inconclusive(alarm: Alarm, _: datetime) -> str:
    how = f"the last attempt at {_service(alarm)}, {_day(alarm)}, proved nothing: {_detail(alarm)}"
    return f"{how}: pradrill show {alarm.run_id}" if alarm.run_id else how


def _finding(alarm: Alarm, now: datetime) -> str:
    days = 0 if alarm.at is None else (now.date() - alarm.at.date()).days
    return f"{_detail(alarm)}: {days} day{'s' if days != 1 else ''} late (due {_day(alarm)})"


def _ending(alarm: Alarm, now: datetime) -> str:
    what = f"the certification {_detail(alarm)}" if alarm.detail else "the contract"
    days = 0 if alarm.at is None else (alarm.at.date() - now.date()).days
    many = "" if abs(days) == 1 else "s"
    when = f"ends on {_day(alarm)}, in {days} day{many}"
    if days < 0:
        when = f"ended on {_day(alarm)}, {-days} day{many} ago"
    return f"provider {line(alarm.provider or '', 60)}: {what} {when}"


def _running(alarm: Alarm, _: datetime) -> str:
    return f"the run {alarm.run_id} is running, for {_length(alarm)}"


def _service(alarm: Alarm) -> str:
    return line(alarm.service or "", 60)


_SENTENCES: Mapping[AlarmKind, Callable[[Alarm, datetime], str]] = {
    AlarmKind.DAMAGE: _damage,
    AlarmKind.UNREADABLE: _unreadable,
    AlarmKind.UNFINISHED: _unfinished,
    AlarmKind.STALE_LOCK: _stale_lock,
    AlarmKind.MISSED_DATE: _missed_date,
    AlarmKind.LONGER: _longer,
    AlarmKind.HEAD: _head,
    AlarmKind.SILENT: _silent,
    AlarmKind.RESIDUE: _residue,
    AlarmKind.OVERDUE: _overdue,
    AlarmKind.UNCOVERED: _uncovered,
    AlarmKind.UNSCHEDULED: _unscheduled,
    AlarmKind.INCONCLUSIVE: _inconclusive,
    AlarmKind.FINDING: _finding,
    AlarmKind.ENDING: _ending,
    AlarmKind.RUNNING: _running,
}
