"""Read SCHEME://USER@HOST:PORT/PATH as it stands: a URL's own rules would change it.

A `#` or `?` belongs to a folder's name here; an alias of ssh's configuration keeps its capitals.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LAST_PORT = 65_535
_PLACE = re.compile(
    r"\w+://(?:(?P<user>[^/@]*)@)?"
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+(?:%\w+)?)\]|(?P<name>[^-:/@\[\]][^:/@\[\]]*))"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/.*)"
)


class SshPlace(NamedTuple):
    """A folder behind SSH."""

    user: str | None
    host: str
    port: int | None
    path: str

    @property
    def login(self) -> str:
        """Return what ssh is told to go to."""
        return f"{self.user}@{self.host}" if self.user else self.host

    @property
    def port_option(self) -> tuple[str, ...]:
        """Return ssh's option with the port, if one is named."""
        return ("-p", str(self.port)) if self.port else ()


def ssh_place(address: str) -> SshPlace | None:
    """Return what an address names; None when it names no host, or a port that there cannot be."""
    place = _PLACE.fullmatch(address)
    port = int(place["port"] or "22") if place else 0
    if place is None or not 0 < port <= _LAST_PORT:
        return None

    return SshPlace(
        user=place["user"],
        host=place["six"] or place["name"],
        port=port if place["port"] else None,
        path=place["path"],
    )
