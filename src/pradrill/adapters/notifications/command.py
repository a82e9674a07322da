"""Tells people who do not watch that a drill waits for them: a program of the plan's gets the text.

It runs beside the drill, which neither waits for it nor depends on it.
"""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from pradrill.domain.run.question import Question
from pradrill.ports import Say
from pradrill.reporting.text.questions import announcement

_DEADLINE = "60"  # seconds


class Announcer:
    """Hands each question to the program that the plan names under `notify`."""

    def __init__(self, command: Sequence[str], state: Path, say: Say) -> None:
        self._command = list(command)
        self._state = state
        self._say = say

    def __call__(self, question: Question) -> None:
        """Start the program; what goes wrong is said, and stops nothing."""
        Thread(target=self._run, args=(question,), daemon=True).start()

    def _run(self, question: Question) -> None:
        text = announcement(question, self._state, platform.node() or "this machine")
        try:
            done = subprocess.run(
                ["timeout", _DEADLINE, *self._command],  # it ends in time even after the drill did
                input=text.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the drill
                check=False,
            )
        except (OSError, ValueError) as error:
            self._say(f"{question.who} was not notified: {error}")
            return
        came = "was notified" if done.returncode == 0 else "was not notified"
        self._say(f"{question.who} {came}: {self._command[0]} ended with {done.returncode}")
