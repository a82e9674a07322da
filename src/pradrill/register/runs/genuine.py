"""Compare a sealed run that the register does not know with what its own journal tells.

A crash leaves such runs: sealed, signed, and not entered. So does whoever makes a folder up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.facts import Facts, fold
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import FileHash
from pradrill.errors import RecordError
from pradrill.register.runs.draft import EVIDENCE, JOURNAL
from pradrill.register.runs.enter import SIGNATURE, read_record
from pradrill.register.runs.folders import RECORD
from pradrill.register.runs.vouched import VOUCHED
from pradrill.register.sealing.signing import signature_problem, signer_line
from pradrill.system.durable_files import content_of, sha256

JournalLine = tuple[str, datetime, dict[str, Any]]


def events_of(folder: Path) -> Iterator[JournalLine]:
    """Read every whole fact of a run's journal, without a last one that a crash cut off.

    Raises RecordError at any other line: what else it told of the standby is not known.
    """
    try:
        text = content_of(folder / JOURNAL).decode("utf-8", "replace")
    except FileNotFoundError:
        return
    except OSError as error:
        raise RecordError(f"cannot read {folder / JOURNAL}: {error.strerror}") from error

    *lines, _ = text.split("\n")  # splitlines would also cut at U+2028 and the like
    for number, line in enumerate(lines, 1):
        try:
            facts = json.loads(line)
            facts.pop(VOUCHED, None)
            event = facts.pop("event"), datetime.fromisoformat(facts.pop("at")), facts
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise RecordError(
                f"{folder / JOURNAL}:{number}: this line is no fact of a run",
                hint="It was damaged; look at the run's standby yourself.",
            ) from error

        yield event


def evidence_of(folder: Path) -> tuple[FileHash, ...]:
    """Return a run's journal and every evidence file with its SHA-256."""
    evidence = sorted(path for path in (folder / EVIDENCE).rglob("*") if path.is_file())
    return tuple(
        FileHash(path=path.relative_to(folder), sha256=sha256(path))
        for path in (folder / JOURNAL, *evidence)
        if path.exists()
    )


def why_not_genuine(folder: Path, public_key: str | None) -> str | None:
    """Say why a sealed run is not one that was carried out, or None when nothing speaks against it.

    `public_key`: that of the register; then its run's process has signed the record before it was
    sealed.
    """
    try:
        record, content = read_record(folder / RECORD)
        facts = fold(events_of(folder))
        computed = _concluded(facts, folder, record.ended) if facts is not None else None
    except RecordError as error:
        return error.message
    except (OSError, ValueError, KeyError, ArithmeticError):
        return "its journal cannot be understood"
    if computed is None:
        return "it has no journal that tells how it began"
    if other := _differences(record, computed):
        return f"its record is not what its journal tells: {', '.join(other)}"

    return _why_not_signed(folder, content, public_key)


def _concluded(facts: Facts, folder: Path, ended: datetime) -> RunRecord:
    return record_of(facts, folder.name, ended, evidence_of(folder))


def _differences(record: RunRecord, computed: RunRecord) -> list[str]:
    """Return the fields that differ; another version may number its format otherwise."""
    one, two = record.model_dump(mode="json"), computed.model_dump(mode="json")
    return [name for name in one if name != "format" and not _alike(one[name], two[name])]


def _alike(recorded: object, folded: object) -> bool:
    """Tell whether a record's value is what its journal comes to.

    An older version recorded the text alone of what has a code since.
    """
    if isinstance(recorded, str) and isinstance(folded, dict):
        return "code" in folded and recorded == folded.get("text")
    if isinstance(recorded, dict) and isinstance(folded, dict):
        same_keys = recorded.keys() == folded.keys()
        return same_keys and all(_alike(recorded[key], folded[key]) for key in recorded)
    if isinstance(recorded, list) and isinstance(folded, list):
        same_length = len(recorded) == len(folded)
        return same_length and all(map(_alike, recorded, folded))

    return recorded == folded


def _why_not_signed(folder: Path, content: bytes, public_key: str | None) -> str | None:
    if public_key is None:
        return None

    try:
        signature = content_of(folder / SIGNATURE)
    except OSError:
        return "its record is not signed, and the register names a key"

    problem = signature_problem(content, signature, signer_line(public_key))
    return f"the signature of its record {problem}" if problem else None
