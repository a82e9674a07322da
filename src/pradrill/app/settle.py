"""Tear down, record and enter killed runs before runs are read."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

from pradrill.app.reading import StateReader, warn
from pradrill.errors import RecordError
from pradrill.register.runs.sabotage_folders import has_sabotages

_Reader = TypeVar("_Reader", bound=StateReader)


def swept(app: _Reader) -> _Reader:
    """Return it once no crashed run is left in it, nor one without entry.

    One that can go on is left as it is, and told of: whoever looks at 03:00 what has become of a
    restore must not lose it by looking. A command that uses standbys tears it down.
    """
    if not app.folders.writable():
        for run_id in app.folders.killed():
            warn(f"run {run_id} was killed; {app.state} is read-only: it is not torn down here")
    elif (killed := app.folders.killed()) and (resumable := _resumable(app, killed)) != killed:
        # A reader that finds nothing killed needs neither SSH nor Ansible: they cost half a second.
        from pradrill.app.composition import App  # noqa: PLC0415
        from pradrill.app.launch import sweep  # noqa: PLC0415
        from pradrill.app.progress import watch  # noqa: PLC0415

        with watch(app) as progress:
            sweep(app if isinstance(app, App) else App(app.args), progress, spare=resumable)
    else:
        if has_sabotages(app.state):
            from pradrill.app.composition import App  # noqa: PLC0415 as above
            from pradrill.app.killed_sabotages import sweep_sabotages  # noqa: PLC0415

            sweep_sabotages(app if isinstance(app, App) else App(app.args))
        app.settle()

    return app


def _resumable(app: StateReader, killed: list[str]) -> list[str]:
    """Return the killed runs that wait for somebody to decide, and say so."""
    from pradrill.adapters.questions.files import FilePeople  # noqa: PLC0415 as above
    from pradrill.app.killed_runs import here  # noqa: PLC0415 as above
    from pradrill.domain.run.facts import fold  # noqa: PLC0415
    from pradrill.domain.run.resumable import waits_to_go_on  # noqa: PLC0415

    resumable = []
    for run_id in killed:
        with suppress(RecordError, ValueError, KeyError):
            facts = fold(app.store.journal(run_id).events())
            if facts is None or facts.ended is not None:
                continue
            aborted = FilePeople().aborted(app.store.runs / run_id)
            waits = aborted is None and waits_to_go_on(facts, run_id, here())
            if waits and app.store.why_unvouched(run_id) is None:
                resumable.append(run_id)
                warn(
                    f"run {run_id} was killed, and can go on: pradrill resume {run_id}; "
                    f"or tear it down: pradrill teardown {run_id}"
                )
    return resumable
