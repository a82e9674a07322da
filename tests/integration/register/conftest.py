"""Keys, a time-stamping authority and sealed registers, all of our own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

from pradrill.domain.declared.sealing import Sealing
from pradrill.register.chain.register import Register
from pradrill.register.runs.store import FileRunStore
from pradrill.register.sealing.sealer import Sealer

_AUTHORITY = """
[tsa]
default_tsa = mine
[mine]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/ca.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
[ext]
extendedKeyUsage = critical,timeStamping
"""


class Authority(NamedTuple):
    """An RFC 3161 authority on loopback."""

    address: str
    ca: Path


class Sealed(NamedTuple):
    """A store whose register is sealed, and what was told of it."""

    store: FileRunStore
    messages: list[str]


class NewKey(Protocol):
    """Makes SSH keys."""

    def __call__(
        self, folder: Path, name: str = "key", *, kind: str = "ed25519", phrase: str = ""
    ) -> Path:
        """Return the private key's file; its public half lies beside it."""


class Seal(Protocol):
    """Makes stores whose register is sealed."""

    def __call__(self, state: Path, settings: Sealing | None) -> Sealed:
        """Return a store that is sealed as the settings say; None: as if no plan was found."""


@contextmanager
def only_in_an_agent(
    key: Path, monkeypatch: pytest.MonkeyPatch, token: Path | None = None
) -> Iterator[Path]:
    """Let an agent hold a key (by a token's library, if it is one); return its public half."""
    socket = key.with_name("agent")
    by = ("-P", str(token)) if token else ()
    # It goes into the background once it listens: its socket is there a moment before.
    start = ["ssh-agent", "-s", "-a", socket, *by]
    answer = subprocess.run(start, check=True, capture_output=True, text=True).stdout
    (agent,) = re.findall(r"SSH_AGENT_PID=(\d+)", answer)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        through = ("-S", str(token)) if token else ()
        subprocess.run(["ssh-add", "-q", *through, key], check=True, capture_output=True)
        key.unlink()
        yield key.with_suffix(".pub")
    finally:
        os.kill(int(agent), signal.SIGTERM)


@pytest.fixture(scope="session")
def new_key() -> NewKey:
    """Return what makes keys."""
    return _new_key


@pytest.fixture(scope="session")
def seal() -> Seal:
    """Return what makes sealed stores."""
    return _seal


def _new_key(folder: Path, name: str = "key", *, kind: str = "ed25519", phrase: str = "") -> Path:
    path = folder / name
    subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", phrase, "-C", "a comment", "-f", path], check=True
    )
    return path


def _seal(state: Path, settings: Sealing | None) -> Sealed:
    lines: list[str] = []
    sealer = Sealer(settings, state, lines.append) if settings is not None else None
    return Sealed(FileRunStore(state, Register(state, lambda: sealer)), lines)


def _openssl(folder: Path, *words: str) -> None:
    """Run openssl in a folder."""
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """Run a time-stamping authority of our own."""
    folder = tmp_path_factory.mktemp("authority")
    config = folder / "tsa.cnf"
    config.write_text(_AUTHORITY.format(folder=folder))
    (folder / "serial").write_text("01\n")
    new = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30")
    _openssl(folder, *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA")
    ask = ("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr")
    _openssl(folder, *ask, "-subj", "/CN=Test TSA")
    give = ("x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30")
    _openssl(folder, *give, "-out", "tsa.pem", "-extfile", "tsa.cnf", "-extensions", "ext")

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            (folder / "query.tsq").write_bytes(query)
            make = ("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq")
            _openssl(folder, *make, "-out", "reply.tsr")
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write((folder / "reply.tsr").read_bytes())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 its name there
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Authority(f"http://127.0.0.1:{server.server_port}/", folder / "ca.pem")
    server.shutdown()
    thread.join()
    server.server_close()
