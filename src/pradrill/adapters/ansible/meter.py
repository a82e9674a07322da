"""Count what a play prints and reports while it runs, and take no more than the limit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pradrill.domain.values.quotas import PLAY_PRINTS


class Meter:
    """What a play has come to; `over` once it is too much: the play is to be ended then."""

    def __init__(self) -> None:
        self.over = False
        self._size = 0

    def takes(self, size: int) -> bool:
        """Count, and tell whether it is to be taken in."""
        self._size += size
        self.over = self.over or self._size > PLAY_PRINTS
        return not self.over


def metered(meter: Meter, **words: Any) -> Any:
    """Return ansible-runner's Runner, which would take in whatever comes.

    It reads one file per event, and keeps what is printed between two events: both are weighed
    before. It makes its filter of the output itself, so that has to be put in its place.
    """
    from ansible_runner import runner as theirs  # noqa: PLC0415 costs 0.2 s

    class Filter(theirs.OutputEventFilter):  # type: ignore[misc] # it has no types
        def write(self, data: str) -> None:
            weighed = getattr(self._event_callback.__self__, "meter", None)
            if weighed is None or weighed.takes(len(data)):
                super().write(data)

    class Runner(theirs.Runner):  # type: ignore[misc] # it has no types
        def event_callback(self, event_data: dict[str, Any]) -> None:
            events = Path(self.config.artifact_dir, "job_events")
            partial = events / f"{event_data.get('uuid')}-partial.json"
            if os.path.lexists(partial) and not self.meter.takes(partial.stat().st_size):
                partial.unlink()
            elif not self.meter.over or "uuid" not in event_data:
                super().event_callback(event_data)

    if theirs.OutputEventFilter.__module__ != __name__:
        theirs.OutputEventFilter = Filter
    runner = Runner(**words)
    runner.meter = meter

    return runner
