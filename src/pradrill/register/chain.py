"""The register: `STATE/register`, a chain of entries that only ever grows.

An entry is one line of JSON, and its hash is the SHA-256 of that line with its line feed:
`tail -n 1 register | sha256sum`. The next entry carries it. What the last one hashes to stands in
`register.head`, so that a register cut at its end does not look whole.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from pradrill.domain.entry import (
    GENESIS,
    Damage,
    Entry,
    EntryKind,
    Head,
    Seals,
    Stamp,
    acknowledged,
)
from pradrill.domain.record import RunRecord
from pradrill.errors import RecordError
from pradrill.register.files import sync_folder, unwritten, write_line, write_whole
from pradrill.register.sealer import Sealer

REGISTER = "register"
HEAD = "register.head"
HEAD_SIGNATURE = "register.head.sig"
_TAIL = 65_536


class _Found(NamedTuple):
    """The end of the register as it lies on the disk, and what is wrong with it."""

    number: int
    sha256: str
    end: int
    """Where the last whole line ends."""
    damage: Damage | None

    @property
    def head(self) -> Head:
        return Head(number=self.number, sha256=self.sha256)


class Register:
    """The chain of one state directory.

    `sealer` is asked for when an entry is written; None means that the settings are not known now.
    """

    def __init__(self, state: Path, sealer: Callable[[], Sealer | None] = lambda: None) -> None:
        self.state = state
        self.path = state / REGISTER
        self.head_path = state / HEAD
        self.signature_path = state / HEAD_SIGNATURE
        self._sealer = sealer

    def append(self, kind: EntryKind, body: BaseModel | Mapping[str, Any], at: datetime) -> Entry:
        """Write an entry, and see it and the new head on the disk; raises RecordError."""
        return self.append_all([(kind, body)], at)[-1]

    def append_all(
        self, facts: Sequence[tuple[EntryKind, BaseModel | Mapping[str, Any]]], at: datetime
    ) -> list[Entry]:
        """Write entries that belong together; signed, stamped and published once, at their end.

        What a crash left of the entry before is taken out, and an entry says so. When entries are
        missing, the chain goes on from the head that was written down: the gap stays visible.
        """
        with self.locked():
            sealer, found = self._sealer(), self._end()
            if found.damage is not None:
                found = self._write(found, EntryKind.DAMAGE, found.damage, at)[1]
            seals = sealer.seals() if sealer is not None else None
            if seals is not None and seals != (self.seals() or Seals()):
                found = self._write(found, EntryKind.SEALS, seals, at)[1]
            entries = []
            for kind, body in facts:
                entry, found = self._write(found, kind, body, at)
                self._write_head(found.head)
                entries.append(entry)
            attempt = bool(facts) and facts[-1][0] is EntryKind.RUN
            stamped = sealer.stamp(found.sha256) if sealer and attempt else None
            if stamped is not None:
                stamp = Stamp(sha256=found.sha256, response=base64.b64encode(stamped).decode())
                found = self._write(found, EntryKind.STAMP, stamp, at)[1]
                self._write_head(found.head)
            self._seal_head(found.head, at, sealer)
        return entries

    def mend(self, at: datetime) -> None:
        """Let the chain go on from a damaged end, which an entry then tells; raises RecordError."""
        with self.locked():
            found = self._end()
            if found.damage is not None:
                self._write_head(self._write(found, EntryKind.DAMAGE, found.damage, at)[1].head)

    def settle(self, at: datetime) -> None:
        """Sign and publish the head when a crash, or a command without the key, has not."""
        if self.signature_path.exists() or self.seals() in {None, Seals()}:
            return
        with self.locked():
            sealer, head = self._sealer(), self.head()
            if sealer is not None and head is not None and sealer.seals() == self.seals():
                self._seal_head(head, at, sealer)

    def signature(self, content: bytes) -> tuple[bytes | None, str | None]:
        """Return a content's signature, or why there is none; neither when no key is named."""
        sealer = self._sealer()
        if sealer is not None:
            return sealer.signature(content)
        seals = self.seals()
        return None, ("the settings were not at hand" if seals and seals.public_key else None)

    def attestation(self, name: str, sha256: str, record: RunRecord) -> bytes | None:
        """Return an attestation of a record's file, if the settings ask for one."""
        sealer = self._sealer()
        return sealer.attestation(name, sha256, record) if sealer is not None else None

    def seals(self) -> Seals | None:
        """Return who signs and stamps, as the chain's last such entry has it."""
        content = self.content()
        place = content.rfind(b'"kind":"seals"')
        if place < 0:
            return None
        line = content[content.rfind(b"\n", 0, place) + 1 : content.find(b"\n", place)]
        try:
            return Seals.model_validate(Entry.model_validate_json(line).body)
        except ValidationError:  # a damaged line: the verification says so
            return None

    def entries(self) -> Iterator[Entry]:
        """Read every whole entry, oldest first; raises RecordError at one that is none."""
        return (entry for entry, _ in self.hashed())

    def hashed(self) -> Iterator[tuple[Entry, str]]:
        """Read every whole entry with its hash; raises RecordError at one that is none.

        A damaged line that somebody answers for is left out.
        """
        lines, known = self.lines(), None
        for number, line in enumerate(lines, 1):
            told = line_hash(line + b"\n")
            try:
                yield Entry.model_validate_json(line), told
            except ValidationError as error:
                known = _known(lines) if known is None else known
                if told in known:
                    continue
                raise RecordError(
                    f"{self.path}:{number}: this line is no entry of a register",
                    hint="See what else is wrong with it: pradrill register verify.",
                ) from error

    def lines(self) -> list[bytes]:
        """Return every whole line, without its line feed."""
        return self.content().split(b"\n")[:-1]

    def content(self) -> bytes:
        """Return the register's bytes; none when there is no register yet."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise RecordError(f"cannot read {self.path}: {error.strerror}") from error

    def head(self) -> Head | None:
        """Return the head that was written down; None when there is none. Raises RecordError."""
        try:
            return parse_head(self.head_path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise RecordError(
                f"cannot read {self.head_path}: it does not hold a number and a hash",
                hint="See what else is wrong: pradrill register verify.",
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from appending; waits for one that does. Not reentrant."""
        path = self.state / "locks" / REGISTER
        try:
            for folder in (self.state, path.parent):
                folder.mkdir(mode=0o700, parents=folder == self.state, exist_ok=True)
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise unwritten(path, error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _write(
        self, found: _Found, kind: EntryKind, body: BaseModel | Mapping[str, Any], at: datetime
    ) -> tuple[Entry, _Found]:
        told = body.model_dump(mode="json") if isinstance(body, BaseModel) else dict(body)
        # Half a character could be written, and never be read again: it becomes a question mark.
        told = json.loads(json.dumps(told, ensure_ascii=False).encode("utf-8", "replace"))
        entry = Entry(number=found.number + 1, at=at, kind=kind, previous=found.sha256, body=told)
        line = canonical(entry)
        try:
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.ftruncate(file, found.end)
                write_line(file, line)
            finally:
                os.close(file)
            sync_folder(self.state)
        except OSError as error:
            raise unwritten(self.path, error) from error
        return entry, _Found(entry.number, line_hash(line), found.end + len(line), None)

    def _write_head(self, head: Head) -> None:
        try:
            self.signature_path.unlink(missing_ok=True)  # it was the head's before
            write_whole(self.head_path, f"{head}\n".encode(), 0o600)
        except OSError as error:
            raise unwritten(self.head_path, error) from error

    def _seal_head(self, head: Head, at: datetime, sealer: Sealer | None) -> None:
        if sealer is None:
            return
        signature, _ = sealer.signature(f"{head}\n".encode())
        if signature is not None:
            try:
                write_whole(self.signature_path, signature, 0o600)
            except OSError as error:
                raise unwritten(self.signature_path, error) from error
        sealer.publish(head, at)

    def _end(self) -> _Found:
        """Return where the chain goes on; the whole of it is read only when something is wrong."""
        try:
            head: Head | None = self.head()
        except RecordError:
            head = None
        last, end, left = _last_line(self.path)
        if last is None and head is None:
            damage = _damage("a first entry was cut off by a crash", left) if left else None
            return _Found(0, GENESIS, 0, damage)
        if last is not None and head is not None and line_hash(last) == head.sha256:
            damage = _damage("an entry was cut off by a crash", left) if left else None
            return _Found(head.number, head.sha256, end, damage)
        return self._troubled_end(head, end, left)

    def _troubled_end(self, head: Head | None, end: int, left: bytes) -> _Found:
        lines = [line + b"\n" for line in self.lines()]
        hashes = [line_hash(line) for line in lines]
        if head is not None and head.sha256 not in hashes:
            what = f"the head says entry {head.number}, {head.sha256}, which is not there"
            return _Found(head.number, head.sha256, end, _damage(what, left))
        what = (
            "register.head was missing or could not be read"
            if head is None
            else f"{len(lines) - head.number} entries were newer than the head, entry {head.number}"
        )
        try:
            number = Entry.model_validate_json(lines[-1]).number
        except ValidationError:
            number = len(lines)
        return _Found(number, hashes[-1], end, _damage(what, left))


def _known(lines: Sequence[bytes]) -> set[str]:
    """Return the hashes of the damaged lines that later ones acknowledge."""
    entries = []
    for line in lines:
        with suppress(ValidationError):
            entries.append(Entry.model_validate_json(line))
    damage = (wrong for each in acknowledged(entries) for wrong in each.said.damage)
    return {wrong.seen.rpartition(" ")[2] for wrong in damage}


def canonical(entry: Entry) -> bytes:
    """Return an entry's line: keys in order, no spaces, ASCII, so that a line is one everywhere."""
    told = entry.model_dump(mode="json")
    return json.dumps(told, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def line_hash(line: bytes) -> str:
    """Return the hash of an entry: SHA-256 of its line, line feed included."""
    return hashlib.sha256(line).hexdigest()


def parse_head(text: bytes) -> Head:
    """Read a head as `Register` writes it: exactly that; raises ValueError for anything else."""
    number, _, sha256 = text.decode("ascii").removesuffix("\n").partition(" ")
    head = Head(number=int(number), sha256=sha256)
    if f"{head}\n".encode() != text:
        msg = "not a head"
        raise ValueError(msg)
    return head


def _last_line(path: Path) -> tuple[bytes | None, int, bytes]:
    """Return the last whole line, where it ends, and what stands after it."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return None, 0, b""
    except OSError as error:
        raise unwritten(path, error) from error
    with file:
        size = file.seek(0, os.SEEK_END)
        window = _TAIL
        while True:
            start = max(0, size - window)
            file.seek(start)
            tail = file.read(size - start)
            end = tail.rfind(b"\n")
            begin = tail.rfind(b"\n", 0, end) if end > 0 else -1
            if begin >= 0 or start == 0:
                break
            window *= 8
    if end < 0:
        return None, 0, tail
    return tail[begin + 1 : end + 1], start + end + 1, tail[end + 1 :]


def _damage(found: str, left: bytes) -> Damage:
    return Damage(found=found, left=left.decode("ascii", "backslashreplace"))
