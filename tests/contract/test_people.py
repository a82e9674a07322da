"""What everyone who can be asked promises: the fake's people, and files in the run's folder."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pradrill.adapters.questions.files import FilePeople
from pradrill.domain.run.question import Answer, Question
from pradrill.errors import UsageError
from pradrill.ports import People
from pradrill.testing import FakePeople, a_question, an_answer

YES = an_answer(by="amartin", text="naïve ✓ \u2028 \x1b[31m")
NO = an_answer(by="bdurand", yes=False)


@pytest.fixture(params=["memory", "files"])
def people(request: pytest.FixtureRequest) -> Callable[[], People]:
    """Return a way to reach the same people, from this process or as if from another."""
    if request.param == "files":
        return FilePeople
    fake = FakePeople(says={})
    return lambda: fake


def test_a_question_waits_until_it_is_answered(
    people: Callable[[], People], tmp_path: Path
) -> None:
    """There is no answer before one is given, then it is the one that was given."""
    question = a_question()
    with people().ask(question, tmp_path) as pending:
        assert pending.answer() is None
        assert people().waiting(tmp_path) == question
        people().give(tmp_path, question.step, YES)
        assert pending.answer() == YES
        assert pending.answer() == YES
        assert people().waiting(tmp_path) is None


def test_nothing_waits_where_nobody_asked(people: Callable[[], People], tmp_path: Path) -> None:
    """Before the first question an answer is refused."""
    assert people().waiting(tmp_path) is None
    with pytest.raises(UsageError, match="does not wait"):
        people().give(tmp_path, "switch the DNS", YES)


def test_the_first_answer_counts(people: Callable[[], People], tmp_path: Path) -> None:
    """A second one is refused, names who was first, and changes nothing."""
    with people().ask(a_question(), tmp_path) as pending:
        people().give(tmp_path, "switch the DNS", YES)
        with pytest.raises(UsageError, match="amartin answered it"):
            people().give(tmp_path, "switch the DNS", NO)
        assert pending.answer() == YES


def test_another_step_is_not_answered(people: Callable[[], People], tmp_path: Path) -> None:
    """An answer names its step; for any other one it is refused."""
    with people().ask(a_question(), tmp_path) as pending:
        with pytest.raises(UsageError, match='"switch the mail" does not wait'):
            people().give(tmp_path, "switch the mail", YES)
        assert pending.answer() is None


def test_a_withdrawn_question_takes_no_answer(people: Callable[[], People], tmp_path: Path) -> None:
    """Once the run has given up, an answer is refused and not swallowed."""
    with people().ask(a_question(), tmp_path) as pending:
        assert pending.withdraw() is None
        with pytest.raises(UsageError, match="its time is over"):
            people().give(tmp_path, "switch the DNS", YES)
        assert pending.answer() is None


def test_an_answer_that_came_just_before_the_withdrawal_counts(
    people: Callable[[], People], tmp_path: Path
) -> None:
    """What was accepted from a person is heard, also at the last moment."""
    with people().ask(a_question(), tmp_path) as pending:
        people().give(tmp_path, "switch the DNS", YES)
        assert pending.withdraw() == YES


def test_the_end_of_asking_withdraws(people: Callable[[], People], tmp_path: Path) -> None:
    """However a step ends, its question cannot be answered afterwards."""
    with pytest.raises(RuntimeError), people().ask(a_question(), tmp_path):
        raise RuntimeError
    assert people().waiting(tmp_path) is None
    with pytest.raises(UsageError, match="its time is over"):
        people().give(tmp_path, "switch the DNS", YES)


def test_a_late_answer_does_not_answer_the_next_question(
    people: Callable[[], People], tmp_path: Path
) -> None:
    """Two questions in a row, even of one name, have one answer each."""
    with people().ask(a_question(), tmp_path):
        people().give(tmp_path, "switch the DNS", YES)
    with people().ask(a_question(), tmp_path) as pending:
        assert pending.answer() is None
        people().give(tmp_path, "switch the DNS", NO)
        assert pending.answer() == NO


def test_nobody_else_can_read_or_answer(tmp_path: Path) -> None:
    """Questions and answers lie in a folder of 0700, in files of 0600, whatever the umask."""
    before = os.umask(0)
    try:
        with FilePeople().ask(a_question(), tmp_path):
            FilePeople().give(tmp_path, "switch the DNS", YES)
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert modes == {"people": 0o700, "001.question.json": 0o600, "001.answer.json": 0o600}


def test_of_many_answers_at_once_one_is_accepted(tmp_path: Path) -> None:
    """Of sixteen who answer together one is told that it counts, and that one is heard."""
    accepted: list[str] = []
    ready = threading.Barrier(16)

    def answer(name: str) -> None:
        ready.wait()
        try:
            FilePeople().give(tmp_path, "switch the DNS", an_answer(by=name))
        except UsageError:
            return
        accepted.append(name)

    with FilePeople().ask(a_question(), tmp_path) as pending:
        threads = [threading.Thread(target=answer, args=(f"user{n}",)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first = pending.answer()
    assert first is not None
    assert accepted == [first.by]
    assert [answer for _, answer in FilePeople().answered(tmp_path)] == [first]


def test_a_file_that_is_no_answer_is_not_taken_for_one(tmp_path: Path) -> None:
    """Whatever another hand wrote into the folder is an error and never a yes."""
    with FilePeople().ask(a_question(), tmp_path) as pending:
        (tmp_path / "people" / "001.answer.json").write_text('{"yes": true}')
        with pytest.raises(Exception, match="cannot understand"):
            pending.answer()
        (tmp_path / "people" / "001.answer.json").unlink()


def test_models_refuse_an_answer_without_an_author() -> None:
    """Nobody's answer is no answer."""
    with pytest.raises(ValueError, match="by"):
        Answer.model_validate({"yes": True, "by": "", "via": "command"})
    assert Question.model_validate_json(a_question().model_dump_json()) == a_question()
