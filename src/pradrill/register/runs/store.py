"""Store runs on disk: `runs/<run_id>/`, from the attempt on until its record is entered."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from typing import NoReturn

from pradrill.domain.register.entry import AttemptEntry, RunEntry
from pradrill.domain.register.symptom import Symptom
from pradrill.domain.run.lease import Holder
from pradrill.domain.run.owner import Doing, Owner
from pradrill.domain.run.record import RunRecord
from pradrill.errors import BusyError, RecordError, UsageError
from pradrill.register.chain.register import Register, line_hash
from pradrill.register.runs.draft import ALIVE, EVIDENCE, Draft, alone, has_begun
from pradrill.register.runs.enter import enter_made_up, enter_run, read_record
from pradrill.register.runs.entries import changed, entered, hashes_at_hand, lost, runs_of
from pradrill.register.runs.folders import RECORD, RunFolders, is_locked, is_sealed, the_one
from pradrill.register.runs.genuine import why_not_genuine
from pradrill.register.runs.journal import RunJournal
from pradrill.register.runs.ownership import lease_of, lock_free_run, owner, try_lock
from pradrill.register.runs.vouched import not_begun, why_unvouched
from pradrill.system.durable_files import sync_folder, unwritten

_UNFIT = re.compile(r"[^0-9A-Za-z._-]+")
_LONGEST = 60


Say = Callable[[str], None]


class FileRunStore(RunFolders):
    """All runs under one state directory (DESIGN §7)."""

    def __init__(self, state: Path, register: Register | None = None) -> None:
        super().__init__(state, register or Register(state))
        self._launches = state / "locks" / "launches"
        self._prepared: Draft | None = None

    def prepare(self, attempt: AttemptEntry, start: datetime) -> Draft:
        """Keep an attempt from now on; the next run that opens is its run. Raises RecordError."""
        self._prepared = draft = self._draft(_UNFIT.sub("-", attempt.drill)[:_LONGEST], start)
        with suppress(RecordError):  # a full disk: the folder's name tells of it, should it be lost
            draft.keep(attempt)
        return draft

    def open(self, drill: str, started: datetime) -> RunJournal:
        """Begin a run: its folder and journal; raises RecordError."""
        draft, self._prepared = self._prepared or self._draft(drill, started), None
        suffix = draft.folder.name.rpartition("-")[2]

        folder = self.runs / f"{started:%Y%m%dT%H%M%SZ}-{drill}-{suffix}"
        try:
            draft.folder = draft.folder.rename(folder)
            sync_folder(self.runs)
        except OSError as error:
            raise unwritten(folder, error) from error

        return RunJournal(folder, draft.lock, self.register)

    def _draft(self, drill: str, start: datetime) -> Draft:
        """Make a run's folder under a hidden name, and lock it."""
        folder = self.runs / f".{start:%Y%m%dT%H%M%SZ}-{drill}-{secrets.token_hex(3)}"
        try:
            for part in (self.state, self.runs, self._launches.parent):
                part.mkdir(mode=0o700, parents=part == self.state, exist_ok=True)

            with alone(self._launches):
                folder.mkdir(mode=0o700)
                lock = try_lock(folder / ALIVE)

            (folder / EVIDENCE).mkdir(mode=0o700)
            sync_folder(self.runs)
        except OSError as error:
            rmtree(folder, ignore_errors=True)  # it would be entered as an attempt of its own
            raise unwritten(folder, error) from error

        assert lock is not None  # noqa: S101 nobody else looked at it
        return Draft(folder, lock)

    @contextmanager
    def hold(self, standby_key: str, run_id: str) -> Iterator[None]:
        """Hold a standby for one run; raises BusyError, naming the holder."""
        path = self.state / "locks" / hashlib.sha256(standby_key.encode()).hexdigest()[:16]
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = try_lock(path)
        except OSError as error:
            raise unwritten(path, error) from error
        if lock is None:
            holder = path.read_text(encoding="utf-8", errors="replace").strip() or "another run"
            raise BusyError(
                f"the standby {standby_key} is held by {holder}",
                hint="Wait for that run to end, or stop it with Ctrl-C or kill -TERM.",
            )

        with lock:
            with suppress(OSError):  # the name is a courtesy: the lock holds on a full disk too
                os.truncate(path, 0)
                os.write(lock.fileno(), f"run {run_id} (pid {os.getpid()})".encode())

            try:
                yield
            finally:
                with suppress(OSError):
                    lease_of(self.state, run_id).unlink(missing_ok=True)

    def renewed(self, run_id: str) -> None:
        """Note that a run holds its leases, from now on for a term; a full disk changes nothing."""
        with suppress(OSError):
            lease_of(self.state, run_id).touch(mode=0o600)

    def holder(self, run_id: str) -> Holder:
        """Return how a run of this store signs what it holds elsewhere."""
        controller = platform.node() or "unknown"
        return Holder(run=run_id, controller=controller, state=str(self.state))

    def has_ended(self, holder: Holder) -> bool:
        """Tell whether it is a run of this store whose process is gone.

        A copy of this state on another machine, or under another name, does not know that.
        """
        folder = self.runs / holder.run
        is_ours = holder == self.holder(holder.run) and folder.parent == self.runs
        return is_ours and folder.is_dir() and not is_locked(folder)

    def crashed(self, spare: Collection[str] = ()) -> list[RunJournal]:
        """Return the runs that ended without a record and whose process is gone, but for some."""
        journals = []
        for folder in self._unsealed():
            if folder.name not in spare and (lock := lock_free_run(folder)):
                if is_sealed(folder):  # sealed just now, before its lock was free
                    lock.close()
                else:
                    journals.append(RunJournal(folder, lock, self.register))
                    journals[-1].claim_as(Doing.TEARDOWN)
        return journals

    def claim(self, run: str, doing: Doing) -> RunJournal:
        """Return the killed run that is meant, as this process's own from now on.

        Raises BusyError, naming whose it is already, and UsageError for any other run.
        """
        run_id = the_one([folder.name for folder in self._unsealed()], run)
        if run_id is None:
            self._refuse_sealed(run)

        folder = self.runs / run_id
        lock = lock_free_run(folder)
        if lock is None:
            raise BusyError(
                f"the run {folder.name} is held by {self.owner(folder.name) or 'another process'}",
                hint=f"Wait for it, or stop it: pradrill abort {folder.name}.",
            )
        journal = RunJournal(folder, lock, self.register)
        if is_sealed(folder) or not journal.has_facts():  # just now, or nothing was begun
            journal.close()
            self._refuse_sealed(run)
        journal.claim_as(doing)
        return journal

    def why_unvouched(self, run_id: str) -> str | None:
        """Say why a run's facts are not those that its process wrote, if so. Raises RecordError."""
        try:
            return why_unvouched(self.runs / run_id, self.register.public_key())
        except OSError as error:
            raise RecordError(f"cannot read {error.filename}: {error.strerror}") from error

    def owner(self, run_id: str) -> Owner | None:
        """Return the living process whose a run is, if another one's."""
        return owner(self.runs / run_id)

    def _refuse_sealed(self, run: str) -> NoReturn:
        if any(run in folder.name for folder in self.sealed()):
            raise UsageError(
                f"the run {run} has ended: its record is sealed, its standby was torn down",
                hint="Launch its drill again: pradrill run DRILL.",
            )
        raise UsageError(f"no run is named {run}", hint="List them: pradrill runs.")

    def settle(self, at: datetime, tell: Say = lambda _line: None) -> list[str]:
        """Enter the sealed runs that a crash kept out of the register; return their ids.

        A run that is not what its journal tells, or that no process of ours began, is entered as
        damage, and told. Raises RecordError when the register cannot be read or written.
        """
        self.register.settle(at)
        late = []
        run_ids = entered(self.register)
        for folder in self._folders():
            if folder.name in run_ids or not self._is_to_be_entered(folder):
                continue

            lock = lock_free_run(folder)
            if lock is None:  # its own process is about to enter it
                continue

            with lock:
                if folder.name in entered(self.register):  # now that nobody else can
                    continue
                sealed = is_sealed(folder)
                key = self.register.public_key()
                why = why_not_genuine(folder, key) if sealed else not_begun(folder, key)
                if why is not None:
                    how = "is sealed" if sealed else "has no record"
                    tell(f"run {folder.name} {how}, and is not entered: {why}")
                    if not sealed:
                        tell("HINT: Nothing is torn down for it; was it yours, see its standby.")
                    enter_made_up(self.register, folder, f"{how}, has no entry", why, at)
                elif sealed:
                    enter_run(self.register, folder, at)
                    late.append(folder.name)
        return late

    def _is_to_be_entered(self, folder: Path) -> bool:
        """Tell whether it is sealed, or was made up; one that is only killed is swept first."""
        if is_sealed(folder):
            return True
        with suppress(OSError):
            return has_begun(folder) and not_begun(folder, self.register.public_key()) is not None
        return False

    def enter_unbegun(self, at: datetime) -> list[AttemptEntry]:
        """Enter the attempts that were killed before their run had begun; raises RecordError."""
        late = []
        for folder in sorted([*self.runs.glob(".2*Z-*"), *self._folders()]):
            if is_sealed(folder) or has_begun(folder):
                continue

            with alone(self._launches):
                lock = lock_free_run(folder)

            if lock is not None:
                with lock:
                    if not has_begun(folder):  # nor did it before its process was gone
                        late.append(Draft(folder, lock).enter(self.register, at, late=True))

        return late

    def readable(self) -> tuple[list[RunRecord], list[RecordError]]:
        """Return every sealed record, oldest first, and an error for each that is not as sealed."""
        records: list[RunRecord] = []
        damaged: list[RecordError] = []
        registered = hashes_at_hand(self.register)
        for folder in self._folders():
            hashes = registered.get(folder.name)
            if not is_sealed(folder):
                damaged += [] if hashes is None else [lost(folder.name)]
                continue
            try:
                record, content = read_record(folder / RECORD)
            except RecordError as error:
                damaged.append(error)
                continue
            records.append(record)
            if hashes is not None and line_hash(content) not in hashes:
                damaged.append(changed(folder.name))

        return records, damaged

    def last_finished(self) -> Iterator[RunRecord]:
        """Read of each service the last run that finished, if its record is the one entered.

        What was made up or changed stands for no drill, and stops none. The register tells which
        records are read.
        """
        folders = {folder.name: folder for folder in self._folders()}
        services: set[str] = set()
        for run in sorted(self._entries(), key=lambda run: run.started, reverse=True):
            counts = run.finished and not run.rehearsal
            if not counts or run.run_id not in folders or services.issuperset(run.services):
                continue
            with suppress(RecordError):
                record, content = read_record(folders[run.run_id] / RECORD)
                if line_hash(content) == run.record_sha256:
                    services.update(run.services)
                    yield record

    def _entries(self) -> list[RunEntry]:
        """Return the runs that the register names; one that cannot be read names none."""
        with suppress(RecordError):
            return list(runs_of(self.register))
        return []

    def running(self) -> list[RunJournal]:
        """Return the runs whose process is alive."""
        return [RunJournal(folder, None, self.register) for folder in self.alive()]

    def journal(self, run_id: str) -> RunJournal:
        """Return the journal of a sealed run, to be read."""
        return RunJournal(self.runs / run_id, None, self.register)

    def find(self, run: str | None) -> str:
        """Return the id of the newest sealed run, or of the one that `run` names in part.

        Raises UsageError: a mistyped name is not damage. Raises RecordError for a run that
        the register names, and that is gone.
        """
        sealed, unsealed = ([folder.name for folder in each] for each in self.sealed_or_not())
        if run is None and sealed:
            return sealed[-1]

        if run and (run_id := the_one(sealed, run)):
            return run_id
        registered = hashes_at_hand(self.register)
        if run and (bare := [name for name in unsealed if run in name and name in registered]):
            raise lost(bare[-1])
        if run_ids := [name for name in unsealed if run is None or (run and run in name)]:
            raise UsageError(
                f"the run {run_ids[-1]} {self._goings(self.runs / run_ids[-1])}: it has no record",
                hint="See what becomes of it: pradrill runs.",
            )
        if run and (absent := sorted(name for name in registered if run in name)):
            raise lost(absent[-1], Symptom.FOLDER_LOST)

        if run is None or not sealed:
            raise UsageError(
                f"no run is recorded in {self.runs}", hint="Launch one: pradrill run DRILL."
            )

        raise UsageError(f"no run is named {run}", hint="List them: pradrill runs.")

    def _goings(self, folder: Path) -> str:
        """Return what is the matter with a run that has no record."""
        if is_locked(folder):
            return "is running"
        if self._is_to_be_entered(folder):
            return "was made up, or begun without the key that is named"
        return "was killed, and is not torn down yet"

    def read(self, run_id: str) -> RunRecord:
        """Read a sealed record; raises RecordError when it is damaged."""
        return read_record(self.runs / run_id / RECORD)[0]
