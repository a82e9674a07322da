"""Look at the folders of a state's runs: which are sealed, which are alive."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path

from pradrill.errors import RecordError, UsageError
from pradrill.register.chain.register import Register
from pradrill.register.runs.draft import ALIVE, has_begun
from pradrill.register.runs.entries import hashes_at_hand, lost
from pradrill.register.runs.ownership import owner
from pradrill.system.durable_files import opened

RECORD = "record.json"
_RUN = re.compile(r"2.*Z-")
_UNBEGUN = re.compile(r"\.2.*Z-")


class RunFolders:
    """The folders below `STATE/runs`. Holds and writes nothing."""

    def __init__(self, state: Path, register: Register) -> None:
        self.state = state
        self.register = register
        self.runs = state / "runs"

    def has_crashed(self) -> bool:
        """Tell whether a run ended without a record."""
        return bool(self.killed())

    def killed(self) -> list[str]:
        """Return the ids of the runs without a record whose process is gone."""
        return [folder.name for folder in self._unsealed() if not is_locked(folder)]

    def writable(self) -> bool:
        """Tell whether runs can be recorded here: a copy may be there for reading only."""
        return not self.runs.exists() or os.access(self.runs, os.W_OK)

    def sealed(self) -> list[Path]:
        """Return the folders of the sealed runs, oldest first."""
        return self.sealed_or_not()[0]

    def alive(self) -> list[Path]:
        """Return the folders of the runs whose process is alive."""
        return [folder for folder in self._unsealed() if is_locked(folder)]

    def without_record(self, unsealed: Collection[Path]) -> list[RecordError]:
        """Return an error for each of them that the register names: it has lost its record."""
        registered = hashes_at_hand(self.register) if unsealed else {}
        return [lost(each.name) for each in unsealed if each.name in registered]

    def sealed_or_not(self) -> tuple[list[Path], list[Path]]:
        """Return the folders of the sealed runs, and those of the others, oldest first."""
        sealed, others = self._split()
        return [self.runs / name for name in sealed], [self.runs / name for name in others]

    def unsettled(self, entered: Collection[str]) -> bool:
        """Tell whether a run is here that the register does not name, or that has no record."""
        sealed, others = self._split()
        return bool(others or self._names(_UNBEGUN)) or not set(sealed) <= set(entered)

    def strangers(self, entered: Collection[str]) -> list[Path]:
        """Return the folders of runs, begun or not, that are not among those; looks into none."""
        names = (*self._names(_RUN), *self._names(_UNBEGUN))
        return [self.runs / name for name in names if name not in entered]

    def owes_entries(self, entered: Collection[str]) -> bool:
        """Tell whether anything here is to be entered that is not among those.

        A run that goes on is not, nor one that was only killed: it is swept first.
        """
        strangers = self.strangers(entered)
        if not strangers:
            return False
        key = self.register.public_key()
        return any(
            is_sealed(each) or not has_begun(each) or _is_made_up(each, key) for each in strangers
        )

    def _split(self) -> tuple[list[str], list[str]]:
        """Return the ids of the sealed runs, and of the others. Of thousands, so they are text."""
        sealed: list[str] = []
        others: list[str] = []
        for name in self._names(_RUN):
            (sealed if _has_record(f"{self.runs}/{name}") else others).append(name)
        return sealed, others

    def _unsealed(self) -> list[Path]:
        """Return the folders of runs that go on, or were killed: they have no record yet.

        One that the register names was sealed, whatever has become of its record; one whose first
        fact nobody vouches for was never begun.
        """
        folders = self.sealed_or_not()[1]
        if not folders:
            return []

        registered, key = hashes_at_hand(self.register), None
        with suppress(RecordError):  # neither then: a killed run is torn down all the same
            key = self.register.public_key()

        return [
            folder
            for folder in folders
            if folder.name not in registered and not _is_made_up(folder, key)
        ]

    def _folders(self) -> list[Path]:
        """Return the folders of all runs, oldest first; raises RecordError."""
        return [self.runs / name for name in self._names(_RUN)]

    def _names(self, pattern: re.Pattern[str]) -> list[str]:
        try:
            with os.scandir(self.runs) as entries:
                return sorted(e.name for e in entries if pattern.match(e.name) and _is_folder(e))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RecordError(
                f"cannot read {self.runs}: {error.strerror}", hint="Read it as its owner."
            ) from error


def the_one(run_ids: Sequence[str], name: str) -> str | None:
    """Return the run that is named whole or in part; None when none is. Raises UsageError."""
    matches = [run_id for run_id in run_ids if name in run_id]
    exact = [run_id for run_id in matches if run_id == name]
    if len(exact or matches) == 1:
        return (exact or matches)[0]
    if matches:
        some = ", ".join(matches[-5:])
        raise UsageError(f"{name} names {len(matches)} runs", hint=f"Give more of it: {some}.")
    return None


def is_sealed(folder: Path) -> bool:
    """Tell whether a run has its record."""
    return _has_record(str(folder))


def _has_record(folder: str) -> bool:
    try:
        os.stat(f"{folder}/{RECORD}")  # noqa: PTH116 asked of thousands: pathlib costs thrice that
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return False
    return True


def _is_made_up(folder: Path, key: str | None) -> bool:
    """Tell whether no process of ours began a run; where no key is named nothing says so."""
    if key is None:
        return False
    from pradrill.register.runs.vouched import not_begun  # noqa: PLC0415 with a record's models

    return not_begun(folder, key) is not None


def is_locked(folder: Path) -> bool:
    """Look whether a run's process is alive; writes nothing, and keeps no other reader from it."""
    if owner(folder) is not None:
        return True
    try:
        lock = opened(folder / ALIVE, os.O_RDONLY)
    except FileNotFoundError:
        return not folder.exists()
    except OSError as error:
        raise RecordError(f"cannot read {folder / ALIVE}: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) or (entry.is_symlink() and Path(entry).is_dir())
