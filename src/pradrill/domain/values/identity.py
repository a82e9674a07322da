"""Tell one machine from another by host keys, machine-ids and addresses, read strictly.

A value that names no machine is refused where it is written: compared with a host it would differ
from every one, and prove nothing.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from pradrill.domain.values.host_key import fingerprint

_FINGERPRINT = re.compile(r"SHA256:(?!(.)\1{41})[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]")
"""43 characters hold 256 bits: the last one ends in two zeros; all alike, it is a placeholder."""
_MACHINE_ID = re.compile(r"[0-9a-fA-F]{32}")
_KEY_TYPE = re.compile(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-(?!.*-cert-)[a-z0-9@.-]+")
_ED25519 = 32  # bytes of its public key
_SHORTEST = 32  # bytes of any other one


def address(text: str) -> str:
    """Return an IP address in its one spelling; raises ValueError for anything else."""
    try:
        ip = plain_address(text)
    except ValueError as error:
        msg = f'"{text}" is not an IP address; a name is none, because where it leads can change'
        raise ValueError(msg) from error
    if is_nobodys(ip):
        msg = f'"{text}" is no machine\'s own address'
        raise ValueError(msg)

    return str(ip)


def is_nobodys(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether an address is that of no machine: any, all, or a group of them."""
    return ip.is_unspecified or ip.is_multicast or str(ip) == "255.255.255.255"


def is_everybodys(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Tell whether many machines have an address: that one has another proves nothing."""
    return ip.is_loopback or ip.is_link_local


def plain_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Read an address; an IPv4 address inside an IPv6 one is that, and a zone is left out."""
    ip = ipaddress.ip_address(text.partition("%")[0] if ":" in text else text)
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return mapped or ip


def machine_id(text: str) -> str:
    """Return the content of an /etc/machine-id; raises ValueError for anything else."""
    digits = text.lower()
    if not is_machine_id(digits) or len(set(digits)) == 1:
        msg = f'"{text}" is not a machine-id: 32 hexadecimal digits, as /etc/machine-id has them'
        raise ValueError(msg)
    return digits


def is_machine_id(text: str) -> bool:
    """Tell whether that is a machine's word for who it is; systemd takes capitals, too."""
    return bool(_MACHINE_ID.fullmatch(text))


def host_key(text: str) -> str:
    """Return a public key ("type base64 comment") or its fingerprint; raises ValueError."""
    if _FINGERPRINT.fullmatch(text):
        return text

    kind, _, rest = text.partition(" ")
    blob = rest.split(" ")[0]
    if not _KEY_TYPE.fullmatch(kind) or not _is_key(kind, blob):
        msg = (
            f'"{text[:60]}" is not a host key: write one as /etc/ssh/ssh_host_ed25519_key.pub has '
            "it, or its fingerprint, as ssh-keygen -l prints it (SHA256:…)"
        )
        raise ValueError(msg)

    return text


def valid(check: Callable[[str], str], values: Iterable[str]) -> Iterator[str]:
    """Yield those of the values that name a machine; plans of before were not held to it."""
    for value in values:
        with suppress(ValueError):
            yield check(value)


def type_of(key: str) -> str | None:
    """Return the type of a public key; a fingerprint does not tell."""
    return None if _FINGERPRINT.fullmatch(key) else key.split(maxsplit=1)[0]


def print_of(key: str) -> str:
    """Return the fingerprint of a public key, or the one that it is."""
    return key if _FINGERPRINT.fullmatch(key) else fingerprint(key)


def _is_key(kind: str, blob: str) -> bool:
    """Tell whether a blob is a whole key of that type: its own type comes first in it."""
    try:
        parts = list(_parts(base64.b64decode(blob, validate=True)))
    except (binascii.Error, ValueError):
        return False
    if len(parts) < 2 or parts[0] != kind.encode():  # noqa: PLR2004 its type, and the key
        return False
    if kind == "ssh-ed25519":
        return [len(part) for part in parts[1:]] == [_ED25519]

    return sum(len(part) for part in parts[1:]) >= _SHORTEST


def _parts(blob: bytes) -> Iterator[bytes]:
    """Yield the strings of an SSH key blob; raises ValueError when one is cut off."""
    while blob:
        length = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + length:
            msg = "cut off"
            raise ValueError(msg)

        yield blob[4 : 4 + length]
        blob = blob[4 + length :]
