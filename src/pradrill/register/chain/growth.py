"""Chain entries that are about to be appended together, each with the hash of the one before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from pradrill.domain.register.entry import Entry, EntryKind, Head
from pradrill.register.chain.lines import canonical, line_hash


class Growth:
    """What the register grows by, from its end on."""

    def __init__(self, number: int, sha256: str, end: int) -> None:
        self.number = number
        self.sha256 = sha256
        self.end = end
        self.lines: list[bytes] = []
        self.damaged = False
        self.sealed = False

    @property
    def head(self) -> Head:
        """Return the head that it leads to."""
        return Head(number=self.number, sha256=self.sha256)

    def add(self, kind: EntryKind, body: BaseModel | Mapping[str, Any], at: datetime) -> Entry:
        """Make the next entry."""
        payload = body.model_dump(mode="json") if isinstance(body, BaseModel) else dict(body)
        # Half a character could be written, and never be read again: it becomes a question mark.
        payload = json.loads(json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace"))
        entry = Entry(number=self.number + 1, at=at, kind=kind, previous=self.sha256, body=payload)
        line = canonical(entry)
        self.lines.append(line)
        self.number, self.sha256 = entry.number, line_hash(line)

        return entry
