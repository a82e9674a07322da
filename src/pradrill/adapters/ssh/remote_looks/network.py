"""Look at addresses, routes and sockets, as the kernel tells of them."""

from __future__ import annotations

import socket
import struct
import sys

from pradrill.adapters.ssh.remote_looks.answer import begin, line
from pradrill.adapters.ssh.remote_looks.contents import lines_of, may_be_there
from pradrill.adapters.ssh.remote_looks.netlink import (
    GET_ADDRESS,
    GET_ROUTE,
    GET_RULE,
    SIZES,
    answers,
    number_in,
)

ROUTES, UDP = "/proc/net/route", ("/proc/net/udp", "/proc/net/udp6")
PORTS = "/proc/sys/net/ipv4/ip_local_port_range"
TEMPORARY, PERMANENT, OF_LINK = 0x01, 0x80, 253  # flags and the scope of an address
LEARNT = {1, 8, 9, *range(11, 16), 17, 42, *range(186, 193)}  # from neighbours, as by RA and BGP
KINDS_OF_ROUTE = {1: "", 6: "blackhole ", 7: "unreachable ", 8: "prohibit ", 9: "throw "}
CACHED, MAIN = 0x200, 254  # a flag of a route, a table


def network(family: int, address: bytes | None, bits: int) -> str:
    """Return an address with its bits, as people write it; without one every address."""
    return f"{socket.inet_ntop(family, address or bytes(SIZES[family]))}/{bits}"


def link(number: int) -> str:
    """Return an interface's name, or its number when it has gone."""
    try:
        return socket.if_indextoname(number)
    except OSError:
        return str(number)


def addresses() -> None:
    """Print addresses that were given for good: no leases, nothing of a link's own."""
    begin("address")
    for (family, bits, short, scope, *index), attributes in answers(GET_ADDRESS, 8):
        flags = number_in(attributes, 8) or short
        if scope != OF_LINK and flags & PERMANENT and not flags & TEMPORARY:
            name = network(family, attributes.get(2) or attributes.get(1), bits)
            place = link(int.from_bytes(bytes(index), sys.byteorder))
            line("address", "", f"{name} dev {place}")


def routing() -> None:
    """Print routes of IPv6, those of IPv4 in tables that routes() does not see, and rules."""
    begin("routing")
    for (family, bits, _, _, low, origin, _, kind, *flags), attributes in answers(GET_ROUTE, 12):
        table, to, by = number_in(attributes, 15) or low, attributes.get(1), attributes.get(5)
        is_cached = int.from_bytes(bytes(flags), sys.byteorder) & CACHED
        if is_cached or origin in LEARNT or any(attributes.get(12, b"")[8:12]):  # it expires
            continue
        is_seen = family == socket.AF_INET and table == MAIN
        is_of_link = family == socket.AF_INET6 and not by and (to or b"")[:1] in {b"\xfe", b"\xff"}
        if kind in KINDS_OF_ROUTE and not is_seen and not is_of_link:
            words = f"{KINDS_OF_ROUTE[kind]}{network(family, to, bits)}"
            words += f" via {socket.inet_ntop(family, by)}" if by else ""
            words += f" dev {link(number_in(attributes, 4))}" if 4 in attributes else ""  # noqa: PLR2004 of its way out
            words += f" table {table}" if table != MAIN else ""
            line("routing", "", words)

    for (family, to_bits, from_bits, _, low, _, _, action, *_), attributes in answers(GET_RULE, 12):
        words = f"from {network(family, attributes.get(2), from_bits)}"
        words += f" to {network(family, attributes.get(1), to_bits)}"
        words += f" mark {number_in(attributes, 10):#x}" if 10 in attributes else ""  # noqa: PLR2004 of packets
        for number, where in ((3, "in"), (17, "out")):
            place = attributes.get(number, b"").rstrip(b"\0").decode(errors="replace")
            words += f" {where} {place}" if place else ""
        words += f" action {action} table {number_in(attributes, 15) or low}"
        line("routing", "", f"rule {number_in(attributes, 6)}: {words}")


def routes() -> None:
    """Print the routes of IPv4, as the kernel has them."""
    begin("route")
    for fields in (each.split() for each in lines_of(ROUTES)[1:]):
        if len(fields) > 7:  # noqa: PLR2004 link, to, by, ..., mask
            to, by, mask = (address_of(fields[place]) for place in (1, 2, 7))
            line("route", "", f"{to}/{mask} via {by} dev {fields[0]}")


def address_of(number: str) -> str:
    """Return an address as people write it: the kernel tells its bytes as they lie in memory."""
    return socket.inet_ntoa(struct.pack("=I", int(number, 16)))


def sockets() -> None:
    """Print UDP sockets that wait for anybody, with the first port that clients get."""
    ephemeral = lines_of(PORTS)[0].split()[0]
    for table in UDP:
        if not may_be_there(table):
            continue
        for fields in (each.split() for each in lines_of(table)):
            if len(fields) > 3 and fields[3] == "07":  # noqa: PLR2004 number local remote state
                line("socket", ephemeral, fields[1])
