"""Hold the token that opens the pages, and what a browser keeps in its place."""

from __future__ import annotations

import secrets
from pathlib import Path

from pradrill.adapters.secrets import read_private
from pradrill.errors import ConfigurationError

SHORTEST = 20
"""Characters of a token of the user's own: nobody is kept from trying as often as they like."""
LONGEST = 300
"""So that a form takes it, whatever its characters."""


class PageToken:
    """The token, which is made at the start or read from a file, and the cookie that it is for.

    The cookie holds another secret, made at each start: a browser keeps nothing that outlives it.
    """

    def __init__(self, file: Path | None = None) -> None:
        """Make one, or take that of a file. Raises PradrillError."""
        self.is_own = file is None
        self.value = secrets.token_urlsafe(32) if file is None else _of_file(file)
        self.cookie = secrets.token_urlsafe(32)

    def opens(self, offer: str) -> bool:
        """Compare in constant time."""
        return secrets.compare_digest(offer.encode(), self.value.encode())

    def is_kept(self, cookie: str) -> bool:
        """Tell whether a browser has been let in before."""
        return secrets.compare_digest(cookie.encode(), self.cookie.encode())


def _of_file(path: Path) -> str:
    token = read_private(path).strip()
    is_ascii = token.isascii() and token.isprintable()
    if not (is_ascii and SHORTEST <= len(token) <= LONGEST):
        raise ConfigurationError(
            f"the token in {path} has not {SHORTEST} to {LONGEST} characters of ASCII",
            hint="Make one: (umask 077; openssl rand -hex 32 > FILE).",
        )
    return token
