"""Fake people, who answer as scripted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pradrill.domain.declared.manual_step import Confirm
from pradrill.domain.run.abort import Abort
from pradrill.domain.run.outcome import Phase
from pradrill.domain.run.question import Answer, Question
from pradrill.errors import UsageError
from pradrill.ports import Clock
from pradrill.testing.builders import START, after


def an_answer(**changes: Any) -> Answer:
    """Return a yes from the operator."""
    return Answer.model_validate({"yes": True, "by": "amartin", "via": "command", **changes})


def a_question(**changes: Any) -> Question:
    """Return a question to the operator, asked at the builders' T0, with half an hour."""
    fields = {
        "run_id": "20260310T020000Z-moodle-7f3a",
        "phase": Phase.RESTORE,
        "step": "switch the DNS",
        "who": "operator",
        "instruction": "moodle → 198.51.100.20",
        "confirm": Confirm.DONE,
        "asked": START,
        "until": after(1_800),
    }
    return Question.model_validate({**fields, **changes})


class FakePeople:
    """Answers at once with yes; with `says`, step → (after how many seconds, answer).

    A step that `says` leaves out is answered by `give` or by nobody.
    """

    def __init__(
        self, clock: Clock | None = None, says: Mapping[str, tuple[float, Answer]] | None = None
    ) -> None:
        self.questions: list[Question] = []
        self.abort: Abort | None = None
        self._clock = clock
        self._says = says
        self._current: _FakeAsked | None = None

    @contextmanager
    def ask(self, question: Question, folder: Path) -> Iterator[_FakeAsked]:
        """Ask."""
        del folder
        self.questions.append(question)

        self._current = pending = _FakeAsked(self, question)
        try:
            yield pending
        finally:
            pending.withdraw()

    def waiting(self, _folder: Path) -> Question | None:
        """Return the question that waits."""
        pending = self._current
        return None if pending is None or pending.ended else pending.question

    def give(self, _folder: Path, step: str, answer: Answer) -> None:
        """Answer the step that waits. Raises UsageError when it does not."""
        pending = self._current
        if pending is None or pending.question.step != step:
            raise UsageError(f'the step "{step}" does not wait for an answer')
        if pending.ended:
            who = "its time is over" if pending.reply is None else f"{pending.reply.by} answered it"
            raise UsageError(f'the step "{step}" does not wait any more: {who}')

        pending.reply, pending.ended = answer, True

    def aborted(self, _folder: Path) -> Abort | None:
        """Return who wants the run to end."""
        return self.abort

    def scripted(self, question: Question) -> Answer | None:
        """Return what is said to the question by now."""
        if self._says is None:
            return an_answer()

        delay, answer = self._says.get(question.step, (0.0, None))
        if self._clock is not None:
            waited = (self._clock.now() - question.asked).total_seconds()
            return answer if waited >= delay else None

        return answer


class _FakeAsked:
    """A question that waits."""

    def __init__(self, people: FakePeople, question: Question) -> None:
        self.question = question
        self.reply: Answer | None = None
        self.ended = False
        self._people = people

    def answer(self) -> Answer | None:
        """Return the answer if there is one by now."""
        if not self.ended and (answer := self._people.scripted(self.question)) is not None:
            self.reply, self.ended = answer, True
        return self.reply

    def withdraw(self) -> Answer | None:
        """Accept no answer any more."""
        self.ended = True
        return self.reply
