"""What pradrill says when it refuses or fails: one sentence, a hint, an exit code."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum


class ExitCode(IntEnum):
    """The process's answer. An open set: treat a code that you do not know as a failure."""

    PASSED = 0
    INTERNAL = 1
    USAGE = 2
    CONFIGURATION = 3
    NOT_READY = 4
    BUSY = 5
    FAILED = 10
    MISSED = 11
    INCONCLUSIVE = 12
    RESIDUE = 13
    RECORD = 14
    ACKNOWLEDGED = 15
    INTERRUPTED = 130
    TERMINATED = 143


class PradrillError(Exception):
    """An error meant for the user: one lower-case sentence without a final stop, then a hint."""

    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nHINT: {self.hint}"


class UsageError(PradrillError):
    """The command line asks for something that does not exist."""

    exit_code = ExitCode.USAGE


class ConfigurationError(PradrillError):
    """The plan, the drill or the inventory is wrong; nothing was touched."""

    exit_code = ExitCode.CONFIGURATION


class NotReadyError(PradrillError):
    """A precondition does not hold; nothing was touched."""

    exit_code = ExitCode.NOT_READY


class BusyError(PradrillError):
    """Another run holds the standby; nothing was touched."""

    exit_code = ExitCode.BUSY


class UnreachableError(PradrillError):
    """A host does not answer over SSH, or answers with a host key that is not the pinned one."""

    exit_code = ExitCode.INCONCLUSIVE


class RecordError(PradrillError):
    """A journal or a record could not be written or read."""

    exit_code = ExitCode.RECORD


_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE}


@contextmanager
def told_of_disk() -> Iterator[None]:
    """Turn the error of a full, read-only or failing disk into a RecordError."""
    try:
        yield
    except OSError as error:
        raise of_disk(error) or error from error.__cause__


def of_disk(error: OSError) -> RecordError | None:
    """Return what a full, read-only or failing disk is for the user; None for another error."""
    if error.errno not in _DISK:
        return None
    what = error.filename if isinstance(error.filename, str) else "what must be kept"
    return RecordError(
        f"cannot write or read {what}: {error.strerror}",
        hint="Free space or mend the disk of the state directory and of /tmp, then run again.",
    )
