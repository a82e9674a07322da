"""A sealed run becomes an entry of the register, and so does what it showed to be wrong."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from pradrill.domain.entry import EntryKind, RunEntry
from pradrill.domain.record import RunRecord
from pradrill.domain.showing import findings_of
from pradrill.errors import RecordError
from pradrill.register.chain import Register, line_hash
from pradrill.register.files import unwritten, write_whole

RECORD = "record.json"
SIGNATURE = "record.json.sig"
ATTESTATION = "record.intoto.json"


def enter_run(register: Register, folder: Path, at: datetime | None = None) -> None:
    """Sign a run's sealed record; append what it showed, then its entry; raises RecordError.

    `at`: when, if not as the run ended. After a crash in between both are entered again: what a
    run showed twice, it showed once.
    """
    record, content = read_record(folder / RECORD)
    signature, unsigned = register.signature(content)
    attestation = register.attestation(RECORD, line_hash(content), record)
    files = {file.path.as_posix(): file.sha256 for file in record.evidence}
    for name, made in ((SIGNATURE, signature), (ATTESTATION, attestation)):
        if made is not None:
            try:
                write_whole(folder / name, made)
            except OSError as error:
                raise unwritten(folder / name, error) from error
            files[name] = line_hash(made)
    entry = RunEntry(
        run_id=record.run_id,
        drill=record.plan.drill.drill,
        services=record.plan.drill.services,
        state=record.state,
        refusal=record.refusal,
        verdict=record.verdict,
        exit_code=record.exit_code,
        started=record.started,
        ended=record.ended,
        record_sha256=line_hash(content),
        files=files,
        unsigned=unsigned,
    )
    shown = [(EntryKind.FINDING, finding) for finding in findings_of(record)]
    register.append_all([*shown, (EntryKind.RUN, entry)], at or record.ended)


def entered(register: Register) -> set[str]:
    """Return the ids of the runs that the register holds."""
    return {
        str(entry.body.get("run_id")) for entry in register.entries() if entry.kind is EntryKind.RUN
    }


def read_record(path: Path) -> tuple[RunRecord, bytes]:
    """Read a sealed record and its bytes; raises RecordError when it is damaged."""
    try:
        content = path.read_bytes()
        return RunRecord.model_validate_json(content), content
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its content is not a record"
        raise RecordError(
            f"cannot read {path}: {reason}",
            hint="It was damaged or written by another version; the journal is beside it.",
        ) from error
