"""Compare the folders of runs with what the register says of their files.

Thousands of runs are compared, and hashing their bytes should be most of it: hence plain strings
and system calls. A register can name anything: only what lies in a run's own folder is opened.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ValidationError

from pradrill.domain.register.entry import Entry
from pradrill.domain.register.symptom import Symptom
from pradrill.register.chain.walk import Trouble, at_entry
from pradrill.register.runs.enter import SIGNATURE
from pradrill.register.runs.folders import RECORD
from pradrill.register.sealing.signing import signature_problem

RUNS = "runs"
NOT_EVIDENCE = {"alive", "people", "reports"}  # lock, questions (the journal has them), derived
_BLOCK = 1 << 20
_RUN_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,200}")


class _Sealed(BaseModel):
    """What matters here of a run's entry; the rest of it is held by the chain."""

    run_id: str
    record_sha256: str
    files: dict[str, str]


class RunFiles:
    """Compares runs, and keeps count. `signers`: verify each record's signature by them, too."""

    def __init__(self, folder: Path, troubles: list[Trouble], *, signers: str | None) -> None:
        self.folder = str(folder)
        self.troubles = troubles
        self.signers = signers
        self.run_ids: set[str] = set()
        self.entries: set[str] = set()
        self.files = self.size = 0
        self._block = bytearray(_BLOCK)

    def verify(self, entry: Entry, sha256: str) -> None:
        """Compare a run's files with its entry: each is there, unchanged, and nothing else is."""
        self.entries.add(sha256)
        try:
            run = _Sealed.model_validate(entry.body)
        except ValidationError:
            self.troubles.append(at_entry(entry, Symptom.NO_RUN.text()))
            return
        if not _RUN_ID.fullmatch(run.run_id):
            self.troubles.append(at_entry(entry, Symptom.IMPOSSIBLE_RUN.text()))
            return

        self.run_ids.add(run.run_id)
        folder = f"{self.folder}/{run.run_id}"
        there = {path for path, _ in tree(folder)}
        if not there and not os.path.isdir(folder):  # noqa: PTH112 said 4,000 times
            self._trouble(run.run_id, Symptom.RUN_MISSING.text(entry=entry.number))
            return

        hashes = {**run.files, RECORD: run.record_sha256}
        self._compare(run.run_id, hashes, there)

        for path in sorted(there - hashes.keys()):
            if path.split("/")[0] not in NOT_EVIDENCE:
                what = Symptom.FILE_ADDED.text(entry=entry.number)
                self._trouble(f"{run.run_id}/{path}", what, self._hash(f"{folder}/{path}"))

        if self.signers is not None and SIGNATURE in hashes:
            self._verify_signature(run.run_id, self.signers)

    def _compare(self, run_id: str, hashes: dict[str, str], there: set[str]) -> None:
        folder = f"{self.folder}/{run_id}"
        for path, expected in hashes.items():
            if path not in there:
                self._trouble(f"{run_id}/{path}", Symptom.FILE_MISSING.text())
                continue

            sha256 = self._hash(f"{folder}/{path}")
            if sha256 is None:
                self._trouble(f"{run_id}/{path}", Symptom.FILE_UNREADABLE.text())
            elif sha256 != expected:
                what = Symptom.FILE_CHANGED.text(sha256=sha256, expected=expected)
                self._trouble(f"{run_id}/{path}", what)

    def strangers(self) -> list[str]:
        """Tell the sealed runs that no entry names; return notes on those without a record."""
        notes = []
        try:
            names = sorted(e.name for e in os.scandir(self.folder) if not e.name.startswith("."))
        except OSError:
            return []

        for name in names:
            if name in self.run_ids:
                continue

            if Path(self.folder, name, RECORD).exists():
                what = Symptom.RUN_UNENTERED.text()
                self._trouble(name, what, self._hash_all(f"{self.folder}/{name}"))
            else:
                notes.append(f"{RUNS}/{name} has no record: it is running, or has crashed")

        return notes

    def _trouble(self, where: str, what: str, evidence: str | None = None) -> None:
        self.troubles.append(Trouble(f"{RUNS}/{where}", what, evidence or ""))

    def _hash(self, path: str) -> str | None:
        """Return a file's SHA-256; None when it is not a regular file or cannot be read."""
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None

        digest = hashlib.sha256()
        try:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                return None

            with memoryview(self._block) as block:
                while count := os.readv(file, [block]):
                    digest.update(block[:count])
                    self.size += count
                    if count < _BLOCK:
                        break
        except OSError:
            return None
        finally:
            os.close(file)

        self.files += 1
        return digest.hexdigest()

    def _hash_all(self, folder: str) -> str:
        """Return one hash of all files of a run."""
        hashes = sorted((path, self._hash(f"{folder}/{path}")) for path, _ in tree(folder))
        return hashlib.sha256(repr(hashes).encode("utf-8", "surrogateescape")).hexdigest()

    def _verify_signature(self, run_id: str, signers: str) -> None:
        folder = Path(self.folder, run_id)
        record, signature = read(folder / RECORD), read(folder / SIGNATURE)
        if record is not None and signature is not None:
            problem = signature_problem(record, signature, signers)
            if problem is not None:
                self._trouble(f"{run_id}/{SIGNATURE}", Symptom.SIGNATURE.text(problem=problem))


def tree(folder: str, *, all_of_it: bool = False) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Return the files of a folder; links are not followed, a run's reports are left out.

    `all_of_it`: nothing is left out.
    """
    below = [""]
    while below:
        here = below.pop()
        try:
            entries = os.scandir(f"{folder}/{here}")
        except OSError:
            continue

        with entries:
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    yield f"{here}{entry.name}", entry
                elif here or all_of_it or entry.name not in NOT_EVIDENCE:
                    below.append(f"{here}{entry.name}/")


def read(path: Path) -> bytes | None:
    """Return a file's content; None when the file is missing."""
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError:
        return None
