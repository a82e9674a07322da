"""Put spans of time together, cut them, and take them from each other."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

Span = tuple[datetime, datetime]
"""From an instant to another one, which is no part of it."""


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the same time in spans that do not touch, in order."""
    together: list[Span] = []
    for begin, end in sorted(spans):
        if end <= begin:
            continue
        if together and begin <= together[-1][1]:
            together[-1] = together[-1][0], max(end, together[-1][1])
        else:
            together.append((begin, end))
    return together


def within(spans: Iterable[Span], begin: datetime, end: datetime) -> list[Span]:
    """Return what of them lies between two instants, in spans that do not touch."""
    return merged((max(start, begin), min(stop, end)) for start, stop in spans)


def without(spans: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    """Return what of some spans lies in none of the others."""
    left: list[Span] = []
    cuts = merged(others)
    for begin, end in merged(spans):
        start = begin
        for cut_begin, cut_end in cuts:
            if cut_end <= start or cut_begin >= end:
                continue
            left.append((start, cut_begin))
            start = cut_end
        left.append((start, end))
    return merged(left)


def seconds(spans: Iterable[Span]) -> float:
    """Return how long they are together; they do not touch."""
    return sum((end - begin).total_seconds() for begin, end in spans)
