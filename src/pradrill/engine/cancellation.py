"""Stop a run at SIGINT, SIGTERM and SIGHUP: through its teardown, and never around it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

_CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_STOPPING = "stopping: the standby is torn down first"
_ALREADY = "already stopping: teardown is under way and is not skipped"
_PIPE = 4_096


class Cancellation:
    """Whether the run must stop, and which signal said so (the first one)."""

    def __init__(self, say: Callable[[str], None] = lambda _line: None) -> None:
        self.say = say
        self.received: dict[int, object] = {}
        """Signal → where it came upon the run; the first one is first."""

    @property
    def signal(self) -> int | None:
        """Return the signal that stops the run, if one does."""
        return next(iter(self.received), None)

    def __call__(self) -> bool:
        """Tell whether the run must stop."""
        return bool(self.received)

    def stop(self, number: int) -> None:
        """Take note of a signal."""
        self.received.setdefault(number, None)


@contextmanager
def signals_to(cancellation: Cancellation, *, last: bool = False) -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into a clean stop; restore the handlers afterwards.

    Or hear none any more, when this run is the `last` that its process does: its code is the
    record's, whatever comes while its words are written.
    The handler is a built-in method: no storm of signals can come upon it half done. What is said
    of them is said by a thread, which hears of them by a pipe. A hang-up that `nohup` had ignored
    stays ignored.
    """
    receiver, sender = os.pipe()
    os.set_blocking(sender, False)
    teller = Thread(target=_tell, args=(receiver, cancellation.say), daemon=True)
    teller.start()
    before = {number: signal.getsignal(number) for number in _CAUGHT}
    woken = signal.set_wakeup_fd(sender, warn_on_full_buffer=False)

    for number, handler in before.items():
        if not (number == signal.SIGHUP and handler is signal.SIG_IGN):
            signal.signal(number, cancellation.received.setdefault)

    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_IGN if last else handler)
        signal.set_wakeup_fd(woken)
        os.close(sender)
        teller.join()
        os.close(receiver)


def _tell(receiver: int, say: Callable[[str], None]) -> None:
    """Say that the run stops, and once that it does already."""
    lines = [_STOPPING, _ALREADY]
    while numbers := os.read(receiver, _PIPE):
        for number in numbers:
            if number in _CAUGHT and lines:
                say(lines.pop(0))
