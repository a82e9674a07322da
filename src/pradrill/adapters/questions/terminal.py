"""Read answers that are typed where the run is watched."""

from __future__ import annotations

import os
import select
import termios
from collections.abc import Callable

from pradrill.domain.declared.manual_step import Confirm
from pradrill.domain.run.question import Answer, Question

_YES = frozenset({"y", "yes", "o", "oui"})
_NO = frozenset({"n", "no", "non"})
_LONGEST = 4_000


class Terminal:
    """Reads whole lines from a terminal without ever waiting for one.

    `again`: what is said to whoever typed neither yes nor no.
    """

    def __init__(self, handle: int, *, user: str, say: Callable[[str], None], again: str) -> None:
        self._handle = handle
        self._user = user
        self._say = say
        self._again = again
        self._typed = b""
        self._is_gone = False

    def forget(self) -> None:
        """Drop what was typed before the question: it does not answer it."""
        self._typed = b""
        if self._in_front():
            termios.tcflush(self._handle, termios.TCIFLUSH)

    def answer(self, question: Question) -> Answer | None:
        """Return the answer that was typed; None while nobody has answered."""
        line = self._line()
        if not line:
            return None
        if question.confirm is Confirm.TEXT:
            return self._answer_from(line, yes=True)

        word, _, rest = line.partition(" ")
        word = word.rstrip(":,.").lower()
        if word in _YES | _NO:
            return self._answer_from(rest.strip(), yes=word in _YES)

        self._say(self._again)
        return None

    def _answer_from(self, text: str, *, yes: bool) -> Answer:
        return Answer(yes=yes, text=text[:_LONGEST], by=self._user, via="terminal")

    def _line(self) -> str:
        while b"\n" not in self._typed:
            if not (self._in_front() and select.select([self._handle], [], [], 0)[0]):
                return ""

            try:
                read = os.read(self._handle, 4_096)
            except OSError:  # the terminal went away; `pradrill answer` is still there
                read = b""

            self._is_gone = not read
            self._typed += read

        line, _, self._typed = self._typed.partition(b"\n")
        return line.decode(errors="replace").strip()

    def _in_front(self) -> bool:
        """Tell whether reading is ours: a background process that reads is stopped (SIGTTIN)."""
        if self._is_gone:
            return False
        try:
            return os.tcgetpgrp(self._handle) == os.getpgrp()
        except OSError:
            return False
