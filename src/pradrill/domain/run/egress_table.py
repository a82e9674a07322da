"""Write the table of nftables that lets nothing out of a host, and counts what tries.

It is a run's own, beside those that the host has: a packet that one table refuses, no other lets
through. What is allowed, answers, and what stays on the machine goes; all else is refused at once,
so that a service does not wait, and counted by destination and user. Sets are of a size that stays.
Mail may be led to a sink on the machine, once it is counted: no less is refused for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from pradrill.domain.run.mail_sink import MAIL_PORTS

PROBE = 45
"""The code point (DSCP) that remote_reach.py marks its own tries with: they are not counted, and no
sink answers them, so that they prove that the way out is denied whatever else is done here."""

_DESTINATIONS, _BARE, _THROUGH = 256, 128, 128
"""Of each family so many destinations are told: with a port, without one, and let through."""
_PORTS = "meta l4proto { tcp, udp }"
_NO_SYN = "tcp flags & (fin | syn | rst | ack) != syn"
_DNS = 53
_MAIL = f"tcp dport {{ {', '.join(map(str, MAIL_PORTS))} }}"
_CONTAINERS = ("docker*", "br-*", "podman*", "cni*", "virbr*", "lxc*")
"""Bridges on the machine itself; what leaves a container for elsewhere goes on from there."""
_NEIGHBOURS = (
    "{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, "
    "mld2-listener-report, mld-listener-done }"
)


class Exempt(NamedTuple):
    """What may be reached: a port over TCP and UDP, or all of another host of the standby."""

    address: IPv4Address | IPv6Address
    port: int | None = None


class Controller(NamedTuple):
    """Where the run's own SSH connection comes from, and the port that it goes to."""

    address: IPv4Address | IPv6Address
    port: int


def egress_table(  # noqa: PLR0913 what a table is made of
    name: str,
    allowed: Sequence[Exempt],
    controller: Controller,
    *,
    names: int,
    asks_itself: bool,
    mail: int | None = None,
) -> str:
    """Return what nft loads in one transaction, in the place of an earlier table of that name.

    `names`: the port here at which names are written down; `asks_itself`: no nameserver is
    configured, so that this machine asks itself, where nobody answers; `mail`: the port here that
    takes mail, if any does.
    """
    chains = {
        "tell": [line for family in _FAMILIES for line in _tell(family)],
        "let": [*map(_let, _FAMILIES), "accept"],
        "refuse": [
            "meta l4proto tcp reject with tcp reset",
            "reject with icmpx type port-unreachable",
        ],
        "leave": [
            *_ANSWERS,
            *(line for each in allowed for line in _allow(each, "goto let")),
            f"meta l4proto tcp {_NO_SYN} goto refuse",
            f"ip dscp {PROBE} goto refuse",
            f"ip6 dscp {PROBE} goto refuse",
            "jump tell",
            "goto refuse",
        ],
        # Two chains deny, neither by its policy: one that is emptied opens nothing, and does not
        # keep the controller out that has to see it.
        "out": [
            "type filter hook output priority -10; policy accept;",
            *_staying(controller),
            "goto leave",
        ],
        "out_again": [
            "type filter hook output priority -9; policy accept;",
            *_staying(controller),
            *_ANSWERS,
            *(line for each in allowed for line in _allow(each, "accept")),
            "drop",
        ],
        "across": [
            "type filter hook forward priority -10; policy drop;",
            *(f'ct status dnat oifname "{each}" accept' for each in _CONTAINERS),  # published ports
            "goto leave",
        ],
        "names": [
            "type nat hook output priority -110; policy accept;",
            *([] if asks_itself else ['oifname "lo" return', "ip daddr 127.0.0.0/8 return"]),
            *(
                f"{_to(each.address)} {_PORTS} th dport {_DNS} return"
                for each in allowed
                if each.port in {None, _DNS}
            ),
            f"{_PORTS} th dport {_DNS} redirect to :{names}",
        ],
    }
    if mail is not None:
        chains["take"] = ["jump tell", f"meta l4proto tcp redirect to :{mail}"]
        chains["mail"] = [
            "type nat hook output priority -109; policy accept;",
            *_not_mail(),
            *(line for each in allowed for line in _own_mail(each)),
            f"{_MAIL} goto take",
        ]
    body = [each for family in _FAMILIES for each in _sets(family)]
    body.append("counter unkept { }")
    body += (f"chain {each} {{\n{_lines(chains[each])}}}" for each in chains)
    new = f"table inet {name} {{\n{_lines(body)}}}\n"
    return f"table inet {name}\ndelete table inet {name}\n{new}"


