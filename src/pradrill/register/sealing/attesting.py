"""Write in-toto attestations of records, in the DSSE envelopes that supply-chain tools read."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

from pradrill.system.tools import tool

if TYPE_CHECKING:  # see sealer.py
    from pradrill.domain.run.record import RunRecord

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://pradrill.invalid/recovery-drill/v1"


def attest(name: str, sha256: str, record: RunRecord, key: Path) -> bytes:
    """Return the envelope of a statement about a record's file; raises ToolError.

    `key` is a PEM private key without a passphrase, EC or RSA; it signs with SHA-256.
    """
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": sha256}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "runId": record.run_id,
            "services": list(record.plan.drill.services),
            "state": record.state,
            **_verdict(record),
            "startedOn": record.started.isoformat(),
            "finishedOn": record.ended.isoformat(),
        },
    }

    payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    public = tool("openssl", "pkey", "-in", key, "-passin", "pass:", "-pubout", "-outform", "DER")
    signature = tool(
        *("openssl", "dgst", "-sha256", "-sign", key, "-passin", "pass:"), stdin=encoded(payload)
    )
    envelope = {
        "payloadType": PAYLOAD_TYPE,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [
            {
                "keyid": hashlib.sha256(public).hexdigest(),
                "sig": base64.b64encode(signature).decode(),
            }
        ],
    }

    return json.dumps(envelope).encode() + b"\n"


def _verdict(record: RunRecord) -> dict[str, str]:
    """Return what a policy looks for; a rehearsal's verdict stands under a name of its own."""
    if record.launch.rehearsal:
        return {"verdict": "REHEARSAL", "rehearsed": record.verdict}
    return {"verdict": record.verdict}


def encoded(payload: bytes) -> bytes:
    """Return what is signed of a payload: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %b %d %b" % (
        len(PAYLOAD_TYPE),
        PAYLOAD_TYPE.encode(),
        len(payload),
        payload,
    )
