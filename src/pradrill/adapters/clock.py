"""Read the clock: no other module does."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from pradrill.domain.values.timeline import ClockBase
from pradrill.system.ownership import boot

_READINGS = 5


class SteadyClock:
    """UTC that starts at the system's and then follows only the time since the machine began.

    That clock goes on while the machine sleeps: a recovery would not wait for it either.
    """

    def __init__(self) -> None:
        self._start, self._monotonic = _both()

    def now(self) -> datetime:
        """Return steady UTC."""
        return self._start + timedelta(seconds=_since_boot() - self._monotonic)

    def from_wall(self, instant: datetime) -> datetime:
        """Translate an instant of the system's clock, read just now, into steady UTC."""
        return instant - timedelta(seconds=self.stepped())

    def stepped(self) -> float:
        """Return by how many seconds the system's clock was moved since the start."""
        wall, since_boot = _both()
        return (wall - self._start).total_seconds() - (since_boot - self._monotonic)

    def base(self) -> ClockBase:
        """Return what it counts from."""
        at_boot = self._start - timedelta(seconds=self._monotonic)
        return ClockBase(boot=boot(), at_boot=at_boot)

    def follow(self, base: ClockBase) -> bool:
        """Count from there on; False, and nothing is changed, when that was another boot."""
        if base.boot != boot():
            return False
        self._start, self._monotonic = base.at_boot, 0.0
        return True

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def _both() -> tuple[datetime, float]:
    """Read both clocks at one moment: of several readings the one that took least.

    On a busy machine milliseconds pass between two readings, and would be a skew of the clock.
    """
    readings = []
    for _ in range(_READINGS):
        before = _since_boot()
        wall = datetime.now(UTC)
        after = _since_boot()
        readings.append((after - before, wall, (before + after) / 2))

    _, wall, since_boot = min(readings)
    return wall, since_boot


def _since_boot() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
