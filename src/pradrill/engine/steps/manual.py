"""Ask a person to do or decide something, wait until the deadline, and time it apart."""

from __future__ import annotations

from datetime import datetime

from pradrill.domain.declared.manual_step import Confirm, ManualStep
from pradrill.domain.run.event import Event
from pradrill.domain.run.outcome import Phase, StepOutcome
from pradrill.domain.run.question import Answer, Question, Wait
from pradrill.domain.run.run_plan import PlannedManual
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Instant, Mark, Provenance
from pradrill.engine.context import Context, StepEnd

_POLL = 0.2


def manual(context: Context, step: PlannedManual) -> StepEnd:
    """Ask, wait for the answer, note how long that took; a yes to the last acceptance is T6."""
    with context.asking:
        return _ask(context, step, step.manual)


def _ask(context: Context, step: PlannedManual, manual: ManualStep) -> StepEnd:
    clock = context.tools.clock
    now = clock.now()
    wait = Wait(
        phase=step.phase,
        step=step.name,
        service=step.service,
        who=manual.who,
        confirm=manual.confirm,
        call=step.call,
        responsibility=manual.responsibility,
        asked=now,
    )

    context.note(Event.ASKED, wait)
    answer = _answer(context, _question(context, step, manual, now))
    ended = clock.now()
    over = {"ended": ended, "seconds": (ended - now).total_seconds(), "answer": answer}
    context.note(Event.ANSWERED, wait.model_copy(update=over))
    end = _step_end(step, manual, answer, cancelled=context.cancelled())
    if end.outcome is StepOutcome.PASSED and _is_acceptance(context, step):
        context.mark_instant(Mark.ACCEPTED, Instant.around(ended, Provenance.ENTERED))

    return end


def _question(context: Context, step: PlannedManual, manual: ManualStep, now: datetime) -> Question:
    question = Question(
        run_id=context.journal.run_id,
        phase=step.phase,
        step=step.name if step.service is None else f"{step.service}: {step.name}",
        who=manual.who,
        instruction=manual.instruction,
        confirm=manual.confirm,
        asked=now,
        until=now + step.deadline,
        call=step.call,
    )
    return Question.model_validate(context.tools.masked(question.model_dump(mode="json")))


def _answer(context: Context, question: Question) -> Answer | None:
    """Wait for the answer; None at the deadline, and when the run must stop."""
    clock = context.tools.clock
    with context.tools.people.ask(question, context.journal.folder) as pending:
        context.tools.progress.ask(question)  # shown last: from then on what is typed counts
        while True:
            answer = pending.answer()
            left = (question.until - clock.now()).total_seconds()
            if answer is not None or context.cancelled() or left <= 0:
                return answer or pending.withdraw()

            clock.sleep(min(_POLL, left))


def _step_end(
    step: PlannedManual, manual: ManualStep, answer: Answer | None, *, cancelled: bool
) -> StepEnd:
    if answer is None and cancelled:
        return StepEnd(StepOutcome.CANCELLED, reason(Code.INTERRUPTED_WAITING, who=manual.who))

    if answer is None:
        # an acceptance that nobody gave shows nothing about the recovery, which was verified
        accepting = step.phase is Phase.VERIFY
        outcome = StepOutcome.UNKNOWN if accepting else StepOutcome.TIMED_OUT
        return StepEnd(outcome, reason(Code.NO_ANSWER, who=manual.who, bound=step.deadline))

    text = _answer_reason(answer)
    if answer.yes:
        return StepEnd(StepOutcome.PASSED, text)

    # a decision not to go on stops the drill; that something could not be done fails it
    decided = manual.confirm is Confirm.APPROVE and step.phase is not Phase.VERIFY
    return StepEnd(StepOutcome.CANCELLED if decided else StepOutcome.FAILED, text)


def _answer_reason(answer: Answer) -> Reason:
    if answer.text:
        code = Code.ANSWERED_YES_SAYING if answer.yes else Code.ANSWERED_NO_SAYING
        return reason(code, who=answer.by, text=answer.text)
    return reason(Code.ANSWERED_YES if answer.yes else Code.ANSWERED_NO, who=answer.by)


def _is_acceptance(context: Context, step: PlannedManual) -> bool:
    return step.phase is Phase.VERIFY and step == context.facts.plan.steps_of(Phase.VERIFY)[-1]
