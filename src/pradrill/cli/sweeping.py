"""Before runs are read, those that were killed are torn down and recorded."""

from __future__ import annotations

from pradrill.cli.watching import watch
from pradrill.cli.workplace import Workplace


def swept(place: Workplace) -> Workplace:
    """Return the workplace once no crashed run is left in it; does nothing when there is none."""
    if place.store.has_crashed():
        with watch(place.log, 0.0) as progress:
            place.sweep(progress)
    return place