_ANSWERS = ("ct state established ct direction reply accept", "ct state related accept")
"""What goes out again of a connection that was there before is no answer, and refused."""


class _Family(NamedTuple):
    """How nftables calls IPv4, or IPv6."""

    number: str
    name: str
    head: str


_FAMILIES = (_Family("4", "ipv4", "ip"), _Family("6", "ipv6", "ip6"))


def _sets(family: _Family) -> Iterator[str]:
    address = f"{family.name}_addr"
    with_port = f"{address} . inet_proto . inet_service"
    for what, keys, size in (
        ("tried", f"{with_port} . uid", _DESTINATIONS),
        ("unowned", with_port, _DESTINATIONS),
        ("bare", f"{address} . inet_proto", _BARE),
        ("through", with_port, _THROUGH),
    ):
        yield f"set {what}{family.number} {{ type {keys}; size {size}; flags dynamic; }}"


def _tell(family: _Family) -> Iterator[str]:
    """Count a packet once: where it has no user, or a set is full, its rule is passed over."""
    here, number = f"meta nfproto {family.name}", family.number
    to = f"{family.head} daddr . meta l4proto"
    yield f"{here} {_PORTS} {_update('tried', number, f'{to} . th dport . meta skuid')} return"
    yield f"{here} {_PORTS} {_update('unowned', number, f'{to} . th dport')} return"
    yield f"{here} {_PORTS} counter name unkept return"
    yield f"{here} {_update('bare', number, to)} return"
    yield f"{here} counter name unkept return"


def _let(family: _Family) -> str:
    to = f"{family.head} daddr . meta l4proto . th dport"
    here = f"meta nfproto {family.name}"
    return f"ct state new {here} {_update('through', family.number, to)}"


def _update(what: str, number: str, key: str) -> str:
    return f"update @{what}{number} {{ {key} counter }}"


def _staying(controller: Controller) -> Iterator[str]:
    """Let be what stays on the machine, what keeps its network up, and what the run rests on."""
    yield 'oifname "lo" accept'
    yield "ip daddr 127.0.0.0/8 accept"
    yield "ip6 daddr ::1 accept"
    yield _answers(controller)
    yield f"icmpv6 type {_NEIGHBOURS} accept"
    yield "udp sport 68 udp dport 67 accept"  # the lease of its own address
    yield "udp sport 546 udp dport 547 accept"


def _not_mail() -> Iterator[str]:
    """Leave be what stays on the machine, the run's own tries, and what could not be answered.

    A machine without an address of its own in IPv6 has none that loopback answers to.
    """
    yield 'oifname "lo" return'
    yield "ip daddr 127.0.0.0/8 return"
    yield "ip6 daddr ::1 return"
    yield f"ip dscp {PROBE} return"
    yield f"ip6 dscp {PROBE} return"
    yield "ip6 saddr fe80::/10 return"


def _own_mail(each: Exempt) -> Iterator[str]:
    """Leave be mail for a server that may be reached."""
    if each.port is None:
        yield f"{_to(each.address)} {_MAIL} return"
    elif each.port in MAIL_PORTS:
        yield f"{_to(each.address)} tcp dport {each.port} return"


def _allow(each: Exempt, verdict: str) -> Iterator[str]:
    if each.port is None:
        yield f"{_to(each.address)} {verdict}"
        return
    for protocol in ("tcp", "udp"):
        yield f"{_to(each.address)} {protocol} dport {each.port} {verdict}"


def _answers(controller: Controller) -> str:
    """Let through what sshd answers, also of connections that were there before the table."""
    no_request = "tcp flags & (syn | ack) != syn"
    return f"{_to(controller.address)} tcp sport {controller.port} {no_request} accept"


def _to(address: IPv4Address | IPv6Address) -> str:
    head = "ip" if isinstance(address, IPv4Address) else "ip6"
    return f"{head} daddr {address}"


def _lines(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
