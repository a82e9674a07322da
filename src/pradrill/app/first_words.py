"""Say at once what a command does first: reading and checking all takes seconds."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_CLEAR = "\r\x1b[2K"


@contextmanager
def first_words(words: str) -> Iterator[None]:
    """Show a line on a terminal that is watched, until something else is shown there."""
    if not sys.stderr.isatty():
        yield
        return

    moves = os.environ.get("TERM", "dumb") != "dumb"
    line = words[: shutil.get_terminal_size().columns - 1]  # of two lines one would stay
    sys.stderr.write(line if moves else f"{words}\n")
    sys.stderr.flush()
    try:
        yield
    finally:
        if moves:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
