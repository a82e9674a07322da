"""Describe what people are asked during a run, and what their waiting came to, in plain words."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from pradrill.domain.declared.manual_step import Confirm
from pradrill.domain.run.question import Call, CallStage, Question, SlaMeasure, Wait, waited
from pradrill.domain.run.record import RunRecord
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import N_, _

_ASKED = {
    Confirm.DONE: N_("done?"),
    Confirm.APPROVE: N_("approved?"),
    Confirm.TEXT: N_("what is the answer?"),
}
_STAGE = {
    CallStage.RESPONSE: N_("has the provider answered?"),
    CallStage.RESTORATION: N_("has the provider restored the service?"),
}
_PROMISE = {
    CallStage.RESPONSE: N_("its SLA promises an answer within %(time)s"),
    CallStage.RESTORATION: N_("its SLA promises the restoration within %(time)s"),
}
_EITHER = N_("--yes or --no")
_OPTIONS = {Confirm.DONE: _EITHER, Confirm.APPROVE: _EITHER, Confirm.TEXT: "--text"}


def question_lines(question: Question) -> Iterator[str]:
    """Say who is asked for what until when, and how it is answered."""
    who, step = wording.line(question.who, 200), wording.line(question.step, 120)
    yield _("waits for %(who)s: %(step)s", who=who, step=step)
    yield from _body(question)
    if question.confirm is Confirm.TEXT:
        here = _("Type the answer where the run is watched, or:")
    else:
        here = _("Type yes or no where the run is watched, or:")
    yield f"    {here}"
    yield f"    pradrill answer {short_id(question.run_id)} {_(_OPTIONS[question.confirm])}"


def short_id(run_id: str) -> str:
    """Return the end of a run's id, which tells it from the others that are going on."""
    return run_id.rpartition("-")[2]


def _body(question: Question) -> Iterator[str]:
    yield f"    {wording.clean(question.instruction)}"
    if question.call is not None:
        yield f"    {called(question.call)}"
    asks = _ASKED[question.confirm] if question.call is None else _STAGE[question.call.stage]
    until = _("Until %(until)s.", until=wording.at(question.until))
    yield f"    {_(asks)} {until}"


def announcement(question: Question, state: Path, machine: str) -> str:
    """Say it to somebody who does not watch: who, what, until when, and the lines that answer."""
    # With the step: whoever reads it late must not answer the next one.
    answer = shlex.join(
        ["pradrill", "--state", str(state), "answer", short_id(question.run_id), question.step]
    )
    options = ("--text '...'", "--no") if question.confirm is Confirm.TEXT else ("--yes", "--no")
    who, step = wording.line(question.who, 200), wording.line(question.step, 120)
    head = _("The drill waits for %(who)s: %(step)s", who=who, step=step)
    lines = [head, "", *_body(question), "", _("Answer on %(machine)s:", machine=machine)]
    lines += [f"    {wording.clean(answer)} {option}" for option in options]

    return "\n".join([*lines, ""])


def called(call: Call) -> str:
    """Say how a provider is reached, and what its contract promises."""
    support = call.support
    ways = (
        _("phone %(number)s", number=support.phone) if support.phone else "",
        _("mail %(address)s", address=support.email) if support.email else "",
        _("hours %(hours)s", hours=support.hours) if support.hours else "",
        _("contract %(number)s", number=support.contract) if support.contract else "",
    )
    promise = (
        _("its SLA promises nothing for it")
        if call.promised is None
        else _(_PROMISE[call.stage], time=wording.short(call.promised))
    )
    reached = ", ".join(way for way in ways if way) or _("the plan does not say how to reach it")
    end = f"{reached}{wording.semicolon()}{promise}"
    return wording.line(f"{call.provider}{wording.colon()}{end}")


def wait_lines(record: RunRecord) -> list[str]:
    """Say what each wait came to, what they add up to, and which promises were kept."""
    lines = [_wait(wait) for wait in record.waits]
    inside = (
        f"{wording.short(record.recovery.waited_for_people)} of them inside the RTA"
        if record.recovery.rta is not None
        else "the RTA was not measured"
    )
    lines.append(f"{wording.short(waited(record.waits))} in all, {inside}")
    return [*lines, *(sla_line(measure) for measure in record.sla)]


def sla_line(measure: SlaMeasure) -> str:
    """Say how a provider's promise stands."""
    promised = "no promise" if measure.promised is None else wording.short(measure.promised)
    length = (
        f"none within {wording.short(measure.waited)}"
        if measure.seconds is None
        else wording.short(measure.seconds)
    )
    return f"{measure.provider}, {measure.stage}: {length}, SLA {promised}: {measure.standing}"


def _wait(wait: Wait) -> str:
    step = wait.step if wait.service is None else f"{wait.service}, {wait.step}"
    begins = f"{wording.at(wait.asked)}, {step}: {wait.who}"
    if wait.seconds is None:
        return f"{begins} was asked; the run ended before an answer"
    if wait.answer is None:
        return f"{begins} gave no answer within {wording.short(wait.seconds)}"

    answer = wait.answer
    remark = f": {answer.text}" if answer.text else ""
    yes = "yes" if answer.yes else "no"

    return f"{begins}, {yes} after {wording.short(wait.seconds)} by {answer.by}{remark}"
