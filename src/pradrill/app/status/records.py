"""Derive from a record what a status needs of it."""

from __future__ import annotations

from pathlib import Path

from pradrill.domain.dossier.parts_of_run import parts_of
from pradrill.domain.dossier.run_parts import RunParts
from pradrill.register.chain.lines import line_hash
from pradrill.register.runs.enter import read_record


def derived_parts(path: Path) -> tuple[RunParts, str]:
    """Return a run's parts, and the SHA-256 of its record's file. Raises RecordError."""
    record, content = read_record(path)
    return parts_of(record), line_hash(content)
