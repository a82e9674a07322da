"""Append to the register, `STATE/register`: a chain of entries that only ever grows.

An entry is one line of JSON, and its hash is the SHA-256 of that line with its line feed:
`tail -n 1 register | sha256sum`. The next entry carries it. What the last one hashes to stands in
`register.head`, so that a register cut at its end does not look whole.
"""

from __future__ import annotations

import base64
import fcntl
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ValidationError

from pradrill.domain.register.entry import (
    GENESIS,
    Damage,
    Entry,
    EntryKind,
    Head,
    Seals,
    Stamp,
    acknowledged,
)
from pradrill.domain.register.symptom import Symptom
from pradrill.errors import RecordError
from pradrill.register.chain.growth import Growth
from pradrill.register.chain.intent import INTENT, Intent, drop_intent, unfinished, write_intent
from pradrill.register.chain.lines import (
    HEAD,
    HEAD_SIGNATURE,
    LOCK,
    REGISTER,
    canonical,
    head_line,
    last_line,
    line_hash,
    parse_head,
    seals_in,
)
from pradrill.register.chain.vouching import (
    SIGNED,
    is_signed,
    keep_signed,
    restore_signed,
    signed_heads,
    vouched,
)
from pradrill.system.durable_files import (
    content_of,
    opened,
    sync_folder,
    unchanging,
    unwritten,
    write_line,
    write_whole,
)

if TYPE_CHECKING:
    from pradrill.domain.run.record import RunRecord
    from pradrill.register.sealing.sealer import Sealer

__all__ = [
    "HEAD",
    "HEAD_SIGNATURE",
    "REGISTER",
    "Register",
    "canonical",
    "line_hash",
    "parse_head",
]

UNSIGNED = Symptom.HEAD_NOT_VOUCHED.text()
NO_KEY = Symptom.NO_KEY.text()
CUT = Symptom.PUBLISHED_CUT.text()
OTHER_KEY = Symptom.OTHER_KEY.text()


