"""Describe what people are asked during a run, and what their waiting came to, in plain words."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

from pradrill.domain.declared.manual_step import Confirm
from pradrill.domain.run.question import Call, CallStage, Question, SlaMeasure, Wait, waited
from pradrill.domain.run.record import RunRecord
from pradrill.reporting.language import formats as wording

_ASKED = {
    Confirm.DONE: "done?",
    Confirm.APPROVE: "approved?",
    Confirm.TEXT: "what is the answer?",
}
_STAGE = {
    CallStage.RESPONSE: "has the provider answered?",
    CallStage.RESTORATION: "has the provider restored the service?",
}
_OPTIONS = {Confirm.DONE: "--yes or --no", Confirm.APPROVE: "--yes or --no", Confirm.TEXT: "--text"}


def question_lines(question: Question) -> Iterator[str]:
    """Say who is asked for what until when, and how it is answered."""
    run, step = shlex.quote(question.run_id), shlex.quote(question.step)
    yield f"waits for {wording.line(question.who, 200)}: {wording.line(question.step, 120)}"
    yield f"    {wording.clean(question.instruction)}"
    if question.call is not None:
        yield f"    {called(question.call)}"
    asks = _ASKED[question.confirm] if question.call is None else _STAGE[question.call.stage]
    yield f"    {asks} Until {wording.at(question.until)}."
    here = "the answer" if question.confirm is Confirm.TEXT else "yes or no"
    yield f"    Type {here} where the run is watched, or:"
    yield f"    pradrill answer {run} {wording.line(step, 120)} {_OPTIONS[question.confirm]}"


def announcement(question: Question, state: Path, machine: str) -> str:
    """Say it to somebody who does not watch: who, what, until when, and the lines that answer."""
    answer = shlex.join(
        ["pradrill", "--state", str(state), "answer", question.run_id, question.step]
    )
    options = ("--text '...'", "--no") if question.confirm is Confirm.TEXT else ("--yes", "--no")
    head, *body, _typed, _command = question_lines(question)
    lines = [f"The drill {head}", "", *body, "", f"Answer on {machine}:"]
    lines += [f"    {wording.clean(answer)} {option}" for option in options]

    return "\n".join([*lines, ""])


def called(call: Call) -> str:
    """Say how a provider is reached, and what its contract promises."""
    support = call.support
    ways = (
        f"phone {support.phone}" if support.phone else "",
        f"mail {support.email}" if support.email else "",
        f"hours {support.hours}" if support.hours else "",
        f"contract {support.contract}" if support.contract else "",
    )
    promise = "nothing" if call.promised is None else f"within {wording.short(call.promised)}"
    reached = ", ".join(way for way in ways if way) or "the plan does not say how to reach it"
    return wording.line(f"{call.provider}: {reached}; its SLA promises {call.stage} {promise}")


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
