"""Write, hash and find the register's lines."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from pydantic import ValidationError

from pradrill.domain.register.entry import Entry, Head, Seals
from pradrill.system.durable_files import opened, unwritten

REGISTER = "register"
HEAD = "register.head"
HEAD_SIGNATURE = "register.head.sig"
LOCK = Path("locks", REGISTER)
_TAIL = 65_536


def canonical(entry: Entry) -> bytes:
    """Return an entry's line: keys in order, no spaces, ASCII, so that a line is one everywhere."""
    payload = entry.model_dump(mode="json")
    return json.dumps(payload, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def line_hash(line: bytes) -> str:
    """Return the hash of an entry: SHA-256 of its line, line feed included."""
    return hashlib.sha256(line).hexdigest()


def head_line(head: Head) -> bytes:
    """Return what stands in register.head, and what is signed of it."""
    return f"{head}\n".encode()


def parse_head(text: bytes) -> Head:
    """Read a head as `Register` writes it: exactly that; raises ValueError for anything else."""
    number, _, sha256 = text.decode("ascii").removesuffix("\n").partition(" ")
    head = Head(number=int(number), sha256=sha256)
    if head_line(head) != text:
        msg = "not a head"
        raise ValueError(msg)

    return head


def seals_in(content: bytes) -> Seals | None:
    """Return who signs and stamps, as the last such entry among these lines has it."""
    place = content.rfind(b'"kind":"seals"')
    if place < 0:
        return None

    line = content[content.rfind(b"\n", 0, place) + 1 : content.find(b"\n", place)]
    try:
        return Seals.model_validate(Entry.model_validate_json(line).body)
    except ValidationError:  # a damaged line: the verification says so
        return None


def last_line(path: Path) -> tuple[bytes | None, int, bytes]:
    """Return the last whole line, where it ends, and what stands after it."""
    try:
        file = os.fdopen(opened(path, os.O_RDONLY), "rb")
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
