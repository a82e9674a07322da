"""An attempt before its run has begun: kept from its first instant, so that no kill loses it."""

from __future__ import annotations

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from pydantic import ValidationError

from pradrill.domain.register.entry import EntryKind, UnbegunAttempt
from pradrill.errors import ExitCode
from pradrill.register.chain.register import Register
from pradrill.system.durable_files import content_of, opened, unwritten

JOURNAL = "journal.jsonl"
ALIVE = "alive"
EVIDENCE = "evidence"
_NAME = re.compile(r"\.?(\d{8}T\d{6})Z-(.*)-[0-9a-f]{6}")


class Draft:
    """The folder of a run to be: locked, with what is to be entered if no run comes of it.

    Its name begins with a dot until the run opens.
    """

    def __init__(self, folder: Path, lock: TextIO) -> None:
        self.folder = folder
        self.lock = lock
        self._attempt: UnbegunAttempt | None = None

    def keep(self, attempt: UnbegunAttempt) -> None:
        """Write down what is to be entered from here on; raises RecordError."""
        self._attempt = attempt
        content = attempt.model_dump_json().encode()
        try:
            if self.lock.closed:  # a run that could not write its first fact let go of it
                self.lock = _open(self.folder / ALIVE)
                fcntl.flock(self.lock, fcntl.LOCK_EX)
            handle = self.lock.fileno()
            os.ftruncate(handle, 0)
            while content:  # nothing of it may wait in a buffer, and fail at its closing
                content = content[os.write(handle, content) :]
        except OSError as error:
            raise unwritten(self.folder / ALIVE, error) from error

    def enter(self, register: Register, at: datetime, *, late: bool = False) -> UnbegunAttempt:
        """Enter the attempt, then remove what was kept of it; raises RecordError.

        After a crash in between it is not entered again. `late`: by another command than its own;
        then what it says is what lay on the disk, and nobody vouches for it.
        """
        kept = self._kept()
        update = {"folder": self.folder.name.lstrip("."), "late": late}
        if kept.exit_code == ExitCode.PASSED:  # no attempt without a run is one
            update["exit_code"] = ExitCode.INCONCLUSIVE
        attempt = kept.model_copy(update=update)
        # Asked of the bytes: a register that is damaged elsewhere must lose no attempt.
        whole = register.content().rpartition(b"\n")[0]
        if f'"folder":"{attempt.folder}"'.encode() not in whole:
            register.append(EntryKind.ATTEMPT, attempt, at)
        try:
            for name in (JOURNAL, ALIVE):
                (self.folder / name).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                (self.folder / EVIDENCE).rmdir()
            self.folder.rmdir()
        except OSError as error:
            raise unwritten(self.folder, error) from error
        return attempt

    def _kept(self) -> UnbegunAttempt:
        """Return what was written down; when a kill came before, what the folder's name tells."""
        if self._attempt is not None:
            return self._attempt
        try:
            return UnbegunAttempt.model_validate_json(content_of(self.folder / ALIVE))
        except (OSError, ValidationError):
            match = _NAME.fullmatch(self.folder.name)
            stamp, drill = match.groups() if match else ("", self.folder.name)
            began = None
            with suppress(ValueError):
                began = datetime.strptime(stamp, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
            return killed(drill, began)


def killed(
    drill: str,
    began: datetime | None,
    *,
    services: tuple[str, ...] = (),
    trigger: str = "unknown",
    user: str = "unknown",
) -> UnbegunAttempt:
    """Return what is to be entered of an attempt should its process be killed now."""
    return UnbegunAttempt(
        drill=drill,
        services=services,
        trigger=trigger,
        user=user,
        exit_code=ExitCode.INCONCLUSIVE,  # as that of a run that crashed
        because="its process was killed before the run had begun",
        began=began,
    )


def has_begun(folder: Path) -> bool:
    """Tell whether a run's first fact is on the disk: nothing is touched before it is."""
    try:
        return b"\n" in content_of(folder / JOURNAL)
    except FileNotFoundError:
        return False


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait for, and keep off, whoever makes a folder and has not locked it yet."""
    with _open(path) as file:
        path.chmod(0o600)
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _open(path: Path) -> TextIO:
    """Open a file of ours to be locked."""
    return os.fdopen(opened(path, os.O_RDWR | os.O_APPEND | os.O_CREAT), "a+", encoding="utf-8")
