"""Enter a sealed run into the register, with the findings that it opens."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from pradrill.domain.register.entry import Damage, EntryKind, RunEntry
from pradrill.domain.register.findings_of_run import findings_of
from pradrill.domain.register.symptom import Symptom
from pradrill.domain.run.record import RunRecord
from pradrill.errors import N_, RecordError
from pradrill.register.chain.register import Register, line_hash
from pradrill.register.runs.folders import RECORD
from pradrill.system.durable_files import content_of, unwritten, write_whole

SIGNATURE = "record.json.sig"
ATTESTATION = "record.intoto.json"


def seal_run(register: Register, folder: Path, record: RunRecord) -> None:
    """Write a run's record, signed before it stands under its name, and enter it.

    Raises RecordError. A crash before the entry leaves a record that its own process has signed.
    """
    content = (record.model_dump_json(indent=1) + "\n").encode()
    unsigned = _sign(register, folder, content, record)
    _put(folder / RECORD, content)
    _enter(register, folder, (record, content), unsigned, record.ended)


def enter_run(register: Register, folder: Path, at: datetime) -> None:
    """Append what a sealed run showed, then its entry; raises RecordError.

    After a crash in between both are entered again: what a run showed twice, it showed once. What
    is signed was signed by the run's own process: nothing is signed here that it has not.
    """
    record, content = read_record(folder / RECORD)
    _enter(register, folder, (record, content), None, at)


def enter_made_up(register: Register, folder: Path, how: str, why: str, at: datetime) -> None:
    """Append that a run was found, that nobody carried out; raises RecordError."""
    what = f"run {folder.name} {how}, and is not entered: {why}"
    register.append(EntryKind.DAMAGE, Damage(found=what, run_id=folder.name), at)


def _sign(register: Register, folder: Path, content: bytes, record: RunRecord) -> str | None:
    """Write what vouches for a record beside it; return why it is not signed."""
    signature, unsigned = register.signature(content)
    attestation = register.attestation(RECORD, line_hash(content), record)
    for name, signed_bytes in ((SIGNATURE, signature), (ATTESTATION, attestation)):
        if signed_bytes is not None:
            _put(folder / name, signed_bytes)
        else:  # what a crash left of an earlier attempt at sealing is of another record
            (folder / name).unlink(missing_ok=True)

    return unsigned


def _put(path: Path, content: bytes) -> None:
    try:
        write_whole(path, content)
    except OSError as error:
        raise unwritten(path, error) from error


def _enter(
    register: Register,
    folder: Path,
    sealed: tuple[RunRecord, bytes],
    unsigned: str | None,
    at: datetime,
) -> None:
    record, content = sealed
    files = {file.path.as_posix(): file.sha256 for file in record.evidence}
    for name in (SIGNATURE, ATTESTATION):
        if (folder / name).is_file():
            files[name] = line_hash((folder / name).read_bytes())

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
        residue=tuple(each.text for each in record.residue),
        rehearsal=record.launch.rehearsal,
    )

    findings = [(EntryKind.FINDING, finding) for finding in findings_of(record)]
    register.append_all([*findings, (EntryKind.RUN, entry)], at)


def read_record(path: Path) -> tuple[RunRecord, bytes]:
    """Read a sealed record and its bytes; raises RecordError when it is damaged."""
    try:
        content = content_of(path)
        return RunRecord.model_validate_json(content), content
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else Symptom.RECORD_FOREIGN
        raise RecordError(
            Symptom.RECORD_UNREADABLE.text(path=path, problem=reason),
            hint=N_("It was damaged or written by another version; the journal is beside it."),
        ) from error
