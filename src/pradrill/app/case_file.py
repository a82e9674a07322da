"""Collect what is known of a run today: its record, what people added, where it is registered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from pydantic import ValidationError

from pradrill.app.damage import wrongs
from pradrill.app.reading import StateReader, warn
from pradrill.domain.dossier.register_facts import has_finished
from pradrill.domain.register.entry import Entry, EntryKind, Seals, Stamp, acknowledged
from pradrill.domain.register.finding_history import all_findings, annotations_of, findings_for
from pradrill.domain.report.case_file import Actuals, CaseFile, EarlierRun, RecordIntegrity
from pradrill.domain.run.record import RunRecord
from pradrill.errors import PradrillError, RecordError
from pradrill.register.runs.enter import SIGNATURE
from pradrill.register.runs.folders import RECORD
from pradrill.register.sealing.signing import Signer, signature_problem
from pradrill.register.sealing.stamping import stamp_problem, stated_time

_MOST_EARLIER = 8
"""Runs that a bar shows beside the one that is reported."""


def casefile(app: StateReader, run_id: str) -> CaseFile:
    """Gather what a report on a run may draw from. Raises RecordError.

    A register that cannot be read is told on stderr; then nothing of it is in the report.
    """
    record = app.store.read(run_id)
    content = sealed(app, run_id)
    case = CaseFile(
        record=record,
        previous=_previous(app, record),
        integrity=RecordIntegrity(
            record_sha256=hashlib.sha256(content).hexdigest(), wrong=wrongs(app, run_id)
        ),
    )
    try:
        return _registered(app, case, content)
    except PradrillError as error:
        warn(f"the report goes without the register: {error}")
        return case


def _registered(app: StateReader, case: CaseFile, content: bytes) -> CaseFile:
    """Add what the register holds of a run. Raises PradrillError."""
    hashes = list(app.register.hashed())
    entries = [entry for entry, _ in hashes]
    if not entries:
        return case

    run_id, sha256 = case.record.run_id, hashlib.sha256(content).hexdigest()
    run_entry = next((entry for entry in entries if _is_run(entry, run_id, sha256)), None)
    head = app.register.head()

    update: dict[str, object] = {
        "head": None if head is None else head.sha256,
        "acknowledged": tuple(acknowledged(entries)),
    }
    if run_entry is not None:
        entry_hash = hashes[entries.index(run_entry)][1]
        update |= {"entry": run_entry.number, "entry_sha256": entry_hash}
        update |= _signed(app, run_id, content, entries[: entries.index(run_entry)])
        update |= _stamped(entry_hash, entries)

    assert case.integrity is not None  # noqa: S101 set above
    return case.model_copy(
        update={
            "annotations": annotations_of(entries, run_id),
            "findings": findings_for(
                all_findings(entries), case.record.plan.drill.services, run_id
            ),
            "integrity": case.integrity.model_copy(update=update),
            "as_of": entries[-1].at,
            "earlier": tuple(_earlier(app, case.record, entries)),
        }
    )


def _is_run(entry: Entry, run_id: str, sha256: str) -> bool:
    body = entry.body
    same = body.get("run_id") == run_id and body.get("record_sha256") == sha256
    return entry.kind is EntryKind.RUN and same


def _seals(entries: list[Entry]) -> Seals:
    """Return who signed and stamped when the last of these entries was written."""
    for entry in reversed(entries):
        if entry.kind is EntryKind.SEALS:
            with suppress(ValidationError):
                return Seals.model_validate(entry.body)
    return Seals()


def _signed(
    app: StateReader, run_id: str, content: bytes, before: list[Entry]
) -> dict[str, object]:
    """Return who signed the record, if the signature holds now."""
    seals, path = _seals(before), app.store.runs / run_id / SIGNATURE
    if seals.principal is None or seals.public_key is None or not path.is_file():
        return {}

    signer = Signer(seals.principal, seals.public_key)
    if signature_problem(content, path.read_bytes(), f"{signer}\n") is not None:
        return {}
    return {"signed": True, "signer": f"{signer.principal} {signer.fingerprint}"}


def _stamped(sha256: str, entries: list[Entry]) -> dict[str, object]:
    """Return the time that an authority states for an entry, if its stamp holds now."""
    for number, entry in enumerate(entries):
        if entry.kind is not EntryKind.STAMP or entry.body.get("sha256") != sha256:
            continue

        authority = _seals(entries[:number]).authority_ca
        with suppress(ValueError):  # ValidationError is one
            response = Stamp.model_validate(entry.body).der()
            if authority and stamp_problem(sha256, response, authority) is None:
                return {"stamped": stated_time(response)}

    return {}


def sealed(app: StateReader, run_id: str) -> bytes:
    """Return a record's bytes, as they were sealed. Raises RecordError."""
    path = app.store.runs / run_id / RECORD
    try:
        return path.read_bytes()
    except OSError as error:
        raise RecordError(f"cannot read {path}: {error.strerror}") from error


def _earlier(app: StateReader, record: RunRecord, entries: list[Entry]) -> Iterator[EarlierRun]:
    """Yield what the last finished runs of the drill measured, as far as the register holds them.

    Only their figures are looked at: reading eight whole records would take longer than a report.
    """
    before = (
        entry.body
        for entry in reversed(entries)
        if entry.kind is EntryKind.RUN
        and entry.body.get("drill") == record.plan.drill.drill
        and _is_finished_before(record, entry.body)
    )
    for body in reversed(list(islice(before, _MOST_EARLIER))):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            content = (app.store.runs / str(body["run_id"]) / RECORD).read_bytes()
            if hashlib.sha256(content).hexdigest() == body["record_sha256"]:
                yield _figures(json.loads(content))


def _is_finished_before(record: RunRecord, body: dict[str, Any]) -> bool:
    counts = has_finished(body) and not body.get("rehearsal")
    return counts and str(body.get("run_id")) < record.run_id


def _figures(data: dict[str, Any]) -> EarlierRun:
    services = {
        name: Actuals(rta=result["recovery"]["rta"], rpa=result["recovery"]["rpa"])
        for name, result in data.get("services", {}).items()
    }
    return EarlierRun(
        run_id=data["run_id"],
        started=data["started"],
        verdict=data["verdict"],
        whole=Actuals(rta=data["recovery"]["rta"], rpa=data["recovery"]["rpa"]),
        services=services,
    )


def _previous(app: StateReader, record: RunRecord) -> RunRecord | None:
    """Return the last finished run of the same drill before this one; damaged ones do not count."""
    drill = record.plan.drill.drill
    names = sorted(path.parent.name for path in app.store.runs.glob(f"2*Z-{drill}-*/{RECORD}"))
    for name in reversed([name for name in names if name < record.run_id]):
        try:
            other = app.store.read(name)
        except RecordError:
            continue

        counts = other.finished and not other.launch.rehearsal
        if counts and other.plan.drill.drill == drill:
            return other

    return None
