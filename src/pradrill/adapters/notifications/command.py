"""Notify people by a program of the plan's, which gets the text on its standard input.

It runs beside the drill, which neither waits for it nor depends on it.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from threading import Thread

from pradrill.ports import Say

_DEADLINE = "60"  # seconds


class CommandNotifier:
    """Hands each text to the program that the plan names under `notify`."""

    def __init__(self, command: Sequence[str], say: Say) -> None:
        self._command = list(command)
        self._say = say

    def tell(self, who: str, text: str) -> None:
        """Start the program; what goes wrong is said, and stops nothing."""
        Thread(target=self._run, args=(who, text), daemon=True).start()

    def _run(self, who: str, text: str) -> None:
        try:
            ended = subprocess.run(
                ["timeout", _DEADLINE, *self._command],  # it ends in time even after the drill did
                input=text.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the drill
                check=False,
            )
        except (OSError, ValueError) as error:
            self._say(f"{who} was not notified: {error}")
            return
        outcome = "was notified" if ended.returncode == 0 else "was not notified"
        self._say(f"{who} {outcome}: {self._command[0]} ended with {ended.returncode}")
