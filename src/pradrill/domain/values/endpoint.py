"""Read HOST:PORT, as people write it."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator

from pradrill.domain.values.identity import is_nobodys, plain_address
from pradrill.domain.values.model import when_written

_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_NAME = 253
_LOOPBACK = re.compile(r"(?:.+\.)?localhost|localhost\..+|ip6-(?:localhost|loopback)")


def _endpoint(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (host and colon and port.isdecimal() and 0 < int(port) < 65_536):  # noqa: PLR2004
        msg = f'"{value}" is not HOST:PORT'
        raise ValueError(msg)
    return value


def _well_formed(value: str) -> str:
    host, _, port = value.rpartition(":")
    if not (_PORT.fullmatch(port) and int(port) < 65_536 and _is_host(host)):  # noqa: PLR2004
        msg = f'"{value}" is not HOST:PORT (an IPv6 address stands in brackets)'
        raise ValueError(msg)
    return value


def _is_host(text: str) -> bool:
    """Tell whether it is a host's name, an IPv4 address, or an IPv6 address in brackets."""
    try:
        if text.startswith("[") and text.endswith("]"):
            ip = ip_address(text[1:-1])
            return ip.version == 6 and not is_nobodys(ip)  # noqa: PLR2004 only it has these

        labels = text.removesuffix(".").split(".")
        if labels[-1].isdecimal():  # no name ends so: it is an address, or a slip in one
            ip = ip_address(text)
            return ip.version == 4 and not is_nobodys(ip)  # noqa: PLR2004
    except ValueError:
        return False

    return len(text) <= _LONGEST_NAME and all(_LABEL.fullmatch(label) for label in labels)


def host_of(endpoint: str) -> str:
    """Return the name or the address that an endpoint begins with, as others write it."""
    name = endpoint.rpartition(":")[0].strip("[]").removesuffix(".").lower()
    try:
        return str(plain_address(name))
    except ValueError:
        return name


def _elsewhere(value: str) -> str:
    """Refuse what leads each machine to itself: that it is closed proves nothing."""
    name = host_of(value)
    try:
        is_own = ip_address(name).is_loopback
    except ValueError:
        is_own = _LOOPBACK.fullmatch(name) is not None
    if is_own:
        msg = f'"{value}" leads the standby to itself, which proves nothing: name production'
        raise ValueError(msg)
    return value


Endpoint = Annotated[str, AfterValidator(_endpoint), when_written(_well_formed)]

RemoteEndpoint = Annotated[Endpoint, when_written(_elsewhere)]
"""HOST:PORT of another machine than the one that it is reached from."""
