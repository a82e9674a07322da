"""Reasons as their English sentences."""

from __future__ import annotations

from collections.abc import Iterable

from pradrill.domain.values.reason import Said


def texts(reasons: Iterable[Said]) -> tuple[str, ...]:
    """Return what each reason says in English."""
    return tuple(map(str, reasons))
