"""Fake a source of backups, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from pradrill.domain.run.backup_catalogue import Catalogue, RecoveryPoint
from pradrill.domain.run.backup_integrity import Checked, IntegrityPart, Soundness
from pradrill.ports import Bounds, Clock
from pradrill.testing.builders import after
from pradrill.testing.fakes import FakeClock


def a_point(days: float = 0, **changes: Any) -> RecoveryPoint:
    """Return a nightly backup of the builders' Moodle, so many days before their T0."""
    at = after(-10_800) - timedelta(days=days)
    fields: dict[str, Any] = {
        "id": f"{at:%Y%m%d%H%M%S}",
        "data_time": at,
        "end_time": at + timedelta(minutes=10),
        "size": 1_000_000,
        "host": "moodle1",
        "tags": ("moodle",),
    }
    return RecoveryPoint.model_validate({**fields, **changes})


def a_catalogue(*points: RecoveryPoint, **changes: Any) -> Catalogue:
    """Return a catalogue as it is read at the builders' T0: three nights, unless given."""
    fields: dict[str, Any] = {
        "source": "restic",
        "location": "sftp:backup:/srv/restic",
        "read_at": after(0),
        "points": points or tuple(a_point(days) for days in (2, 1, 0)),
    }
    return Catalogue.model_validate({**fields, **changes})


class FakeSource:
    """Holds `points`, with logs between them if `continuous`.

    `fails` is raised by every question; `checks` are answered in turn.
    """

    def __init__(
        self,
        points: Sequence[RecoveryPoint] | None = None,
        *,
        clock: Clock | None = None,
        fails: Exception | None = None,
        continuous: bool = False,
        checks: Sequence[Checked] = (Checked(Soundness.SOUND, "reading it"),),
    ) -> None:
        self.requests: list[IntegrityPart] = []
        self._points = a_catalogue().points if points is None else tuple(points)
        self._clock = clock or FakeClock()
        self._fails = fails
        self._continuous = continuous
        self._checks = list(checks)

    def catalogue(self, bounds: Bounds) -> Catalogue:
        """Return the points."""
        del bounds
        if self._fails is not None:
            raise self._fails
        return a_catalogue().model_copy(
            update={
                "points": self._points,
                "read_at": self._clock.now(),
                "continuous": self._continuous,
            }
        )

    def check(self, point: RecoveryPoint, part: IntegrityPart, bounds: Bounds) -> Checked:
        """Answer as scripted; a point that is not there is damaged."""
        del bounds
        self.requests.append(part)
        if self._fails is not None:
            raise self._fails
        if point not in self._points:
            return Checked(Soundness.DAMAGED, "reading it", f"{point.id} is gone")
        return self._checks.pop(0) if len(self._checks) > 1 else self._checks[0]
