"""What a machine's network card has sent is read from outside, whoever was root on the machine."""

from __future__ import annotations

import struct
from ipaddress import ip_address
from pathlib import Path

import pytest

from pradrill.adapters.standbys.lab.capture import FRAME, read_capture
from pradrill.domain.run.egress import EgressLook
from pradrill.errors import PradrillError

_HEAD = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, FRAME, 1)


def frame(to: str, protocol: int, payload: bytes) -> bytes:
    """Return an Ethernet frame that carries a packet."""
    address = ip_address(to)
    if address.version == 4:
        head = struct.pack("!BBHHHBBH4s", 0x45, 0, 0, 0, 0, 64, protocol, 0, b"\x0a\0\x02\x0f")
        return b"\0" * 12 + b"\x08\x00" + head + address.packed + payload
    head = struct.pack("!IHBB16s", 0x60000000, len(payload), protocol, 64, b"\0" * 16)
    return b"\0" * 12 + b"\x86\xdd" + head + address.packed + payload


def tcp(port: int, flags: int = 0x02, number: int = 1, source: int = 40_000) -> bytes:
    """Return the header of a segment; without flags it begins a connection."""
    return struct.pack("!HHIIBBHHH", source, port, number, 0, 0x50, flags, 0, 0, 0)


def udp(port: int, payload: bytes = b"", source: int = 40_000) -> bytes:
    """Return a datagram."""
    return struct.pack("!HHHH", source, port, 8 + len(payload), 0) + payload


def query(name: str) -> bytes:
    """Return a question for a name."""
    labels = b"".join(bytes([len(each)]) + each.encode() for each in name.split("."))
    return struct.pack("!HHHHHH", 1, 0x0100, 1, 0, 0, 0) + labels + b"\0\0\x01\0\x01"


def looked_at(folder: Path, *frames: bytes, tail: bytes = b"", links: str = "") -> EgressLook:
    """Return what is read of a capture of these frames."""
    records = (struct.pack("=IIII", 0, 0, len(each), len(each)) + each for each in frames)
    (folder / "sent.pcap").write_bytes(_HEAD + b"".join(records) + tail)
    return read_capture(folder / "sent.pcap", "standby", frozenset(filter(None, [links])))


def test_what_begins_something_is_counted_once(tmp_path: Path) -> None:
    """Repeated segments, answers, leases, neighbours and broadcasts are not; a link leads on."""
    look = looked_at(
        tmp_path,
        frame("203.0.113.7", 6, tcp(5432)),
        frame("203.0.113.7", 6, tcp(5432)),  # sent again
        frame("203.0.113.7", 6, tcp(5432, number=9, source=40_001)),
        frame("203.0.113.7", 6, tcp(5432, flags=0x10)),
        frame("10.0.2.2", 6, tcp(50_000, flags=0x12, source=22)),  # an answer of sshd
        frame("10.0.2.100", 6, tcp(22)),
        frame("2001:db8::7", 6, tcp(443)),
        frame("203.0.113.8", 17, udp(514, b"hello")),
        frame("10.0.2.3", 17, udp(53, query("smtp.Exemple.fr"))),
        frame("10.0.2.3", 17, udp(53, query("smtp.exemple.fr"))),
        frame("255.255.255.255", 17, udp(67, source=68)),
        frame("10.0.2.2", 17, udp(67, source=68)),
        frame("ff02::2", 58, b"\x85\0\0\0"),
        frame("fe80::2", 58, b"\x87\0\0\0"),
        frame("203.0.113.9", 1, b"\x08\0\0\0"),
        b"\0" * 12 + b"\x08\x06" + b"arp",
        links="10.0.2.100:22",
    )
    assert {(a.protocol, a.address, a.port): (a.count, a.let_through) for a in look.attempts} == {
        ("tcp", "203.0.113.7", 5432): (2, False),
        ("tcp", "10.0.2.100", 22): (1, True),
        ("tcp", "2001:db8::7", 443): (1, False),
        ("udp", "203.0.113.8", 514): (1, False),
        ("icmp", "203.0.113.9", None): (1, False),
    }
    assert [(each.name, each.count) for each in look.names] == [("smtp.exemple.fr", 2)]


def test_what_there_is_no_room_for_is_a_number(tmp_path: Path) -> None:
    """So many destinations are told, and no more."""
    look = looked_at(
        tmp_path, *(frame(f"203.0.{n // 250}.{n % 250}", 6, tcp(80)) for n in range(700))
    )
    assert (len(look.attempts), look.unkept) == (500, 200)


@pytest.mark.parametrize(
    "packet",
    [b"", b"\0" * 14, frame("203.0.113.7", 6, b"")[:30], frame("203.0.113.7", 6, b"\0" * 5)],
)
def test_a_frame_that_is_none_hinders_nobody(packet: bytes, tmp_path: Path) -> None:
    """A machine sends what it likes; the last frame may be half written, too."""
    look = looked_at(tmp_path, packet, frame("203.0.113.7", 6, tcp(1)), tail=b"\0" * 20)
    assert [each.port for each in look.attempts] == [1]
    hostile = frame("10.0.2.3", 17, udp(53, query("a\x1b[31m.example")))
    assert looked_at(tmp_path, hostile).names[0].name == "a?[31m.example"


@pytest.mark.parametrize("content", [b"", b"no capture at all, but text", _HEAD[::-1]])
def test_what_is_no_capture_is_not_nothing(content: bytes, tmp_path: Path) -> None:
    """It cannot be read, which is said: none was tried is another thing."""
    (tmp_path / "sent.pcap").write_bytes(content)
    with pytest.raises(PradrillError, match="cannot be read"):
        read_capture(tmp_path / "sent.pcap", "standby", frozenset())
