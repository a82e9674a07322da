"""Write the command line's words, and tell when nobody could read them.

Pipes break, terminals hang up, disks fill. A word that cannot be written changes no outcome: the
run goes on, and its exit code is its record's. A command that only tells something has failed
when its words are lost, unless its reader went away, as `head` does.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

from pradrill.errors import ExitCode, PradrillError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_ATOMIC = select.PIPE_BUF
_hints: set[str] = set()  # those that this command has given
_PATIENCE = 5.0  # seconds that a run waits for whoever does not read on


class Outlet(io.RawIOBase):
    """A descriptor to write to. Writing never raises: what is lost is remembered in `failure`."""

    def __init__(self, handle: int, *, closes: bool = False) -> None:
        super().__init__()
        self.failure: OSError | None = None
        self.patience: float | None = None
        """Seconds to wait for a reader that is slow; none: as long as it takes."""
        self.forgiven = False
        """What is lost does not change the exit code."""
        self._handle = handle
        self._closes = closes
        self._stalled = False
        self._gone_errno = (
            errno.EIO if os.isatty(handle) else errno.EPIPE
        )  # of a terminal that hung up

    @property
    def failed(self) -> bool:
        """Tell whether words were lost though their reader did not just go away."""
        return self.failure is not None and self.failure.errno != self._gone_errno

    def writable(self) -> bool:
        """Return that it is."""
        return True

    def fileno(self) -> int:
        """Return the descriptor."""
        return self._handle

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""
        return os.isatty(self._handle)

    def write(self, content: ReadableBuffer, /) -> int:
        """Write some of it; say that all is written of what is lost."""
        piece = bytes(content)
        try:
            return self._write(piece)
        except OSError as error:
            self.failure = self.failure or error
            return len(piece)

    def close(self) -> None:
        """Close the descriptor, if it is ours to close."""
        if self._closes and not self.closed:
            with suppress(OSError):
                os.close(self._handle)
        super().close()

    def _write(self, piece: bytes) -> int:
        if self.patience is not None:
            self._wait(0.0 if self._stalled else self.patience)
            piece = piece[:_ATOMIC]  # more could wait for the reader all the same

        while True:
            try:
                return os.write(self._handle, piece)
            except BlockingIOError:
                self._wait(self.patience)

    def _wait(self, seconds: float | None) -> None:
        """Wait until something can be written. Raises TimeoutError."""
        poll = select.poll()
        poll.register(self._handle, select.POLLOUT)
        self._stalled = not poll.poll(None if seconds is None else seconds * 1000)
        if self._stalled:
            raise TimeoutError(errno.ETIMEDOUT, "nobody reads it")


def text(outlet: Outlet, encoding: str = "utf-8", *, by_line: bool = True) -> TextIO:
    """Return an outlet for text: a character that the encoding lacks becomes a question mark."""
    buffer = io.BufferedWriter(outlet)
    return io.TextIOWrapper(buffer, encoding, errors="replace", line_buffering=by_line)


@contextmanager
def owned() -> Iterator[None]:
    """Put outlets where Python writes by itself; a stream that a test has put there stays."""
    _open_missing()
    _hints.clear()
    streams = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115 it stays
    sys.stdout = _owned(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _owned(sys.stderr, sys.__stderr__, 2)

    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        sys.stdin, sys.stdout, sys.stderr = streams


def words(error: PradrillError) -> str:
    """Return an error as people are told it: a hint once, however many errors it mends."""
    if error.hint is None or error.hint in _hints:
        return error.message

    _hints.add(error.hint)
    return str(error)


@contextmanager
def nothing_held_up() -> Iterator[None]:
    """Let no reader hold up what is done meanwhile: it is waited for once, not for ever."""
    before = [(outlet, outlet.patience) for outlet in _outlets()]
    for outlet, _ in before:
        outlet.patience = _PATIENCE
    try:
        yield
    finally:
        for outlet, patience in before:
            outlet.patience = patience


def beside_deeds() -> None:
    """Let what this command does count from here on, and not whether its words are read.

    Its exit code is that of the run, of the teardown, of what is removed; no reader holds it up,
    nor its end: whoever waits for the code would wait for ever.
    """
    for outlet in _outlets():
        outlet.patience = _PATIENCE
        outlet.forgiven = True


def is_lost() -> bool:
    """Tell whether nobody reads on what is printed."""
    sys.stdout.flush()
    outlet = _outlet(sys.stdout)
    return outlet is not None and outlet.failure is not None


def exit_code(code: int) -> int:
    """Return a command's exit code, or that of a failure when what it told could not be written."""
    sys.stdout.flush()
    outlet = _outlet(sys.stdout)
    if outlet is None or not outlet.failed or outlet.forgiven or code != ExitCode.PASSED:
        return code

    why = outlet.failure.strerror if outlet.failure else ""
    print(f"the output cannot be written: {why}", file=sys.stderr)
    print("HINT: Free space, or send the output elsewhere.", file=sys.stderr)

    return ExitCode.INTERNAL


def _open_missing() -> None:
    """Fill the standard descriptors: the next file opened would become one, and be printed into."""
    for handle in (0, 1, 2):
        try:
            os.fstat(handle)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def _owned(stream: TextIO | None, original: TextIO | None, handle: int) -> TextIO:
    if stream is None:  # it was closed when Python began
        return text(Outlet(handle))
    if stream is not original:
        return stream

    with suppress(OSError, ValueError):
        stream.flush()

    return text(Outlet(handle), stream.encoding, by_line=handle == 2 or stream.isatty())  # noqa: PLR2004 stderr


def _outlets() -> list[Outlet]:
    return [each for each in (_outlet(sys.stdout), _outlet(sys.stderr)) if each is not None]


def _outlet(stream: TextIO) -> Outlet | None:
    raw = getattr(getattr(stream, "buffer", None), "raw", None)
    return raw if isinstance(raw, Outlet) else None
