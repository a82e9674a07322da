"""The folders of a state's runs: which are sealed, which are alive; all that a list asks for."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from collections.abc import Collection
from pathlib import Path

from pradrill.errors import RecordError
from pradrill.register.chain.register import Register
from pradrill.register.runs.draft import ALIVE
from pradrill.register.runs.entries import gone, named
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
        return [folder for folder in self._folders() if is_sealed(folder)]

    def alive(self) -> list[Path]:
        """Return the folders of the runs whose process is alive."""
        return [folder for folder in self._unsealed() if is_locked(folder)]

    def without_record(self) -> list[RecordError]:
        """Return an error for each run that the register names and that has lost its record."""
        bare = [folder.name for folder in self._folders() if not is_sealed(folder)]
        registered = named(self.register) if bare else {}
        return [gone(name, "record") for name in bare if name in registered]

    def unsettled(self, entered: Collection[str]) -> bool:
        """Tell whether a run is here that the register does not name, or that has no record."""
        return bool(self._named(_UNBEGUN)) or any(
            folder.name not in entered or not is_sealed(folder) for folder in self._folders()
        )

    def _unsealed(self) -> list[Path]:
        """Return the folders of runs that go on, or were killed: they have no record yet.

        One that the register names was sealed, whatever has become of its record; one whose first
        fact nobody vouches for was never begun.
        """
        folders = [folder for folder in self._folders() if not is_sealed(folder)]
        if not folders:
            return []
        from pradrill.register.runs.vouched import not_begun  # noqa: PLC0415 a list has none

        registered, key = named(self.register), self.register.public_key()
        return [
            folder
            for folder in folders
            if folder.name not in registered and not_begun(folder, key) is None
        ]

    def _folders(self) -> list[Path]:
        """Return the folders of all runs, oldest first; raises RecordError."""
        return self._named(_RUN)

    def _named(self, pattern: re.Pattern[str]) -> list[Path]:
        try:
            with os.scandir(self.runs) as entries:
                names = sorted(e.name for e in entries if pattern.match(e.name) and _is_folder(e))
            return [self.runs / name for name in names]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RecordError(
                f"cannot read {self.runs}: {error.strerror}", hint="Read it as its owner."
            ) from error


def is_sealed(folder: Path) -> bool:
    """Tell whether a run has its record."""
    try:
        os.stat(f"{folder}/{RECORD}")  # noqa: PTH116 asked of thousands: pathlib costs thrice that
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        return False
    return True


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
