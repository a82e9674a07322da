"""Compare public host keys, as people write them."""

from __future__ import annotations

import base64
import hashlib


def fingerprint(key: str) -> str:
    """Return a public key's SHA-256 fingerprint; nothing of a key that cannot be read."""
    try:
        blob = base64.b64decode(key.split()[1], validate=True)
    except (IndexError, ValueError):
        return ""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
