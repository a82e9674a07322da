"""restic's own envelope (its design document), to make what no restic of today writes."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import tempfile
from datetime import UTC, datetime
from functools import cache
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


def new_repository(place: Path, password: str) -> None:
    """Make a repository as restic does, that its password opens at once."""
    for name, content in _empty(password).items():
        path = place / name
        if content is None:
            path.mkdir()
        else:
            path.write_bytes(content)


@cache
def _empty(password: str) -> dict[str, bytes | None]:
    """Return an empty repository: name → content, none of a folder, which comes before its files.

    restic measures the machine for seconds to find how much work a guess of the password shall
    cost, and then takes half a second at each use; no test guesses it.
    """
    with tempfile.TemporaryDirectory() as folder:
        repository = Path(folder) / "repo"
        subprocess.run(
            ["restic", "--no-cache", "-q", "-r", repository, "init"],
            env={**os.environ, "RESTIC_PASSWORD": password},
            check=True,
        )
        _ease(repository, password)
        return {
            str(path.relative_to(repository)): path.read_bytes() if path.is_file() else None
            for path in (repository, *sorted(repository.rglob("*")))
        }


def _ease(repository: Path, password: str) -> None:
    """Let the least work lead from the password to the repository's key."""
    (path,) = (repository / "keys").iterdir()
    config = json.loads(path.read_text())
    master = _open(_user(password, config), base64.b64decode(config["data"]))

    eased = {**config, "N": 2, "r": 1, "p": 1}
    eased["data"] = base64.b64encode(_seal(_user(password, eased), master)).decode()
    payload = json.dumps(eased).encode()
    (path.parent / hashlib.sha256(payload).hexdigest()).write_bytes(payload)
    path.unlink()


def _user(password: str, config: dict[str, Any]) -> dict[str, bytes]:
    """Derive the key that a password opens a key's file with."""
    user = hashlib.scrypt(
        password.encode(),
        salt=base64.b64decode(config["salt"]),
        n=config["N"],
        r=config["r"],
        p=config["p"],
        dklen=64,
        maxmem=1 << 30,
    )
    return {"encrypt": user[:32], "k": user[32:48], "r": user[48:]}


def _master(repository: Path, password: str) -> dict[str, bytes]:
    config = json.loads(next((repository / "keys").iterdir()).read_text())
    master: Any = json.loads(_open(_user(password, config), base64.b64decode(config["data"])))
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
