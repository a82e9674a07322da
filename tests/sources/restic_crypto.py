"""restic's own envelope (its design document), to make what no restic of today writes."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.poly1305 import Poly1305


def set_version(repository: Path, password: str, version: int) -> None:
    """Make the repository one of another format."""
    key = _master(repository, password)
    path = repository / "config"
    config = json.loads(_open(key, path.read_bytes()))
    path.chmod(0o600)
    path.write_bytes(_seal(key, json.dumps({**config, "version": version}).encode()))


def add_lock(
    repository: Path,
    password: str,
    *,
    exclusive: bool = True,
    hostname: str = "backup1",
    pid: int = 1,
) -> None:
    """Lock the repository as a process of another host would."""
    lock = {
        "time": datetime.now(UTC).isoformat(),
        "exclusive": exclusive,
        "hostname": hostname,
        "username": "root",
        "pid": pid,
    }
    sealed = _seal(_master(repository, password), json.dumps(lock).encode())
    (repository / "locks" / hashlib.sha256(sealed).hexdigest()).write_bytes(sealed)


def _master(repository: Path, password: str) -> dict[str, bytes]:
    config = json.loads(next((repository / "keys").iterdir()).read_text())
    user = hashlib.scrypt(
        password.encode(),
        salt=base64.b64decode(config["salt"]),
        n=config["N"],
        r=config["r"],
        p=config["p"],
        dklen=64,
        maxmem=1 << 30,
    )
    master: Any = json.loads(
        _open({"encrypt": user[:32], "k": user[32:48], "r": user[48:]},
              base64.b64decode(config["data"]))
    )  # fmt: skip
    return {
        "encrypt": base64.b64decode(master["encrypt"]),
        "k": base64.b64decode(master["mac"]["k"]),
        "r": base64.b64decode(master["mac"]["r"]),
    }


def _open(key: dict[str, bytes], sealed: bytes) -> bytes:
    return _counter(key, sealed[:16], sealed[16:-16])


def _seal(key: dict[str, bytes], plain: bytes) -> bytes:
    nonce = os.urandom(16)
    packed = _counter(key, nonce, plain)
    aes = Cipher(algorithms.AES(key["k"]), modes.ECB()).encryptor()  # noqa: S305 Poly1305-AES
    tag = Poly1305.generate_tag(key["r"] + aes.update(nonce), packed)
    return nonce + packed + tag


def _counter(key: dict[str, bytes], nonce: bytes, text: bytes) -> bytes:
    return Cipher(algorithms.AES(key["encrypt"]), modes.CTR(nonce)).encryptor().update(text)
