"""Keep a line up to date right above the one that a person types on, and let theirs alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event, RLock, Thread

from rich.console import Console, RenderableType
from rich.text import Text

_SAVE, _BACK = "\x1b7", "\x1b8"
_UP, _CLEAR, _CLEAR_REST = "\x1b[1A", "\r\x1b[2K", "\x1b[K"
_EACH = 1.0
"""Seconds between two looks at the clock."""
_MARK = "> "


class Prompt:
    """A clock, and below it where the terminal shows what is typed: it is read elsewhere."""

    def __init__(self, console: Console, clock: Callable[[], Text]) -> None:
        self._console = console
        self._clock = clock
        self._lock = RLock()
        self._over = Event()
        self._thread = Thread(target=self._tick, daemon=True)

    def open(self) -> None:
        """Show both, and let the clock go on."""
        self._show()
        self._thread.start()

    def close(self) -> None:
        """Stop; an empty prompt goes, what was typed stays."""
        self._over.set()
        self._thread.join(2 * _EACH)
        with self._lock:
            self._write(_CLEAR)

    def print(self, *lines: RenderableType) -> None:
        """Print lines that stay, then show clock and prompt again below."""
        with self._lock:
            self._write(_CLEAR)
            self._console.print(*lines, sep="\n")
            self._show()

    def _show(self) -> None:
        with self._lock:
            self._console.print(self._clock())
            self._write(_MARK)

    def _tick(self) -> None:
        while not self._over.wait(_EACH):
            with suppress(OSError, ValueError):
                self._tick_once()

    def _tick_once(self) -> None:
        """Write the clock anew, and go back to what is typed."""
        with self._lock:
            with self._console.capture() as drawing:
                self._console.print(self._clock(), end="")
            self._write(f"{_SAVE}{_UP}\r{drawing.get()}{_CLEAR_REST}{_BACK}")

    def _write(self, codes: str) -> None:
        self._console.file.write(codes)
        self._console.file.flush()
