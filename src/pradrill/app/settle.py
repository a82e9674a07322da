"""Tear down, record and enter killed runs before runs are read."""

from __future__ import annotations

from pradrill.app.composition import App, warn


def swept(app: App) -> App:
    """Return it once no crashed run is left in it, nor one without entry."""
    if not app.store.writable():
        for run_id in app.store.killed():
            warn(f"run {run_id} was killed; {app.state} is read-only: it is not torn down here")
    elif app.store.has_crashed():
        # A reader that finds nothing killed needs neither SSH nor Ansible: they cost half a second.
        from pradrill.app.launch import sweep  # noqa: PLC0415
        from pradrill.app.progress import watch  # noqa: PLC0415

        with watch(app.log, 0.0) as progress:
            sweep(app, progress)
    else:
        app.settle()

    return app
