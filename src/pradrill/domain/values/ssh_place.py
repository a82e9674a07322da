"""Read SCHEME://USER@HOST:PORT/PATH as it stands: a URL's own rules would change it.

A `#` or `?` belongs to a folder's name here; an alias of ssh's configuration keeps its capitals.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LAST_PORT = 65_535
_ADDRESS = re.compile(
    r"\w+://(?:(?P<user>(?!-)[^/@]*)@)?"
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)(?:%(?:25(?=\w))?(?P<zone>\w[\w.-]*))?\]"
    r"|(?P<name>[^-:/@\[\]][^:/@\[\]]*))"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/.*)",
    re.DOTALL,
)


class SshPlace(NamedTuple):
    """A path on a host, and how ssh gets there."""

    host: str
    """As it is written: a name or an alias of ssh's configuration may have capitals."""

    port: int | None
    user: str | None
    path: str

    @property
    def login(self) -> str:
        """Return it as ssh takes it: USER@HOST."""
        return f"{self.user}@{self.host}" if self.user else self.host

    @property
    def port_option(self) -> tuple[str, ...]:
        """Return ssh's option with the port, if one is named."""
        return ("-p", str(self.port)) if self.port else ()


def ssh_place(address: str) -> SshPlace | None:
    """Return where an address leads; None when it names no host, or a port that there is not."""
    match = _ADDRESS.fullmatch(address)
    if match is None or (match["port"] and not 0 < int(match["port"]) <= _LAST_PORT):
        return None

    host = match["name"] or match["six"] + (f"%{match['zone']}" if match["zone"] else "")
    port = int(match["port"]) if match["port"] else None
    return SshPlace(host, port, match["user"] or None, match["path"])
