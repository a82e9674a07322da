"""Read HOST:PORT, as people write it."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator

from pradrill.domain.values.identity import is_nobodys
from pradrill.domain.values.model import when_written

_PORT = re.compile(r"[1-9][0-9]{0,4}")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_NAME = 253


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


Endpoint = Annotated[str, AfterValidator(_endpoint), when_written(_well_formed)]
