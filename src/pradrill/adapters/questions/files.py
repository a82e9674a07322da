"""Ask people through files in the run's folder, and on the terminal where the run is watched.

A question is `people/NNN.question.json`; its answer is the file of the same number that is made
first, by a link, which can succeed once only. Whoever gives up on a question makes that file too,
so no answer is accepted and then not heard.

The wish that the run ends is `people/abort.json`: the first one counts.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pradrill.adapters.questions.terminal import Terminal
from pradrill.domain.run.abort import WISH, Abort
from pradrill.domain.run.question import Answer, Question
from pradrill.errors import PradrillError, RecordError, UsageError

_FOLDER = "people"
_WITHDRAWN = b"withdrawn"
_Model = TypeVar("_Model", bound=BaseModel)


class FilePeople:
    """Whoever can write into the run's folder, and whoever sits at the terminal.

    `announce` is told of each question once it can be answered; it returns at once.
    """

    def __init__(
        self,
        terminal: Terminal | None = None,
        announce: Callable[[Question], None] | None = None,
    ) -> None:
        self._terminal = terminal
        self._announce = announce

    @contextmanager
    def ask(self, question: Question, folder: Path) -> Iterator[_FileAsked]:
        """Ask; raises RecordError when the question cannot be written."""
        box = folder / _FOLDER
        try:
            box.mkdir(mode=0o700, exist_ok=True)
            number = len(list(box.glob("*.question.json"))) + 1
            path = box / f"{number:03d}.question.json"
            draft = _draft(path, question.model_dump_json().encode())
            draft.rename(path)
        except OSError as error:
            raise _unwritten(box, error) from error

        pending = _FileAsked(path, question, self._terminal)
        if self._announce is not None:
            self._announce(question)

        try:
            yield pending
        finally:
            pending.withdraw()

    def waiting(self, folder: Path) -> Question | None:
        """Return the question that waits for its answer, if one does."""
        path = _newest(folder)
        return None if path is None or _answer_path(path).exists() else _read(path, Question)

    def answered(self, folder: Path) -> Iterator[tuple[Question, Answer]]:
        """Return what was answered in that run so far, the newest first."""
        for path in sorted((folder / _FOLDER).glob("*.question.json"), reverse=True):
            if (answer := _answer_of(path)) is not None:
                yield _read(path, Question), answer

    def give(self, folder: Path, step: str, answer: Answer) -> None:
        """Answer the step that waits. Raises UsageError when it does not wait (any more)."""
        path = _newest(folder)
        question = None if path is None else _read(path, Question)
        if path is None or question is None or question.step != step:
            raise UsageError(
                f'the step "{step}" does not wait for an answer',
                hint="See which one does: pradrill answer.",
            )

        if not _post(path, answer.model_dump_json().encode()):
            earlier = _answer_of(path)
            who = "its time is over" if earlier is None else f"{earlier.by} answered it already"
            raise UsageError(
                f'the step "{step}" does not wait any more: {who}',
                hint="The first answer counts; tell of a mistake with pradrill annotate.",
            )

    def aborted(self, folder: Path) -> Abort | None:
        """Return who wants that run to end, if somebody does."""
        path = folder / WISH
        with suppress(OSError, ValidationError):
            return Abort.model_validate_json(path.read_bytes())
        return None

    def abort(self, folder: Path, wish: Abort) -> None:
        """Ask that run to end. Raises UsageError when somebody has done so before."""
        box = folder / _FOLDER
        try:
            box.mkdir(mode=0o700, exist_ok=True)
            _give(box, folder)
            is_first = _linked(folder / WISH, wish.model_dump_json().encode())
        except OSError as error:
            raise _unwritten(folder / WISH, error) from error
        if not is_first:
            before = self.aborted(folder)
            raise UsageError(
                f"the run {folder.name} is being aborted already, by "
                f"{before.by if before else 'somebody'}",
                hint="See what becomes of it: pradrill runs.",
            )


class _FileAsked:
    """A question in a run's folder."""

    def __init__(self, path: Path, question: Question, terminal: Terminal | None) -> None:
        self._path = path
        self._question = question
        self._terminal = terminal
        if terminal is not None:
            terminal.forget()

    def answer(self) -> Answer | None:
        """Return the answer if there is one by now, from wherever it came."""
        if self._terminal is not None:
            answer = self._terminal.answer(self._question)
            if answer is not None:
                _post(self._path, answer.model_dump_json().encode())
        return _answer_of(self._path)

    def withdraw(self) -> Answer | None:
        """Accept no answer any more; return one that came before."""
        _post(self._path, _WITHDRAWN)
        return _answer_of(self._path)


def _newest(folder: Path) -> Path | None:
    return max((folder / _FOLDER).glob("*.question.json"), default=None)


def _answer_path(question: Path) -> Path:
    return question.with_name(question.name.replace(".question.", ".answer."))


def _post(question: Path, content: bytes) -> bool:
    """Make the answer's file; False when there was one before. Raises RecordError."""
    path = _answer_path(question)
    try:
        return _linked(path, content)
    except OSError as error:
        raise _unwritten(path, error) from error


def _linked(path: Path, content: bytes) -> bool:
    """Make a file whole; False when there was one before. Raises OSError."""
    draft = _draft(path, content)
    try:
        _give(draft, path.parent.parent)
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _give(path: Path, folder: Path) -> None:
    """Let the user whose run's folder it is read what root has made in it."""
    owner = folder.stat()
    if os.geteuid() == 0 != owner.st_uid:
        os.chown(path, owner.st_uid, owner.st_gid)


def _answer_of(question: Path) -> Answer | None:
    path = _answer_path(question)
    if not path.exists() or path.read_bytes() == _WITHDRAWN:
        return None
    return _read(path, Answer)


def _read(path: Path, model: type[_Model]) -> _Model:
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise PradrillError(
            f"cannot understand {path}", hint="Only pradrill writes there; look at what did."
        ) from error


def _draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _unwritten(path: Path, error: OSError) -> RecordError:
    return RecordError(
        f"cannot write {path}: {error.strerror}",
        hint="Free space or mend the permissions of the state directory.",
    )
