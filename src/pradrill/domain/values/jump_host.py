"""Read a jump host as ssh's -J and ProxyJump take it."""

from __future__ import annotations

import re

_HOP = re.compile(
    r"(?:ssh://)?(?:(?P<user>[\w.\\-]+)@)?(?:\[(?P<six>[\w:.%]+)\]|(?P<name>\w[\w.-]*))"
    r"(?::(?P<port>\d+))?/?"
)


def hop_of(word: str) -> re.Match[str] | None:
    """Return `user`, `six` (an IPv6 address) or `name`, and `port` of a jump host; None: none."""
    return _HOP.fullmatch(word)


def is_chain(words: str) -> bool:
    """Tell whether words are jump hosts, with commas between them."""
    return all(map(hop_of, words.split(",")))
