"""Keep the outbox in `STATE/notifications.json`; one process at a time works on it."""

from __future__ import annotations

import fcntl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from pradrill.app.reading import StateReader, warn
from pradrill.domain.dossier.outbox import OUTBOX, ChannelFailure, Outbox
from pradrill.errors import BusyError
from pradrill.system.durable_files import content_of, opened_lock, unwritten, write_whole

PATIENCE = 150.0
"""Seconds: longer than whoever is before us takes for all channels, a secret and a last message."""

_TICK = 0.2


def remark(words: str) -> None:
    """Say to somebody who watches what takes its time."""
    if sys.stderr.isatty():
        warn(words)


class OutboxFile:
    """The outbox on the disk."""

    def __init__(self, state: Path) -> None:
        self._path = state / OUTBOX
        self._is_writable = True

    def read(self) -> Outbox:
        """Return what is kept; of a damaged file nothing, which is told."""
        try:
            return Outbox.model_validate_json(content_of(self._path))
        except FileNotFoundError:
            return Outbox()
        except (OSError, ValidationError) as error:
            reason = getattr(error, "strerror", None) or "it is not what was written"
            warn(f"{self._path} cannot be read: {reason}; what waited in it is not told")
            return Outbox()

    def write(self, outbox: Outbox) -> None:
        """Keep it. Where that cannot be somebody is told all the same, and perhaps again."""
        try:
            write_whole(self._path, outbox.model_dump_json(indent=1).encode() + b"\n", 0o600)
        except OSError as error:
            if self._is_writable:
                warn(f"what was told is not remembered: {unwritten(self._path, error).message}")
            self._is_writable = False


def failures_of(state: Path) -> dict[str, ChannelFailure]:
    """Return the channels that could not be reached when somebody was to be told."""
    path = state / OUTBOX
    if not path.exists():
        return {}
    try:
        return Outbox.model_validate_json(content_of(path)).failures
    except (OSError, ValidationError):  # whoever tells somebody says so, and writes it anew
        return {}


@contextmanager
def alone_at_the_outbox(app: StateReader) -> Iterator[OutboxFile]:
    """Wait for other commands that tell somebody. Raises BusyError."""
    with opened_lock(app.state / "locks" / "notifications") as lock:
        for number in range(round(PATIENCE / _TICK)):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if number == 0:
                    remark("waiting for another command that tells people")
                app.clock.sleep(_TICK)
        else:
            raise BusyError("another command is telling people; the next one tells what is left")
        yield OutboxFile(app.state)
