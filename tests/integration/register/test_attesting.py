"""Attestations, read by a DSSE implementation that is not ours."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from shutil import which
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from pradrill.domain.declared.sealing import Sealing
from pradrill.register.sealing.attesting import PREDICATE_TYPE
from pradrill.register.verification.verify import verify
from pradrill.testing import a_sealed_run

KINDS = {
    "EC": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "RSA": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
}


def public(key: Path, keyid: str) -> SSlibKey:
    """Return the public half of a PEM key, as the other implementation has it."""
    pem = subprocess.check_output(["openssl", "pkey", "-in", key, "-pubout"])
    loaded: Any = load_pem_public_key(pem)
    scheme = "rsa-pkcs1v15-sha256" if b"MIIB" in pem else None
    return SSlibKey.from_crypto(loaded, keyid=keyid, scheme=scheme)


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_record_is_attested(tmp_path: Path, seal: Callable[..., Any], kind: str) -> None:
    """The envelope's signature holds, its statement names the record's hash; a change does not."""
    key = tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "genpkey", *KINDS[kind], "-out", key], check=True, capture_output=True
    )
    store, messages = seal(tmp_path / "state", Sealing(attestation_key=key))
    run_id = a_sealed_run(store).run_id
    assert messages == []
    folder = store.runs / run_id
    data = json.loads((folder / "record.intoto.json").read_bytes())
    keyid = data["signatures"][0]["keyid"]
    envelope = Envelope.from_dict(data)
    assert envelope.payload_type == "application/vnd.in-toto+json"
    envelope.verify([public(key, keyid)], 1)
    statement = json.loads(envelope.payload)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    told_hash = subprocess.check_output(["sha256sum", folder / "record.json"]).split()[0].decode()
    assert statement["subject"] == [{"name": "record.json", "digest": {"sha256": told_hash}}]
    assert statement["predicate"]["verdict"] == "PASSED"
    envelope.payload = envelope.payload.replace(b"PASSED", b"FAILED")
    with pytest.raises(VerificationError):
        envelope.verify([public(key, keyid)], 1)


def cosign_verifies(public: Path, attestation: Path, record: Path, kind: str) -> bool:
    """Ask the real cosign whether the attestation is of this record, by this key."""
    result = subprocess.run(
        [
            *("cosign", "verify-blob-attestation", "--key", public, "--signature", attestation),
            *("--type", kind, "--insecure-ignore-tlog=true", record),
        ],
        env={**os.environ, "HOME": str(public.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0 or "Error: " in result.stderr, result.stderr
    return result.returncode == 0 and "Verified OK" in result.stderr


@pytest.mark.skipif(which("cosign") is None, reason="no cosign: Debian 13 has it, 12 has not")
@pytest.mark.parametrize("kind", list(KINDS))
def test_cosign_verifies_an_attestation(
    tmp_path: Path, seal: Callable[..., Any], kind: str
) -> None:
    """`cosign verify-blob-attestation` accepts it for its record and key, and for no other."""
    key, other = tmp_path / "key.pem", tmp_path / "other.pem"
    for path in (key, other):
        new = ["openssl", "genpkey", *KINDS[kind], "-out", str(path)]
        subprocess.run(new, check=True, capture_output=True)
        half = ["openssl", "pkey", "-in", str(path), "-pubout", "-out", f"{path}.pub"]
        subprocess.run(half, check=True)
    public, others = Path(f"{key}.pub"), Path(f"{other}.pub")
    store, messages = seal(tmp_path / "state", Sealing(attestation_key=key))
    first, second = (store.runs / a_sealed_run(store, number).run_id for number in range(2))
    assert messages == []
    attestation, record = first / "record.intoto.json", first / "record.json"
    assert cosign_verifies(public, attestation, record, PREDICATE_TYPE)
    assert not cosign_verifies(others, attestation, record, PREDICATE_TYPE)
    assert not cosign_verifies(public, attestation, second / "record.json", PREDICATE_TYPE)
    assert not cosign_verifies(public, attestation, record, "https://exemple.fr/other/v1")
    record.chmod(0o600)
    record.write_bytes(record.read_bytes().replace(b"PASSED", b"PASSEE", 1))
    assert not cosign_verifies(public, attestation, record, PREDICATE_TYPE)


def test_an_attestation_is_held_by_the_chain(tmp_path: Path, seal: Callable[..., Any]) -> None:
    """A removed attestation shows."""
    key = tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "genpkey", *KINDS["EC"], "-out", key], check=True, capture_output=True
    )
    store, _ = seal(tmp_path / "state", Sealing(attestation_key=key))
    run_id = a_sealed_run(store).run_id
    assert verify(store.state).troubles == []
    (store.runs / run_id / "record.intoto.json").unlink()
    assert [str(t) for t in verify(store.state).troubles] == [
        f"runs/{run_id}/record.intoto.json: is missing"
    ]


def test_a_key_with_a_passphrase_stops_nothing(tmp_path: Path, seal: Callable[..., Any]) -> None:
    """Nobody is asked; the run is entered without an attestation, and that is told."""
    key = tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "genpkey", *KINDS["EC"], "-aes256", "-pass", "pass:hunter2", "-out", key],
        check=True,
        capture_output=True,
    )
    store, messages = seal(tmp_path / "state", Sealing(attestation_key=key))
    a_sealed_run(store)
    assert any("not attested" in line for line in messages)
    assert verify(store.state).troubles == []
