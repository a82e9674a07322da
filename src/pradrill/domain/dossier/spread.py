"""Describe a service's tests as percentiles, with those that failed in their place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta

from pydantic import Field

from pradrill.domain.values.model import Model


class Spread(Model):
    """Percentiles of upper bounds, in seconds. None: the percentile falls on a test that failed.

    A percentile is the smallest value that at least so many of the tests do not exceed (nearest
    rank; type 1 of Hyndman & Fan, "Sample Quantiles in Statistical Packages", The American
    Statistician 50, 1996). A test that did not recover counts as longer than any that did.
    """

    tests: int = Field(description="attempts that came to a conclusion")
    failed: int = Field(description="of them: without an actual, because nothing was recovered")
    beyond: int = Field(description="of them: recovered, and above the objective of that time")
    median: float | None
    ninth_decile: float | None
    worst: float | None


def spread(values: Sequence[tuple[float | None, timedelta | None]]) -> Spread:
    """Summarise tests: each one's upper bound (None: failed), and its objective."""
    measures = sorted(value for value, _ in values if value is not None)
    return Spread(
        tests=len(values),
        failed=len(values) - len(measures),
        beyond=sum(
            value is not None and goal is not None and value > goal.total_seconds()
            for value, goal in values
        ),
        median=_percentile(measures, len(values), 0.5),
        ninth_decile=_percentile(measures, len(values), 0.9),
        worst=_percentile(measures, len(values), 1.0),
    )


def _percentile(measures: Sequence[float], tests: int, part: float) -> float | None:
    rank = math.ceil(round(part * tests, 9))
    return measures[rank - 1] if 0 < rank <= len(measures) else None
