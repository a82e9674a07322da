"""Whatever a server says in the place of SFTP, its folder is listed or refused, and that ends."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES

from pradrill.adapters.ssh import sftp
from pradrill.domain.declared.backup_source import Ssh
from pradrill.domain.values.ssh_place import SshPlace
from pradrill.errors import NotReadyError, PradrillError

STATUS, HANDLE, NAME, ATTRIBUTES = 101, 102, 104, 105  # of the protocol
VERSION = struct.pack(">IBI", 5, 2, 3)


def string(payload: bytes) -> bytes:
    """Return bytes as the protocol has them: after their length."""
    return struct.pack(">I", len(payload)) + payload


names = st.sampled_from(
    [b"a.sql", b"caf\xe9.sql", b"", b".", b"..", b"../../etc/passwd", b"a\0b", b"a\nb", b"\x1b[2J"]
) | st.binary(max_size=9)
numbers = st.sampled_from([0, 1, 0o100644, 0o040755, 0o120777, 0o010644, 2**31, 2**32 - 1])
attributes = st.builds(
    lambda flags, size, *four: struct.pack(">IQIIIII", flags, size, 0, 0, *four),
    st.sampled_from([0, 13, 15, 15, 2**31 + 15, 2**32 - 1]),
    st.sampled_from([0, 4_096, 2**63, 2**64 - 1]),
    *[numbers] * 3,
)
entries = st.builds(lambda name, of: string(name) + string(b"-rw-") + of, names, attributes)
listings = st.builds(
    lambda count, every: (
        struct.pack(">I", len(every) if count is None else count) + b"".join(every)
    ),
    st.sampled_from([None, None, 0, 3, 2**32 - 1]),
    st.lists(entries, max_size=4),
)
codes = st.sampled_from([0, 1, 2, 3, 4, 9, 2**32 - 1])
replies = st.lists(
    st.one_of(
        st.tuples(st.just(HANDLE), names.map(string)),
        st.tuples(st.just(NAME), listings),
        st.tuples(st.just(ATTRIBUTES), attributes),
        st.tuples(st.just(STATUS), codes.map(lambda code: struct.pack(">I", code) + string(b"x"))),
        st.tuples(st.integers(0, 255), st.binary(max_size=20)),
    ),
    max_size=6,
)


class Server:
    """What answers each request with the next reply, in the place of ssh."""

    def __init__(self, every: list[tuple[int, bytes]], begins: bytes = VERSION) -> None:
        self.waiting = list(every)
        self.out = b""
        self.begins = begins

    def send(self, request: bytes) -> int:
        """Take a request."""
        if request[4] == 1:  # what opens it
            self.out += self.begins
        elif self.waiting:
            kind, payload = self.waiting.pop(0)
            body = bytes([kind]) + request[5:9] + payload
            self.out += struct.pack(">I", len(body)) + body
        return len(request)

    def recv(self, size: int) -> bytes:
        """Return what is left of the answers."""
        part, self.out = self.out[:size], self.out[size:]
        return part

    def get_name(self) -> str:
        """Return what it is called."""
        return "server"

    def end(self) -> tuple[int, str]:
        """Return that ssh ended as it should."""
        return 0, ""

    def close(self) -> None:
        """Do nothing."""


def listed(server: Server) -> Any:
    """Return what the folder of dumps on it holds. Raises PradrillError."""
    place = SshPlace(host="backup1", user="drill", port=22, path="/dumps")
    with patch.object(sftp, "_Pipe", lambda *_: server):
        return sftp.SftpFolder(place, Ssh()).entries("/dumps")


OPENED = (HANDLE, string(b"h"))


@settings(max_examples=6 * EXAMPLES)
@given(replies, st.booleans())
def test_a_listing_over_sftp_is_read_or_refused(
    every: list[tuple[int, bytes]], opens: bool
) -> None:
    """Each entry is one of that folder's, with a date and a size; there are no more than came."""
    size = sum(len(payload) for _, payload in every)
    with suppress(PradrillError):
        for entry in listed(Server([OPENED, *every] if opens else every)):
            assert entry.name
            assert "/" not in entry.name
            assert entry.name not in {".", ".."}
            assert entry.size >= 0
            assert entry.modified.year >= 1970
            size -= 12
    assert size >= 0


@settings(max_examples=2 * EXAMPLES)
@given(st.binary(max_size=12))
def test_what_comes_before_sftp_is_refused(begins: bytes) -> None:
    """Whatever the login's shell prints there, it is a sentence."""
    with suppress(PradrillError):
        listed(Server([OPENED], begins))


@pytest.mark.parametrize(
    ("every", "begins"),
    [
        ([OPENED, (NAME, b"\xff\xff\xff\xff")], VERSION),
        ([OPENED, (NAME, struct.pack(">I", 1) + string(b"a") * 2 + b"\x80\0\0\0" + b"\xff" * 4)],
         VERSION),
        ([OPENED], struct.pack(">IB", 1, 2)),
    ],
    ids=["four thousand million names", "as many attributes", "no version"],
)  # fmt: skip
def test_more_than_a_server_sends_is_not_waited_for(
    every: list[tuple[int, bytes]], begins: bytes
) -> None:
    """What it counts and does not send filled the memory; what it leaves out was a traceback."""
    with pytest.raises(NotReadyError):
        listed(Server(every, begins))
