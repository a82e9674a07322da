"""Do something once what is waited for takes too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Timer


@contextmanager
def at_deadline(seconds: float, act: Callable[[], object]) -> Iterator[None]:
    """Run an act in another thread after so many seconds, unless what is within has ended then."""
    timer = Timer(seconds, act)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
