"""Derive names from a run's id: what it makes outside its folder is found after its death."""

from __future__ import annotations

import hashlib


def short(names: str) -> str:
    """Return twelve characters that tell `names` apart: a socket's path holds about 100 bytes."""
    return hashlib.sha256(names.encode()).hexdigest()[:12]


def folder_prefix(run_id: str) -> str:
    """Return how the names of a run's temporary folders begin, and no other run's do."""
    return f"pradrill-{short(run_id)}-"
