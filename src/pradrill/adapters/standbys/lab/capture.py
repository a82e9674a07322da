"""Read what a machine's network card has sent: QEMU writes it down, whatever root does inside.

The file is pcap with Ethernet frames, sent by the machine alone, each cut after its first bytes.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pradrill.domain.run.egress import AskedName, EgressAttempt, EgressLook
from pradrill.errors import PradrillError

FRAME = 320
"""Bytes of a frame that are kept: a question for a name has room in them."""
LARGEST = 64_000_000
"""Bytes of the file; when it is larger nothing more is written down."""
_MAGIC, _HEAD, _RECORD = 0xA1B2C3D4, struct.Struct("=IHHiIII"), struct.Struct("=IIII")
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP, _ICMP, _ICMP6 = 6, 17, 1, 58
_NAMES = {_TCP: "tcp", _UDP: "udp", _ICMP: "icmp", _ICMP6: "icmpv6"}
_SYN, _ACK = 0x02, 0x10
_PINGS = {_ICMP: 8, _ICMP6: 128}
_DNS = 53
_LEASES = {(68, 67), (546, 547)}
_NO_CAPTURE = "no capture of frames"
_ATTEMPTS, _ASKED, _LABEL = 500, 500, 63
_WORD, _LOOKS, _PAUSE = 10.0, 40, 0.05
"""Seconds for a machine's first word; looks at the file, and seconds between two."""

Address = IPv4Address | IPv6Address


class Packet(NamedTuple):
    """What of a packet tells where it goes."""

    to: Address
    protocol: int
    payload: bytes
    """From the header of the transport on."""


def read_capture(path: Path, host: str, links: frozenset[str]) -> EgressLook:
    """Return what was tried; `links`: address:port that lead on. Raises PradrillError."""
    try:
        with path.open("rb") as file:
            tries = _Tries(links)
            for frame in _frames(file):
                packet = _packet(frame)
                if packet is not None:
                    tries.take(packet)
            is_full = path.stat().st_size >= LARGEST
    except (OSError, ValueError) as error:
        raise PradrillError(f"what the network card of {host} sent cannot be read") from error
    return tries.look(host, is_full=is_full)


def is_written(path: Path, port: int, sleep: Callable[[float], None]) -> bool:
    """Make a machine send something, and tell whether the file has it.

    What writes it can be ended or stopped, as by an administrator who finds a lone `cat`: then
    what the file holds is true, and not all. `port` leads to its SSH, whose server speaks first.
    """
    before = _size(path)
    if before >= LARGEST:  # that is told by itself
        return True
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), _WORD) as line:
        line.recv(1)
    for _ in range(_LOOKS):
        if _size(path) > before:
            return True
        sleep(_PAUSE)
    return False


def _size(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0


def _frames(file: BinaryIO) -> Iterator[bytes]:
    """Yield each frame; the last one may be half written."""
    head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or _HEAD.unpack(head)[0] != _MAGIC:
        raise ValueError(_NO_CAPTURE)
    while len(record := file.read(_RECORD.size)) == _RECORD.size:
        length = _RECORD.unpack(record)[2]
        if length > 2 * FRAME:
            raise ValueError(_NO_CAPTURE)
        frame = file.read(length)
        if len(frame) < length:
            return
        yield frame


def _packet(frame: bytes) -> Packet | None:
    """Return what a frame carries; None of what is no IP, or is cut too soon."""
    kind, packet = int.from_bytes(frame[12:14], "big"), frame[14:]
    try:
        if kind == _IPV4:
            later_fragment = int.from_bytes(packet[6:8], "big") & 0x1FFF
            length = (packet[0] & 0x0F) * 4
            to: Address = IPv4Address(packet[16:20])
            return None if later_fragment else Packet(to, packet[9], packet[length:])
        if kind == _IPV6:
            protocol, payload = packet[6], packet[40:]
            while protocol in {0, 43, 60}:  # what is for each hop, for routes, for the destination
                protocol, payload = payload[0], payload[8 * (payload[1] + 1) :]
            return Packet(IPv6Address(packet[24:40]), protocol, payload)
    except (IndexError, ValueError):
        return None
    return None


class _Tries:
    """What was tried so far, each destination once."""

    def __init__(self, links: frozenset[str]) -> None:
        self._links = links
        self._counts: dict[tuple[str, str, int | None], int] = {}
        self._syns: set[tuple[Address, bytes]] = set()
        self._names: dict[str, int] = {}
        self._unkept = self._names_unkept = 0

    def take(self, packet: Packet) -> None:
        """Count what begins something; answers, and what a network itself needs, do not."""
        to, protocol, payload = packet
        if to.is_multicast or to == ip_address("255.255.255.255"):
            return
        port = int.from_bytes(payload[2:4], "big") if protocol in {_TCP, _UDP} else None
        if protocol == _TCP and not self._begins(to, payload):
            return
        if protocol == _UDP and (int.from_bytes(payload[0:2], "big"), port) in _LEASES:
            return
        if protocol == _UDP and port == _DNS and (name := _question(payload[8:])):
            self._ask(name)
            return
        if protocol in _PINGS and payload[:1] != bytes([_PINGS[protocol]]):
            return
        key = (_NAMES.get(protocol, str(protocol)), str(to), port)
        if key not in self._counts and len(self._counts) >= _ATTEMPTS:
            self._unkept += 1
            return
        self._counts[key] = self._counts.get(key, 0) + 1

    def _begins(self, to: Address, payload: bytes) -> bool:
        """Tell whether a segment begins a connection, for the first time."""
        if len(payload) <= 13 or payload[13] & (_SYN | _ACK) != _SYN:  # noqa: PLR2004 the flags
            return False
        key = (to, payload[:8])  # ports and sequence number: sent again it is the same
        if key in self._syns:
            return False
        if len(self._syns) < 100 * _ATTEMPTS:
            self._syns.add(key)
        return True

    def _ask(self, name: str) -> None:
        if name not in self._names and len(self._names) >= _ASKED:
            self._names_unkept += 1
            return
        self._names[name] = self._names.get(name, 0) + 1

    def look(self, host: str, *, is_full: bool) -> EgressLook:
        """Return all of it."""
        return EgressLook(
            attempts=tuple(
                EgressAttempt(
                    standby=host,
                    protocol=protocol,
                    address=address,
                    port=port,
                    count=count,
                    let_through=protocol == "tcp" and _endpoint(address, port) in self._links,
                )
                for (protocol, address, port), count in self._counts.items()
            ),
            unkept=self._unkept + is_full,
            names=tuple(AskedName(name=name, count=count) for name, count in self._names.items()),
            names_unkept=self._names_unkept,
            resolver=True,
        )


def _endpoint(address: str, port: int | None) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _question(payload: bytes) -> str:
    """Return the name that a DNS query asks for; nothing of what is none."""
    labels, at = [], 12
    try:
        if payload[2] & 0x80:  # an answer
            return ""
        while length := payload[at]:
            if length > _LABEL:
                return ""
            labels.append(payload[at + 1 : at + 1 + length])
            at += 1 + length
    except IndexError:
        return ""
    text = b".".join(labels).decode("ascii", "replace").lower()
    return "".join(c if c.isprintable() else "?" for c in text)
