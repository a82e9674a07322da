"""Fit a straight line through points, and say how far to trust it.

Ordinary least squares with the intervals of Draper & Smith, Applied Regression Analysis (3rd ed.,
Wiley 1998), chapters 1 (slope, prediction of a new observation) and 3 (inverse regression: where
the line and its limits reach a level). Student's quantile is found from the finite series of
Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

_CONFIDENCE = 0.95
_MANY = 200  # degrees of freedom from which on Student's quantile hardly moves


class Crossing(NamedTuple):
    """Where a rising line reaches a level, and where the limits of a new observation do."""

    earliest: float
    expected: float
    latest: float


class TrendLine(NamedTuple):
    """A fitted line: y = middle_y + slope (x - middle_x)."""

    size: int
    middle_x: float
    middle_y: float
    spread_x: float
    slope: float
    error: float
    """Standard deviation of the residuals."""

    @property
    def slope_margin(self) -> float:
        """Return half the width of the slope's interval."""
        return student(self.size - 2) * self.error / math.sqrt(self.spread_x)

    @property
    def rises(self) -> bool:
        """Tell whether even the lower limit of the slope is above zero."""
        return self.slope > 0 and self._excess > 0

    @property
    def _excess(self) -> float:
        """Return by how much the square of the slope is above that of its margin."""
        k = (student(self.size - 2) * self.error) ** 2
        return self.slope * self.slope - k / self.spread_x

    def at(self, x: float) -> float:
        """Return the line's value."""
        return self.middle_y + self.slope * (x - self.middle_x)

    def margin(self, x: float) -> float:
        """Return half the width of the interval of one new observation."""
        off = x - self.middle_x
        inside = 1 + 1 / self.size + off * off / self.spread_x
        return student(self.size - 2) * self.error * math.sqrt(inside)

    def crossing(self, level: float, *, after: float) -> Crossing:
        """Return where the line reaches a level, not before `after`; it must rise."""
        rise = level - self.middle_y
        k = (student(self.size - 2) * self.error) ** 2
        a = self._excess
        root = math.sqrt(max(0.0, k * (rise * rise / self.spread_x + (1 + 1 / self.size) * a)))
        ends = (self.slope * rise - root) / a, (self.slope * rise + root) / a
        offsets = sorted((*ends, rise / self.slope))  # rounding may put equal ones out of order
        first, middle, last = (self.middle_x + offset for offset in offsets)

        return Crossing(max(first, after), max(middle, after), max(last, after))


def fit(points: Sequence[tuple[float, float]]) -> TrendLine | None:
    """Return the line; None with fewer than three points, or when no x differs from another."""
    count = len(points)
    if count < 3:  # noqa: PLR2004 two points leave no residual
        return None

    middle_x = math.fsum(x for x, _ in points) / count
    middle_y = math.fsum(y for _, y in points) / count
    spread_x = math.fsum((x - middle_x) * (x - middle_x) for x, _ in points)
    if not spread_x:
        return None

    slope = math.fsum((x - middle_x) * (y - middle_y) for x, y in points) / spread_x
    residuals = (y - middle_y - slope * (x - middle_x) for x, y in points)
    error = math.sqrt(math.fsum(r * r for r in residuals) / (count - 2))

    return TrendLine(count, middle_x, middle_y, spread_x, slope, error)


def student(freedom: int) -> float:
    """Return the quantile of Student's t that 95 % of draws stay within, on both sides."""
    return _student(min(freedom, _MANY))


@lru_cache(maxsize=_MANY + 1)
def _student(freedom: int) -> float:
    low, high = 0.0, 16.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _within(middle, freedom) < _CONFIDENCE else (low, middle)
    return high


def _within(t: float, freedom: int) -> float:
    """Return how probable it is that |T| is below t."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine, odd = math.cos(angle), freedom % 2 == 1
    term, total = cosine if odd else 1.0, 0.0
    for k in range(3 if odd else 2, freedom + 1, 2):
        total += term
        term *= cosine * cosine * (k - 1) / k
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)

    return math.sin(angle) * total
