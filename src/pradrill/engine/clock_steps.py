"""Compare two clocks: the steady one, and the system's, which somebody may set."""

from __future__ import annotations

from datetime import datetime, timedelta
from threading import Lock

from pradrill.domain.values.timeline import ClockStep, Instant, Provenance
from pradrill.ports import Clock

_DRIFT = 0.001  # seconds a second: twice what NTP slews
_SUDDEN = 0.1  # seconds that are no drift, however short the time
_NOISE = 0.001
_TOLERANCE = timedelta(milliseconds=50)  # between two processes' readings


class Stretch:
    """A part of a run, which began now, for what a tool reads in it on the system's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.now()
        self._offset = clock.stepped()

    def instant(self, wall: datetime) -> Instant:
        """Return when that was, on the steady clock; the value is the late bound.

        If the system's clock was set meanwhile, before or after that reading is not known; what
        then lies outside of the stretch says nothing but that it was inside.
        """
        now, here = self._clock.now(), self._clock.from_wall(wall)
        moved = self._clock.stepped() - self._offset
        there = here if abs(moved) < _NOISE else here + timedelta(seconds=moved)
        earliest, latest = sorted((here, there))
        if latest + _TOLERANCE < self._start or earliest - _TOLERANCE > now:
            earliest, latest = self._start, now
        earliest, latest = (min(max(each, self._start), now) for each in (earliest, latest))

        return Instant(at=latest, earliest=earliest, latest=latest, provenance=Provenance.MEASURED)


class ClockWatch:
    """Notices that the system's clock was set, told apart from its drift.

    `last_look`: how far it had been set when another process looked last, on the same steady clock.
    """

    def __init__(self, clock: Clock, *, last_look: float | None = None) -> None:
        self._clock = clock
        self._lock = Lock()
        self._last = clock.now(), clock.stepped() if last_look is None else last_look

    def look(self) -> ClockStep | None:
        """Return by how much it was set since the last look; None when it was not."""
        with self._lock:
            (before, offset), now = self._last, self._clock.now()
            self._last = now, self._clock.stepped()
            moved = self._last[1] - offset

        drift = _SUDDEN + _DRIFT * (now - before).total_seconds()
        return ClockStep(at=now, seconds=moved) if abs(moved) > drift else None
