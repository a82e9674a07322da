"""Say what wants attention, with what is to be done, in one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from pradrill.domain.dossier.status import GOES_ON, Alarm, AlarmKind
from pradrill.domain.run.ending import Refusal
from pradrill.reporting.language.formats import day, line, respelt
from pradrill.reporting.language.i18n import _, language, ngettext
from pradrill.reporting.text.brief_times import brief_duration

_WIDTH = 200


def alarm_line(alarm: Alarm, now: datetime) -> str:
    """Return the sentence for a kind of alarm; without a line feed, whatever it quotes."""
    return line(_SENTENCES[alarm.kind](alarm, now), 600)


def _detail(alarm: Alarm) -> str:
    return line(alarm.detail, _WIDTH)


def _in_words(text: str) -> str:
    """Say in the reader's language what was noted in English; a terminal does without."""
    if language() == "en":
        return line(text.replace("_", " ") if text in set(Refusal) else text, _WIDTH)
    from pradrill.reporting.language.symptoms import symptom  # noqa: PLC0415 with all that is declared
    from pradrill.reporting.language.terms import ending_word  # noqa: PLC0415 likewise

    return line(symptom(ending_word(text)), _WIDTH)


def _day(alarm: Alarm) -> str:
    return "" if alarm.at is None else day(alarm.at)


def _length(alarm: Alarm) -> str:
    return respelt(brief_duration(alarm.seconds or 0.0))


def _damage(alarm: Alarm, _now: datetime) -> str:
    what = _in_words(alarm.detail)
    return _("the register does not verify: %(what)s: pradrill register verify", what=what)


def _unreadable(alarm: Alarm, _now: datetime) -> str:
    return _("a drill cannot be read: %(what)s: pradrill validate", what=_detail(alarm))


def _unfinished(alarm: Alarm, _now: datetime) -> str:
    if alarm.detail != GOES_ON:
        return _(
            "nobody has finished the run %(run)s, whose process died, and it cannot go on: "
            "pradrill teardown %(run)s",
            run=alarm.run_id,
        )
    return _(
        "nobody has finished the run %(run)s, whose process died: "
        "pradrill resume %(run)s, or pradrill teardown %(run)s",
        run=alarm.run_id,
    )


def _stale_lock(alarm: Alarm, _now: datetime) -> str:
    return _(
        "the run %(run)s holds its standby's lock and has not renewed its lease for "
        "%(length)s: its process is stopped or cut off; pradrill abort %(run)s",
        run=alarm.run_id,
        length=_length(alarm),
    )


def _missed_date(alarm: Alarm, _now: datetime) -> str:
    many = "" if alarm.detail == "1" else _(", one of %(n)s dates in a row", n=_detail(alarm))
    if alarm.because:
        return _(
            "%(service)s was due on %(day)s and could not run%(many)s: %(why)s",
            service=_service(alarm),
            day=_day(alarm),
            many=many,
            why=_in_words(alarm.because),
        )
    return _(
        "%(service)s was due on %(day)s and nobody attempted it%(many)s: "
        "does cron still run pradrill due --run?",
        service=_service(alarm),
        day=_day(alarm),
        many=many,
    )


def _longer(alarm: Alarm, _now: datetime) -> str:
    return _(
        "the run %(run)s takes longer than ever: %(length)s, "
        "the longest of its drill took %(longest)s",
        run=alarm.run_id,
        length=_length(alarm),
        longest=respelt(brief_duration(float(alarm.detail or 0))),
    )


def _head(alarm: Alarm, _now: datetime) -> str:
    return _("the register's head was not published: %(why)s", why=_detail(alarm))


def _silent(alarm: Alarm, _now: datetime) -> str:
    return _(
        "the channel %(channel)s tells nobody since %(day)s: %(why)s: "
        "pradrill notify test %(channel)s",
        channel=_detail(alarm),
        day=_day(alarm),
        why=line(alarm.because, _WIDTH),
    )


def _residue(alarm: Alarm, _now: datetime) -> str:
    return _(
        "run %(run)s left %(what)s: pradrill teardown %(run)s",
        run=alarm.run_id,
        what=_detail(alarm),
    )


def _overdue(alarm: Alarm, _now: datetime) -> str:
    service = _service(alarm)
    if alarm.at is None:
        return _("%(service)s was never drilled: pradrill due --run", service=service)
    return _(
        "%(service)s is due since %(day)s: pradrill due --run", service=service, day=_day(alarm)
    )


def _uncovered(alarm: Alarm, _now: datetime) -> str:
    return _(
        "%(service)s is to be drilled, and no drill with unattended: true recovers it",
        service=_service(alarm),
    )


def _unscheduled(alarm: Alarm, _now: datetime) -> str:
    return _(
        "%(service)s has drill_on, and nothing runs by it yet: pradrill schedule install",
        service=_service(alarm),
    )


def _inconclusive(alarm: Alarm, _now: datetime) -> str:
    how = _(
        "the last attempt at %(service)s, %(day)s, proved nothing: %(why)s",
        service=_service(alarm),
        day=_day(alarm),
        why=_in_words(alarm.detail),
    )
    return f"{how}: pradrill show {alarm.run_id}" if alarm.run_id else how


def _finding(alarm: Alarm, now: datetime) -> str:
    days = 0 if alarm.at is None else (now.date() - alarm.at.date()).days
    return ngettext(
        "%(what)s: %(n)s day late (due %(day)s)",
        "%(what)s: %(n)s days late (due %(day)s)",
        days,
        what=_detail(alarm),
        day=_day(alarm),
    )


def _ending(alarm: Alarm, now: datetime) -> str:
    days = 0 if alarm.at is None else (alarm.at.date() - now.date()).days
    return _(
        "provider %(provider)s: %(what)s %(when)s",
        provider=line(alarm.provider or "", 60),
        what=_("the certification %(name)s", name=_detail(alarm))
        if alarm.detail
        else _("the contract"),
        when=_ended(days, _day(alarm)) if days < 0 else _ends(days, _day(alarm)),
    )


def _ends(days: int, date: str) -> str:
    return ngettext(
        "ends on %(day)s, in %(n)s day", "ends on %(day)s, in %(n)s days", days, day=date
    )


def _ended(days: int, date: str) -> str:
    return ngettext(
        "ended on %(day)s, %(n)s day ago", "ended on %(day)s, %(n)s days ago", -days, day=date
    )


def _running(alarm: Alarm, _now: datetime) -> str:
    return _("the run %(run)s is running, for %(length)s", run=alarm.run_id, length=_length(alarm))


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
