"""SIGINT and SIGTERM: they stop a run through its teardown, and never around it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Cancellation:
    """Whether the run must stop, and which signal said so (the first one)."""

    def __init__(self, say: Callable[[str], None] = lambda _line: None) -> None:
        self.signal: int | None = None
        self._say = say

    def __call__(self) -> bool:
        """Tell whether the run must stop."""
        return self.signal is not None

    def stop(self, number: int) -> None:
        """Take note of a signal."""
        if self.signal is None:
            self.signal = number
            self._say("stopping: the standby is torn down first")
        else:
            self._say("already stopping: teardown is under way and is not skipped")


@contextmanager
def signals_to(cancellation: Cancellation) -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into a clean stop; restore the handlers afterwards."""

    def handle(number: int, _frame: FrameType | None) -> None:
        cancellation.stop(number)

    caught = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handle) for number in caught}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
