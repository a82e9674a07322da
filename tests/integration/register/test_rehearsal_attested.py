"""No policy that looks for PASSED in an attestation takes a rehearsal for a proof."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

from pradrill.register.sealing.attesting import attest
from pradrill.testing import a_launch, a_record


def test_a_rehearsal_is_attested_as_one(tmp_path: Path) -> None:
    """Its verdict stands under another name."""
    key = tmp_path / "key.pem"
    command = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    subprocess.run([*command, "-out", key], check=True, capture_output=True)
    verdicts = {}
    for rehearsal in (False, True):
        record = a_record(launch=a_launch(rehearsal=rehearsal))
        envelope = json.loads(attest("record.json", "0" * 64, record, key))
        predicate = json.loads(base64.b64decode(envelope["payload"]))["predicate"]
        verdicts[rehearsal] = (predicate["verdict"], predicate.get("rehearsed"))
    assert verdicts == {False: ("PASSED", None), True: ("REHEARSAL", "PASSED")}
