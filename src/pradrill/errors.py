"""Say why pradrill refuses or fails: one sentence, a hint, an exit code."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Self

N_ = str
"""Marks a text that reports translate, as gettext does."""


class ExitCode(IntEnum):
    """The process's answer. An open set: treat a code that you do not know as a failure.

    `phrase` is what summaries and reports say, `meaning` what the table for people says. Of
    several codes the one with the highest `rank` is the answer.
    """

    phrase: str
    meaning: str
    rank: int

    def __new__(cls, value: int, phrase: str, meaning: str, rank: int) -> Self:
        """Give the number its meaning and its rank."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.phrase, code.meaning, code.rank = phrase, meaning, rank
        return code

    @classmethod
    def find(cls, code: int) -> ExitCode | None:
        """Return the member of that value, if there is one."""
        return next((member for member in cls if member == code), None)

    @classmethod
    def rank_of(cls, code: int) -> int:
        """Return a code's rank; an unknown one ranks above all."""
        member = cls.find(code)
        return member.rank if member is not None else max(each.rank for each in cls) + 1

    @classmethod
    def worst(cls, codes: Iterable[int]) -> int:
        """Return the code with the highest rank; PASSED of none."""
        return max(codes, key=cls.rank_of, default=cls.PASSED)

    PASSED = 0, N_("passed"), "PASSED: recovered, verified, both objectives met", 0
    INTERNAL = (
        1,
        N_("internal error"),
        "internal error: our bug, or the answer could not be written",
        9,
    )
    USAGE = 2, N_("usage"), "usage: the command line is wrong, or names a run that there is not", 12
    CONFIGURATION = (
        3,
        N_("configuration, nothing touched"),
        "configuration: plan, drill or inventory is wrong; nothing was touched",
        5,
    )
    NOT_READY = (
        4,
        N_("not ready, nothing touched"),
        "not ready: a precondition or a guard does not hold; nothing was touched",
        4,
    )
    BUSY = 5, N_("busy, another run held the standby"), "busy: another run holds the standby", 3
    FAILED = 10, N_("failed"), "FAILED: the recovery did not work", 7
    MISSED = (
        11,
        N_("recovered, objective exceeded"),
        "MISSED: it works, and an objective was missed",
        2,
    )
    INCONCLUSIVE = 12, N_("inconclusive"), "INCONCLUSIVE: the evidence does not suffice", 6
    RESIDUE = (
        13,
        N_("passed, but teardown left residue"),
        "passed, but residue is left on the standby",
        1,
    )
    RECORD = (
        14,
        N_("the record could not be written"),
        "the record could not be written, or the register is not what was recorded",
        8,
    )
    ACKNOWLEDGED = (
        15,
        N_("the register is damaged, as acknowledged"),
        "the register is not what was recorded, and all that is wrong is acknowledged",
        8,
    )
    INTERRUPTED = (
        130,
        N_("interrupted, after teardown"),
        "interrupted by Ctrl-C or pradrill abort, after teardown",
        11,
    )
    TERMINATED = 143, N_("terminated, after teardown"), "terminated, after teardown", 10


UNREADABLE = (
    *(ValueError, TypeError, LookupError, AttributeError),
    *(ArithmeticError, RecursionError),
)
"""What comes of reading an answer, or a file, that its author would never write."""


class PradrillError(Exception):
    """An error meant for the user: one lower-case sentence without a final stop, then a hint."""

    exit_code = ExitCode.INTERNAL

    def __init__(self, message: str, *, hint: str | None = None, mend: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.mend = tuple(mend)
        """Commands that mend it, exactly as they are typed; `hint` says the same to people."""

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


class ClosedPathError(NotReadyError):
    """A path among backups may not be read, or is not there any more; others may be."""


class BusyError(PradrillError):
    """Another run holds the standby; nothing was touched."""

    exit_code = ExitCode.BUSY


class UnreachableError(PradrillError):
    """A host does not answer over SSH, or answers with a host key that is not the pinned one."""

    exit_code = ExitCode.INCONCLUSIVE


class RecordError(PradrillError):
    """A journal or a record could not be written or read."""

    exit_code = ExitCode.RECORD


_DISK = {
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ESTALE),
    *(errno.EISDIR, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO),
}


@contextmanager
def explaining_disk_errors() -> Iterator[None]:
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
