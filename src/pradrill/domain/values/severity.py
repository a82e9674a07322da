"""Rank how much something endangers a recovery."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """How much a finding endangers the recovery."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


def worst(*severities: Severity) -> Severity:
    """Return the gravest of them."""
    return max(severities, key=list(Severity).index)
