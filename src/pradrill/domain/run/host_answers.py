"""Read what a Linux host says of itself, strictly: its words are hostile input."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator
from contextlib import suppress

from pradrill.domain.run.host import Host

_UNSTABLE_MOUNTS = ("/proc", "/sys", "/dev", "/run", "/snap")  # come and go by themselves
UNSTABLE_UNIT = re.compile(
    r"(^|/)(?<!/etc/systemd/system/)(user|user-runtime-dir|ssh|sshd)@[^/]*$"
    r"|\.(scope|slice|mount|swap)$"
)
"""Units of logins, and those that stand for something else: they are no drill's.

A file that somebody has put in the place of a login's is not one of them.
"""
_OF_A_CONSOLE = re.compile(r"(getty|autovt)@")  # begun when somebody looks at it
_OCTAL = re.compile(r"\\([0-7]{3})")
_LISTEN = "0A"
_SERVICE = ".service"
_LONGEST_LINE = 200
_MOST_LINES_BEFORE = 100
_PASSWORD = re.compile(
    r"(?<![\w.-])([\w.-]*(?:pass(?:word|wd|phrase)?|pwd|secret|secret[_-]?key|token)\s?=\s?)"
    r"(?:'[^']*'|\"[^\"]*\"|[^\s'\";,]+)",
    re.IGNORECASE,
)


def document_in(text: str) -> str:
    """Return the JSON document in what a tool printed, without the lines before it.

    A wrapper, a login or a library may have printed those; without a document it is all returned.
    """
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines[:_MOST_LINES_BEFORE]):
        if line.lstrip().startswith(("{", "[")):
            rest = "".join(lines[number:])
            with suppress(ValueError, RecursionError):
                json.loads(rest, strict=False)  # a tool may print the signs of a name as they are
                return rest
    return text


def last_line(text: str) -> str:
    """Return the last line that says something: short, and nothing that moves a cursor.

    A tool may quote its settings, as barman does a conninfo: the passwords in them are left out.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = lines[-1] if lines else "it said nothing"
    visible = _PASSWORD.sub(r"\1********", line)[:_LONGEST_LINE]
    return "".join(c if c.isprintable() else "?" for c in visible)


def known_hosts_name(host: Host) -> str:
    """Return the name under which OpenSSH looks for the host's key: ADDRESS or [ADDRESS]:PORT."""
    address = host.address.lower()
    return address if host.port == 22 else f"[{address}]:{host.port}"  # noqa: PLR2004 SSH's own


def pinned_keys(known_hosts: str, name: str) -> set[str]:
    """Return the keys ("type base64") of the plain entries for exactly that name."""
    keys = set()
    for line in known_hosts.splitlines():
        fields = line.split()
        if len(fields) > 2 and name in fields[0].lower().split(","):  # noqa: PLR2004 names type key
            keys.add(" ".join(fields[1:3]))

    return keys


def public_keys(text: str) -> tuple[str, ...]:
    """Return the keys ("type base64") of public key files, each once."""
    keys = (line.split()[:2] for line in text.splitlines())
    return tuple(dict.fromkeys(" ".join(key) for key in keys if len(key) == 2))  # noqa: PLR2004


def listening(table: str) -> tuple[str, ...]:
    """Return ADDRESS:PORT of every listener in /proc/net/tcp and tcp6, each once, sorted."""
    endpoints = set()
    for line in table.splitlines():
        fields = line.split()
        if len(fields) > 3 and fields[3] == _LISTEN:  # noqa: PLR2004 number local remote state
            host, port = endpoint(fields[1])
            endpoints.add(f"{host}:{port}")

    return tuple(sorted(endpoints))


def endpoint(words: str) -> tuple[str, int]:
    """Return the address and the port that the kernel writes as ADDRESS:PORT in hexadecimal."""
    address, _, port = words.partition(":")
    ip = _address(address)
    host = f"[{ip}]" if ip.version == 6 else str(ip)  # noqa: PLR2004 IPv6
    return host, int(port, 16)


def services(listed: str) -> tuple[str, ...]:
    """Return the names of the services that systemctl lists, but for those of logins."""
    return tuple(name for name in _units(listed) if name.endswith(_SERVICE))


def waiting_units(listed: str) -> tuple[str, ...]:
    """Return the names of the other units that systemctl lists, which wait to start a service."""
    return tuple(name for name in _units(listed) if not name.endswith(_SERVICE))


def _units(listed: str) -> list[str]:
    names = (line.split()[0] for line in listed.splitlines() if line.strip())
    return sorted(
        name for name in names if not UNSTABLE_UNIT.search(name) and not _OF_A_CONSOLE.match(name)
    )


def mounts(table: str) -> tuple[str, ...]:
    """Return where /proc/self/mounts says file systems are, but for those that come and go."""
    points = {unescaped(line.split()[1]) for line in table.splitlines() if line.count(" ") > 1}
    return tuple(sorted(point for point in points if not is_unstable(point)))


def is_unstable(point: str) -> bool:
    """Tell whether file systems come and go there by themselves: logins' and services'."""
    return any(point == top or point.startswith(f"{top}/") for top in _UNSTABLE_MOUNTS)


def addresses(text: str) -> tuple[str, ...]:
    """Return the IP addresses that `ip -o addr`, or /proc/net/fib_trie and if_inet6, tell.

    Without loopback and link-local ones, which many machines share.
    """
    texts = {
        str(ip)
        for word in _address_words(text)
        if not ((ip := ipaddress.ip_address(word)).is_loopback or ip.is_link_local)
    }
    return tuple(sorted(texts))


def _address_words(text: str) -> Iterator[str]:
    before = ""
    for line in text.splitlines():
        if match := re.search(r"\sinet6?\s+([0-9a-fA-F.:]+)", line):
            yield match[1]
        elif "/32 host LOCAL" in line and (match := re.search(r"[0-9.]{7,15}", before)):
            yield match[0]
        elif match := re.match(r"([0-9a-f]{32}) ", line):
            yield str(ipaddress.IPv6Address(bytes.fromhex(match[1])))

        before = line


def _address(words: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Read the kernel's hexadecimal: 32-bit words, each in the machine's (little) order."""
    raw = bytes.fromhex(words)
    return ipaddress.ip_address(
        b"".join(raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    )


def unescaped(path: str) -> str:
    """Return a path as it is, of which the kernel writes blanks in octal."""
    return _OCTAL.sub(lambda octal: chr(int(octal[1], 8)), path)
