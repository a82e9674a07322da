"""Remove what killed sabotages have left: processes, machines, files."""

from __future__ import annotations

from pradrill.app.composition import App
from pradrill.app.reading import warn
from pradrill.errors import BusyError, PradrillError
from pradrill.register.runs.sabotage_folders import SabotageFolder, killed_sabotages
from pradrill.system import in_memory, processes


def sweep_sabotages(app: App) -> None:
    """End and remove what is left of sabotages whose process is gone, and say so."""
    for folder in killed_sabotages(app.state):
        if _sweep(app, folder):
            warn(
                f"the sabotage {folder.sabotage_id} was killed; nothing is left of it, nor a score"
            )


def _sweep(app: App, folder: SabotageFolder) -> bool:
    """End and remove what is left of one; what does not end is looked for again next time."""
    processes.end(folder.sabotage_id)
    for name in folder.machines:
        try:
            with app.store.hold(f"vm:{name}", folder.sabotage_id):
                app.lab.machine(name).down()
        except BusyError:
            continue  # a run has taken it, and ended what was there
        except PradrillError as error:
            warn(f"the lab's machine {name} does not end: {error.message}")
            folder.leave()
            return False

    in_memory.sweep(folder.sabotage_id)
    folder.drop()
    return True
