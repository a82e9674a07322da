"""Make what others hand over fit for a record: a file of UTF-8 holds no half characters."""

from __future__ import annotations

import re
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")
"""A surrogate: what bytes that are no text are read as, and half of an escape in JSON."""


def storable(value: Any) -> Any:
    """Return data that is read from a record as it was written: a journal and it say the same."""
    if isinstance(value, str):
        return value if value.isascii() else _HALF.sub("\N{REPLACEMENT CHARACTER}", value)
    if isinstance(value, dict):
        return {storable(key): storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [storable(each) for each in value]
    return value
