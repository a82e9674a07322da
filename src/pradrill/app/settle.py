"""Before runs are read, those that were killed are torn down, recorded and entered."""

from __future__ import annotations

from pradrill.app.composition import App, told
from pradrill.app.progress import watch


def swept(place: App) -> App:
    """Return the workplace once no crashed run is left in it, nor one without entry."""
    if not place.store.writable():
        for run_id in place.store.killed():
            told(f"run {run_id} was killed; {place.state} is read-only: it is not torn down here")
    elif place.store.has_crashed():
        with watch(place.log, 0.0) as progress:
            place.sweep(progress)
    else:
        place.settle()
    return place
