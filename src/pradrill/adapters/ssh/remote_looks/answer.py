"""Print what is seen of each kind, and what cannot be; sent with remote_inventory.py."""

from __future__ import annotations

import sys

LONGEST = 200_000  # bytes of all lines of a kind
ALL = 450_000  # bytes of all lines: of an answer that is cut nothing at all is known
LONGEST_REASON = 500
LENGTHS: dict[str, int] = {}  # kind → bytes of its lines
UNSEEN: set[str] = set()  # kinds of which it was said


def line(kind: str, value: str, name: str) -> bool:
    """Print one thing, and tell whether there was room; a line feed in its name is no end of it.

    A kind without end is cut, and said to be: the others are seen all the same.
    """
    value, name = value.replace("\t", "?").replace("\n", "?"), name.replace("\n", "?")
    text = f"{kind}\t{value}\t{name}\n"
    length = len(text.encode(errors="backslashreplace"))
    LENGTHS[kind] = LENGTHS.get(kind, 0) + length
    if LENGTHS[kind] > LONGEST or sum(LENGTHS.values()) > ALL:
        LENGTHS[kind] -= length
        cannot(kind, f"there is more than can be told, from {name} on")
        return False
    sys.stdout.write(text)
    return True


def begin(kind: str) -> None:
    """Print that a kind was looked at, also where nothing of it is: older versions did not."""
    line(kind, "", "")


def cannot(kind: str, reason: object) -> None:
    """Print why a kind cannot be seen, the first time; a path in it may have any letters."""
    if kind not in UNSEEN:
        UNSEEN.add(kind)
        words = str(reason).replace("\n", "?")[:LONGEST_REASON]
        sys.stdout.write(f"!{kind}\t{words}\n")


def why(error: OSError) -> str:
    """Return what an error says, after the path that it is about."""
    words = (error.strerror or str(error)).lower()
    return f"{error.filename}: {words}" if error.filename else words
