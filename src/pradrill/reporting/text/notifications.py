"""Write what is sent to somebody who does not watch: a subject, and some lines for each thing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from pradrill.domain.declared.notification import Occasion
from pradrill.domain.dossier.notification import Notification
from pradrill.domain.dossier.status import Alarm, AlarmKind, ConclusiveRun, Expiry, ServiceStatus
from pradrill.domain.register.entry import AttemptEntry, RunEntry
from pradrill.domain.register.finding import Finding
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.severity import Severity
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import N_, _, ngettext
from pradrill.reporting.language.reasons import spoken
from pradrill.reporting.language.terms import ending_word, word
from pradrill.reporting.run import page as view

_MOST = 20
"""Things in one message; the rest is counted."""
_REASONS = 3
_WIDTH = 240


class Letter(NamedTuple):
    """A subject, and the lines below it."""

    subject: str
    text: str


class Sender(NamedTuple):
    """Who writes: the company, the machine, and how pradrill is started there."""

    organisation: str
    machine: str
    program: str


class _Block(NamedTuple):
    """One thing: a line, what is to be known of it, and what to type next."""

    head: str
    lines: Sequence[str]
    command: str


def letter(
    news: Sequence[Notification],
    sender: Sender,
    read: Callable[[str], RunRecord | None],
    now: datetime,
    damage: str | None = None,
) -> Letter:
    """Return the message that tells news, the gravest first; `read` returns a run's record.

    `damage`: what is wrong with the register that it comes from.
    """
    ranks = list(Severity)
    order = sorted(news, key=lambda each: -ranks.index(each.severity))
    blocks = [_block(each, read, now) for each in order[:_MOST]]

    subject = blocks[0].head
    if len(news) > 1:
        more = len(news) - 1
        subject = ngettext("%(head)s, and one more", "%(head)s, and %(n)s more", more, head=subject)
    lines = [text for block in blocks for text in _lines(block, sender.program)]
    if len(news) > _MOST:
        left_out = len(news) - _MOST
        lines.append(ngettext("And one more:", "And %(n)s more:", left_out))
        lines.append(f"    {sender.program} status")
    if damage:
        lines.append(_("The register is damaged: a run that was entered there may be missing here"))
        lines += [f"    {wording.gist(damage, _WIDTH)}", f"    {sender.program} register verify"]
    return Letter(
        wording.line(f"[{sender.organisation}] {subject}", 200),
        "\n".join([*lines, "", _signed(sender, now), ""]),
    )


def harmless_letter(channel: str, sender: Sender, now: datetime) -> Letter:
    """Return a message that tells nothing."""
    subject = _("a test of the channel %(name)s", name=channel)
    lines = [
        _("Nothing has happened: somebody tests whether messages of pradrill arrive."),
        "",
        _signed(sender, now),
        "",
    ]
    return Letter(wording.line(f"[{sender.organisation}] {subject}", 200), "\n".join(lines))


def _signed(sender: Sender, now: datetime) -> str:
    """Say who writes, and when: what could not be sent may come days later."""
    machine = wording.line(sender.machine, 100)
    return _("Written by pradrill on %(machine)s, %(at)s", machine=machine, at=wording.at(now))


def _lines(block: _Block, program: str) -> Iterator[str]:
    yield block.head
    for text in block.lines:
        yield f"    {text}"
    yield f"    {program} {block.command}"


def _block(
    notification: Notification, read: Callable[[str], RunRecord | None], now: datetime
) -> _Block:
    match notification.subject:
        case RunEntry() as run if notification.occasion is Occasion.RESIDUE:
            block = _residue(run)
        case RunEntry() as run:
            block = _verdict(run, read(run.run_id))
        case AttemptEntry() as attempt:
            block = _unbegun(attempt)
        case Alarm() as alarm:
            block = _overdue(alarm)
        case ServiceStatus() as service:
            block = _expired(service)
        case Finding() as finding:
            block = _finding(finding, now)
        case ConclusiveRun() as proof:
            block = _mended(notification.services, proof)
    return block


def _verdict(run: RunEntry, record: RunRecord | None) -> _Block:
    drill, command = wording.line(run.drill, 60), f"show {wording.line(run.run_id, 100)}"
    if record is None:
        words = (word(each) for each in Verdict if each == run.verdict)
        verdict = next(words, wording.line(run.verdict, 60))
        return _Block(f"{drill}{wording.colon()}{verdict}", (), command)

    lines = []
    if record.refusal is None:
        figures = view.comparisons(record)
        lines.append(
            "  ".join(
                f"{each.actual_name} {each.actual_text} "
                f"({each.objective_name} {each.objective_text})"
                for each in figures
            )
        )
    reasons = record.reasons[:_REASONS]
    lines += [wording.gist(spoken(reason), _WIDTH) for reason in reasons]
    if (more := len(record.reasons) - len(reasons)) > 0:
        lines.append(ngettext("and one more reason", "and %(n)s more reasons", more))
    return _Block(f"{drill}{wording.colon()}{view.headline(record)}", lines, command)


def _unbegun(attempt: AttemptEntry) -> _Block:
    drill = wording.line(attempt.drill, 60)
    why = wording.gist(attempt.because, _WIDTH)
    if not drill:  # of which drill, nobody could tell
        return _Block(_("drills that were due could not begin"), [why], "validate")
    return _Block(_("%(drill)s: could not begin", drill=drill), [why], f"doctor {drill}")


def _residue(run: RunEntry) -> _Block:
    head = _("%(drill)s: something is left on the standby", drill=wording.line(run.drill, 60))
    lines = [wording.line(each, _WIDTH) for each in run.residue[:_REASONS]]
    if (more := len(run.residue) - len(lines)) > 0:
        lines.append(ngettext("and one thing more", "and %(n)s things more", more))
    return _Block(head, lines, f"teardown {wording.line(run.run_id, 100)}")


def _overdue(alarm: Alarm) -> _Block:
    name = wording.line(alarm.service or "", 60)
    if alarm.at is None:
        return _Block(_("%(service)s: was never drilled", service=name), (), "due --run")
    day = wording.day(alarm.at.date())
    if alarm.kind is AlarmKind.MISSED_DATE:
        why = wording.gist(ending_word(alarm.because), _WIDTH) or _("nobody attempted it")
        head = _("%(service)s: the drill due on %(day)s was missed", service=name, day=day)
        return _Block(head, [why], "due --run")
    head = _("%(service)s: its drill is due since %(day)s", service=name, day=day)
    return _Block(head, (), "due --run")


_EXPIRY = {
    Expiry.OLD: N_("it is older than the plan allows"),
    Expiry.CHANGED: N_("what the recovery depends on has changed since"),
    Expiry.UNCOVERED: N_("no drill of today recovers the service"),
    Expiry.UNKNOWN: N_("its drill cannot be read"),
}


def _expired(service: ServiceStatus) -> _Block:
    name = wording.line(service.service, 60)
    head = _("%(service)s: its proof does not hold any more", service=name)
    return _Block(head, [_(_EXPIRY[each]) for each in service.expiry], "status")


def _finding(finding: Finding, now: datetime) -> _Block:
    days = 0 if finding.due is None else (now.date() - finding.due).days
    name = finding.finding
    head = ngettext(
        "%(finding)s (%(severity)s) is one day late",
        "%(finding)s (%(severity)s) is %(n)s days late",
        days,
        finding=name,
        severity=word(finding.severity),
    )
    title = wording.gist(finding.title, _WIDTH)
    names = wording.line(", ".join(finding.services), 120)
    lines = [f"{names}{wording.colon()}{title}" if names else title]
    return _Block(head, lines, f"finding show {name}")


def _mended(services: Sequence[str], proof: ConclusiveRun) -> _Block:
    name = wording.line(", ".join(services), 60)
    head = _("%(service)s: proven again", service=name)
    lines = [_("by the drill %(drill)s", drill=wording.line(proof.drill, 60))]
    return _Block(head, lines, f"show {wording.line(proof.run_id, 100)}")
