"""Return reasons as their English sentences."""

from __future__ import annotations

from collections.abc import Iterable

from pradrill.domain.values.reason import as_reason


def texts(reasons: Iterable[object]) -> tuple[str, ...]:
    """Return what each reason says in English; they may be as a record's JSON has them."""
    return tuple(as_reason(each).text for each in reasons)
