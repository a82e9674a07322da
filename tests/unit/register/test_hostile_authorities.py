"""Whatever an authority for time stamps answers is a stamp or none, and it is not waited for."""

from __future__ import annotations

import hashlib
import subprocess
import time
from contextlib import suppress
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES
from tests.unit.adapters.test_hostile_deletion import answering, brokens, whole

from pradrill.register.sealing import stamping
from pradrill.register.sealing.stamping import stamp, stamp_problem, stated_time
from pradrill.system.tools import ToolError

SHA256 = "ab" * 32
CONFIG = """\
[tsa]
default_tsa = t
[t]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
certs = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    """Return a stamp of an authority of our own, and its certificate."""
    folder = tmp_path_factory.mktemp("authority")

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
    (folder / "serial").write_text("01\n")
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    usage = ("-addext", "extendedKeyUsage=critical,timeStamping")
    openssl(*new, *usage, "-subj", "/CN=Test", "-keyout", "tsa.key", "-out", "tsa.pem")
    openssl("ts", "-query", "-digest", SHA256, "-sha256", "-cert", "-out", "query")
    openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "reply")
    return (folder / "reply").read_bytes(), (folder / "tsa.pem").read_text()


def test_words_beside_a_stamp_that_nobody_signed_state_no_time(
    authority: tuple[bytes, str],
) -> None:
    """A line of them was taken for the time of the stamp, which held all the while."""
    reply, certificate = authority
    status, of_granted = b"\x30\x03\x02\x01\x00", b"\x02\x01\x00"
    assert reply[:2] == b"\x30\x82"
    assert reply[4:9] == status
    free = b"x\nTime stamp: Jan  1 00:00:00 2001 GMT\n"
    text = b"\x0c" + bytes([len(free)]) + free
    info = of_granted + b"\x30" + bytes([len(text)]) + text
    content = b"\x30" + bytes([len(info)]) + info + reply[9:]
    changed = b"\x30\x82" + len(content).to_bytes(2, "big") + content

    stated = stated_time(reply)
    assert stated is not None
    assert stated.year > 2001
    assert stamp_problem(SHA256, changed, certificate) is None
    assert stated_time(changed) == stated


def test_an_authority_that_speaks_no_http_gives_no_stamp() -> None:
    """It was an error that nobody caught: the run's entry was not written into the register."""
    for answer in (
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nx",
        b"",
    ):
        with answering([answer]) as port, pytest.raises(ToolError, match="gave no stamp"):
            stamp(SHA256, f"http://127.0.0.1:{port}/")


def test_an_authority_that_dribbles_is_not_waited_for() -> None:
    """Each byte of its answer came in time, and the register stayed locked for all of them."""
    began = time.monotonic()
    with (
        patch.object(stamping, "_SECONDS", 0.2),
        answering([b"HTTP/1.1 100 x\r\n\r\n" * 300_000]) as port,
        pytest.raises(ToolError, match="gave no stamp"),
    ):
        stamp(SHA256, f"http://127.0.0.1:{port}/")
    assert time.monotonic() - began < 5


@settings(max_examples=max(4, EXAMPLES // 2))  # openssl twice for each
@given(brokens | st.binary(max_size=40).map(lambda body: whole(200, body)))
def test_what_an_authority_answers_is_a_stamp_or_none(answer: bytes) -> None:
    """No error but the one that its caller tells of, in one line."""
    with answering([answer]) as port, suppress(ToolError):
        response = stamp(SHA256, f"http://127.0.0.1:{port}/")
        assert hashlib.sha256(response).hexdigest() == ""  # none of those is one
