"""Write names down instead of looking them up; started on the standby by remote_egress.py.

Standard library only, Python 3.8 or later, never imported by pradrill. One word, a JSON object:
`socket`, the abstract name at which root may `look` and `end` it, and `known`: names that lead
where they did before. Every other name is answered by an address of its own in 198.18.0.0/15,
which is nobody's (RFC 2544) and out of the table's reach: whoever goes there is counted by name.
Nothing is asked of anybody. Prints the port on which it answers, over UDP and TCP, on loopback.
"""

from __future__ import annotations

import ipaddress
import json
import os
import select
import socket
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from typing import Any

MOST = 500  # names that are told
LONGEST = 253
TRIES = 3  # to see who asks for a name
A, PTR, AAAA = 1, 12, 28
LIFE = 5  # seconds that an answer may be kept
NOWHERE = int(ipaddress.ip_address("198.18.0.0"))
PROC = "/proc"


class Names:
    """What was asked for, and how often."""

    def __init__(self, leads_to: dict[str, list[str]]) -> None:
        self.leads_to = leads_to
        self.counts: dict[str, int] = {}
        self.processes: dict[str, str] = {}
        self.addresses: dict[str, list[str]] = {}
        self.unkept = 0

    def ask(self, name: str, kind: int, port: int) -> list[str] | None:
        """Write a name down and return its addresses; None: there is no such name."""
        if kind == PTR:
            return None
        if name not in self.counts:
            if len(self.counts) >= MOST:
                self.unkept += 1
                return self.leads_to.get(name) or None
            self.counts[name] = 0
            number = len(self.counts)
            self.addresses[name] = self.leads_to.get(
                name, [str(ipaddress.ip_address(NOWHERE + number))]
            )
        if kind == A or kind not in (A, AAAA):
            self.counts[name] += 1
        elif not self.counts[name]:
            self.counts[name] = 1
        if name not in self.processes and self.counts[name] <= TRIES:
            process = asker(port)
            if process:
                self.processes[name] = process
        return self.addresses[name] or None

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        names = [
            [name, count, self.processes.get(name), self.addresses[name]]
            for name, count in self.counts.items()
        ]
        return {"names": names, "unkept": self.unkept}


def asker(port: int) -> str:
    """Return the name of the process that has a socket with that local port, while it waits."""
    inodes = set()
    for table in ("udp", "udp6", "tcp", "tcp6"):
        try:
            with open(f"{PROC}/net/{table}", encoding="ascii") as file:  # noqa: PTH123
                fields = [line.split() for line in file][1:]
        except OSError:
            continue
        inodes |= {each[9] for each in fields if each[1].endswith(f":{port:04X}")}
    links = {f"socket:[{inode}]" for inode in inodes - {"0"}}
    if not links:
        return ""
    for pid in filter(str.isdigit, os.listdir(PROC)):  # noqa: PTH208
        try:
            for handle in os.listdir(f"{PROC}/{pid}/fd"):  # noqa: PTH208
                if os.readlink(f"{PROC}/{pid}/fd/{handle}") in links:  # noqa: PTH115
                    with open(f"{PROC}/{pid}/comm", "rb") as file:  # noqa: PTH123
                        return file.read().decode("utf-8", "replace").strip()
        except OSError:
            continue
    return ""


def question(query: bytes) -> tuple[str, int, int]:
    """Return the name that a query asks for, the kind, and where its question ends."""
    labels, at = [], 12
    while query[at]:
        length = query[at]
        if length > 63:  # noqa: PLR2004 no label is longer
            raise ValueError
        labels.append(query[at + 1 : at + 1 + length])
        at += 1 + length
    kind = struct.unpack("!H", query[at + 1 : at + 3])[0]
    text = b".".join(labels)[:LONGEST].decode("ascii", "replace").lower()
    return "".join(c if c.isprintable() else "?" for c in text), kind, at + 5


def reply(query: bytes, names: Names, port: int) -> bytes:
    """Return the answer to a query; nothing to what is none."""
    try:
        name, kind, end = question(query)
    except (IndexError, ValueError, struct.error):
        return b""
    addresses = names.ask(name, kind, port)
    version = {A: 4, AAAA: 6}.get(kind)
    records = b""
    count = 0
    for address in map(ipaddress.ip_address, addresses or ()):
        if address.version == version:
            data = address.packed
            records += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, LIFE, len(data)) + data
            count += 1
    code = 3 if addresses is None else 0  # no such name
    head = query[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, count, 0, 0)
    return head + query[12:end] + records


def over_tcp(listener: socket.socket, names: Names) -> None:
    """Answer one question that came over a connection."""
    connection, peer = listener.accept()
    with connection:
        connection.settimeout(1)
        query = connection.recv(4096)
        answer = reply(query[2:], names, peer[1])
        connection.sendall(struct.pack("!H", len(answer)) + answer)


def told_to_end(listener: socket.socket, names: Names) -> bool:
    """Do what root says; tell whether that is to end."""
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(1)
        size = struct.calcsize("3i")
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        if struct.unpack("3i", credentials)[1] != os.geteuid():
            return False
        word = connection.recv(64).strip()
        connection.sendall(json.dumps(names.as_json()).encode())
        return word == b"end"


def listeners() -> tuple[list[socket.socket], list[socket.socket]]:
    """Return sockets for datagrams and for connections, on loopback, of one port."""
    for _ in range(50):
        port = 0
        datagrams: list[socket.socket] = []
        connections: list[socket.socket] = []
        try:
            for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                for kind, group in (
                    (socket.SOCK_DGRAM, datagrams),
                    (socket.SOCK_STREAM, connections),
                ):
                    try:
                        each = socket.socket(family, kind)
                        each.bind((address, port))
                    except OSError:
                        if family == socket.AF_INET6:
                            continue  # a machine without it
                        raise
                    port = each.getsockname()[1]
                    group.append(each)
        except OSError:
            continue
        for each in connections:
            each.listen(16)
        return datagrams, connections
    raise OSError("no port is free")


def main(words: str) -> None:
    """Answer until somebody says that it is over."""
    request = json.loads(words)
    with open("/proc/self/comm", "w", encoding="ascii") as file:  # noqa: PTH123
        file.write("pradrill-names")
    names = Names(request["known"])
    root = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    root.bind(f"\0{request['socket']}")
    root.listen(4)
    datagrams, connections = listeners()
    os.write(1, f"{datagrams[0].getsockname()[1]}\n".encode())
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)

    while True:
        for each in select.select([root, *datagrams, *connections], [], [])[0]:
            try:
                if each is root:
                    if told_to_end(root, names):
                        return
                elif each in connections:
                    over_tcp(each, names)
                else:
                    query, peer = each.recvfrom(4096)
                    if answer := reply(query, names, peer[1]):
                        each.sendto(answer, peer)
            except OSError:
                continue  # one who asks and goes hinders nobody


if __name__ == "__main__":
    main(sys.argv[1])
