"""Clean what people type on a command line, so that it is fit for a record."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return text that UTF-8 can hold: a byte that was no text becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8").strip()
