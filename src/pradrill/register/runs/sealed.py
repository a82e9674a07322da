"""Read every sealed record once, as its bytes lie on the disk, damaged ones included."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pradrill.domain.run.record import RunRecord
from pradrill.errors import RecordError
from pradrill.register.runs.enter import read_record
from pradrill.register.runs.folders import RECORD


class Found(NamedTuple):
    """A record with the SHA-256 of its file; or why it cannot be read."""

    record: RunRecord | None
    sha256: str
    why: str = ""


def sealed_records(runs: Path) -> Iterator[Found]:
    """Read the records of a runs folder, oldest first, one at a time."""
    for path in sorted(runs.glob(f"2*Z-*/{RECORD}")):
        try:
            record, content = read_record(path)
        except RecordError as error:
            yield Found(None, "", error.message)
            continue

        yield Found(record, hashlib.sha256(content).hexdigest())