class _Found(NamedTuple):
    """The end of the register as it lies on the disk, and what is wrong with it."""

    number: int
    sha256: str
    end: int
    """Where the last whole line ends."""
    damage: Damage | None
    whole: bool = True
    """The head that was written down, if there is one, is among the lines."""

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
            sealer = self._sealer()
            growth = self._beginning(sealer, at)
            entries = [growth.add(kind, body, at) for kind, body in facts]
            attempt = bool(facts) and facts[-1][0] is EntryKind.RUN

            stamped = sealer.stamp(growth.sha256) if sealer and attempt else None
            if stamped is not None:
                stamp = Stamp(sha256=growth.sha256, response=base64.b64encode(stamped).decode())
                growth.add(EntryKind.STAMP, stamp, at)

            self._store(growth, sealer, at)

        return entries

    def mend(self, at: datetime) -> None:
        """Let the chain go on from a damaged end, which an entry then tells; raises RecordError."""
        with self.locked():
            sealer = self._sealer()
            growth = self._beginning(sealer, at)
            if growth.damaged:
                self._store(growth, sealer, at)

    def settle(self, at: datetime) -> None:
        """Carry through what a crash left half done, if it was signed; raises RecordError.

        A head that is not signed is left so: who wrote it is not known.
        """
        if (self.state / INTENT).exists():
            with self.locked():
                self._carry_through(self._sealer(), at)

    def doubt(self, trusted: Collection[str], published: str | None = None) -> str | None:
        """Say why nobody vouches for the head, if a key is named and nobody does.

        `trusted`: the public keys of the settings, if they are at hand. `published`: the hash of a
        head that was put where whoever writes here does not come to.
        """
        with unchanging(self.state / LOCK):
            tail, seals = self._end(), self.seals() or Seals()
            if published and published not in {line_hash(line + b"\n") for line in self.lines()}:
                return CUT
            if tail.number == 0:
                return None
            if seals.public_key is None:
                return NO_KEY if trusted else None
            if not tail.whole or not is_signed(self.state, tail.head, seals.public_key):
                return UNSIGNED

            return OTHER_KEY if trusted and seals.public_key not in trusted else None

    def signature(self, content: bytes) -> tuple[bytes | None, str | None]:
        """Return a content's signature, or why it is missing; neither when no key is named."""
        sealer = self._sealer()
        if sealer is not None:
            return sealer.signature(content)
        seals = self.seals()
        return None, ("the settings were not at hand" if seals and seals.public_key else None)

    def signs_unattended(self) -> bool:
        """Tell whether signing asks nobody: the key of a token wants to be touched."""
        sealer = self._sealer()
        key = sealer.public_key() if sealer is not None else None
        return key is not None and not key.startswith("sk-")

    def why_unsigned(self) -> str | None:
        """Say why an entry would go unsigned, or its key unproven, in a register that is signed."""
        public_key = (self.seals() or Seals()).public_key
        if public_key is None:
            return None
        sealer = self._sealer()
        return "the plan is not at hand" if sealer is None else sealer.why_no_successor(public_key)

    def attestation(self, name: str, sha256: str, record: RunRecord) -> bytes | None:
        """Return an attestation of a record's file, if the settings ask for one."""
        sealer = self._sealer()
        return sealer.attestation(name, sha256, record) if sealer is not None else None

    def seals(self) -> Seals | None:
        """Return who signs and stamps, as the chain's last such entry has it."""
        return seals_in(self.content())

    def public_key(self) -> str | None:
        """Return the settings' key; when they are not at hand, the one that the chain names."""
        sealer = self._sealer()
        key = sealer.public_key() if sealer is not None else None
        return key or (self.seals() or Seals()).public_key

    def entries(self) -> Iterator[Entry]:
        """Read every whole entry, oldest first; raises RecordError at any other line."""
        return (entry for entry, _ in self.hashed())

    def hashed(self) -> Iterator[tuple[Entry, str]]:
        """Read every whole entry with its hash; raises RecordError at any other line.

        A damaged line that somebody answers for is left out.
        """
        lines, hashes = self.lines(), None
        for number, line in enumerate(lines, 1):
            sha256 = line_hash(line + b"\n")
            try:
                yield _entry(line), sha256
            except ValidationError as error:
                hashes = _hashes_of(lines) if hashes is None else hashes
                if sha256 in hashes:
                    continue
                raise RecordError(
                    f"{self.path}:{number}: this line is no entry of a register",
                    hint="See what else is wrong with it: pradrill register verify.",
                ) from error

    def legible(self) -> Iterator[Entry]:
        """Read every whole entry, oldest first; any other line is passed over."""
        for line in self.lines():
            with suppress(ValidationError):
                yield _entry(line)

    def lines(self) -> list[bytes]:
        """Return every whole line, without its line feed."""
        return self.content().split(b"\n")[:-1]

    def content(self) -> bytes:
        """Return the register's bytes; empty when the register does not exist yet."""
        try:
            return content_of(self.path)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise RecordError(f"cannot read {self.path}: {error.strerror}") from error

    def head(self) -> Head | None:
        """Return the head that was written down; None before the first one. Raises RecordError."""
        try:
            return parse_head(content_of(self.head_path))
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
        path = self.state / LOCK
        try:
            for folder in (self.state, path.parent):
                folder.mkdir(mode=0o700, parents=folder == self.state, exist_ok=True)
            lock = opened(path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise unwritten(path, error) from error

        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _beginning(self, sealer: Sealer | None, at: datetime) -> Growth:
        """Return what is to be appended before anything else: damage, and a change of the key."""
        self._carry_through(sealer, at)
        tail, before = self._end(), self.seals() or Seals()

        growth = Growth(tail.number, tail.sha256, tail.end)
        damage, seals = tail.damage, None
        if sealer is not None:
            unvouched = self._unvouched(tail, before.public_key, sealer)
            seals = sealer.seals()
            growth.sealed = unvouched is None or sealer.able(tail.head)

            if unvouched is not None and growth.sealed:
                doubt = damage or Damage(found=UNSIGNED if before.public_key else NO_KEY)
                damage = doubt.model_copy(update={"unvouched": unvouched})

        if damage is not None:
            growth.add(EntryKind.DAMAGE, damage, at)
        growth.damaged = damage is not None

        if sealer is not None and seals is not None and _changes(before, seals):
            new = sealer.handing_over(seals, before, growth.sha256)
            growth.add(EntryKind.SEALS, new, at)
            before = new

        growth.sealed &= sealer is not None and sealer.public_key() == before.public_key
        return growth

    def _unvouched(self, tail: _Found, key: str | None, sealer: Sealer) -> tuple[int, int] | None:
        """Return the first and last entry that nobody's signature vouches for, or None.

        Where no key is named and the settings have none either, nothing is to be vouched for.
        """
        if tail.number == 0 or (key is None and sealer.public_key() is None):
            return None
        if key and tail.whole and is_signed(self.state, tail.head, key):
            return None

        lines = self.lines()
        heads = signed_heads(self.state, key) if key and tail.whole else []
        count = vouched(heads, [line_hash(line + b"\n") for line in lines])
        if count == len(lines):
            return None

        first = _number(lines[count], count + 1)
        return first, max(first, _number(lines[-1], len(lines)))

    def _store(self, growth: Growth, sealer: Sealer | None, at: datetime) -> None:
        """See lines, head and signature on the disk; what is signed is written down before."""
        if not growth.lines:
            return

        signature = None
        if sealer is not None and growth.sealed:
            signature = sealer.signature(head_line(growth.head))[0]

        try:
            if signature is None:
                keep_signed(self.state)
                drop_intent(self.state)
            else:
                lines = tuple(line.decode() for line in growth.lines)
                intent = Intent(end=growth.end, lines=lines, signature=signature.decode())
                write_intent(self.state, intent)
        except OSError as error:
            raise unwritten(self.state / INTENT, error) from error

        self._write(growth.end, b"".join(growth.lines), growth.head, signature)
        if sealer is not None and (signature or not (self.seals() or Seals()).public_key):
            sealer.publish(growth.head, at)

    def _carry_through(self, sealer: Sealer | None, at: datetime) -> None:
        """Append what a crash left half done, if it was signed for this place in the chain."""
        if not (self.state / INTENT).exists():
            return

        intent = unfinished(self.state, sealer.public_key() if sealer is not None else None)
        if intent is None:
            return

        self._write(intent.end, intent.content, intent.head, intent.signature.encode())
        if sealer is not None:
            sealer.publish(intent.head, at)

    def _write(self, end: int, content: bytes, head: Head, signature: bytes | None) -> None:
        before = self._size()
        self._write_lines(end, content)
        path = self.head_path
        try:
            self.signature_path.unlink(missing_ok=True)  # it was the head's before
            write_whole(path, head_line(head), 0o600)

            if signature is not None:
                path = self.signature_path
                write_whole(path, signature, 0o600)
                (self.state / SIGNED).unlink(missing_ok=True)
                drop_intent(self.state)
        except OSError as error:
            if signature is None and before == end:  # else a crash is told, or carried through
                self._take_back(end, head)
            raise unwritten(path, error) from error

    def _size(self) -> int:
        with suppress(OSError):
            return self.path.stat().st_size
        return 0

    def _take_back(self, end: int, head: Head) -> None:
        """Take lines out whose head could not be written: they were told as not written."""
        with suppress(OSError, RecordError):
            if self.head() != head:
                os.truncate(self.path, end)
                restore_signed(self.state)

    def _write_lines(self, end: int, content: bytes) -> None:
        try:
            file = opened(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
            try:
                os.ftruncate(file, end)
                write_line(file, content)
            finally:
                os.close(file)

            sync_folder(self.state)
        except OSError as error:
            with suppress(OSError):  # what is told as not written must not be there later
                drop_intent(self.state)
            raise unwritten(self.path, error) from error

    def _end(self) -> _Found:
        """Return where the chain goes on; the whole of it is read only when something is wrong."""
        try:
            head: Head | None = self.head()
        except RecordError:
            head = None

        last, end, left = last_line(self.path)
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
            return _Found(head.number, head.sha256, end, _damage(what, left), whole=False)

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


def _hashes_of(lines: Sequence[bytes]) -> set[str]:
    """Return the hashes of the damaged lines that later ones acknowledge."""
    entries = []
    for line in lines:
        with suppress(ValidationError):
            entries.append(Entry.model_validate_json(line))

    damage = (wrong for each in acknowledged(entries) for wrong in each.said.damage)
    return {wrong.own_hash for wrong in damage}


def _damage(what: str, left: bytes) -> Damage:
    return Damage(found=what, left=left.decode("ascii", "backslashreplace"))


def _number(line: bytes, place: int) -> int:
    """Return an entry's number; its place when the line is not an entry."""
    try:
        return Entry.model_validate_json(line).number
    except ValidationError:
        return place


def _changes(before: Seals, seals: Seals) -> bool:
    """Tell whether the settings say something else than the chain."""
    return seals != before.model_copy(update={"handover": None, "strict": seals.strict}) or (
        seals.strict and not before.strict
    )


@cache
def _entry(line: bytes) -> Entry:
    """Read a line; a command asks the register several things, and each asks every line."""
    return Entry.model_validate_json(line)
