"""Before runs are read, those that were killed are torn down, recorded and entered."""

from __future__ import annotations

from typing import TypeVar

from pradrill.app.reading import StateReader, told

_Reader = TypeVar("_Reader", bound=StateReader)


def swept(app: _Reader) -> _Reader:
    """Return it once no crashed run is left in it, nor one without entry."""
    if not app.folders.writable():
        for run_id in app.folders.killed():
            told(f"run {run_id} was killed; {app.state} is read-only: it is not torn down here")
    elif app.folders.has_crashed():
        # A reader that finds nothing killed needs neither SSH nor Ansible: they cost half a second.
        from pradrill.app.composition import App  # noqa: PLC0415
        from pradrill.app.launch import sweep  # noqa: PLC0415
        from pradrill.app.progress import watch  # noqa: PLC0415

        with watch(app.log, 0.0) as progress:
            sweep(app if isinstance(app, App) else App(app.args), progress)
    else:
        app.settle()
    return app
