"""Find what any older run has left anywhere; show it, and remove it for whoever says so."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pradrill.app.composition import App
from pradrill.app.damage import wrongs
from pradrill.app.made_machines import made_machines
from pradrill.app.reading import warn
from pradrill.app.tools import closing, tools_for
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.run_names import short
from pradrill.engine.leftovers import Left, left_on_standby, remove_from_standby
from pradrill.errors import PradrillError
from pradrill.ports import Progress
from pradrill.system import leftovers as here
from pradrill.system import processes
from pradrill.system.ownership import started


class Leftover(NamedTuple):
    """Things that belong together, each told in a line; `remove` says what could not be."""

    lines: tuple[str, ...]
    remove: Callable[[], Sequence[str]]


def leftovers(app: App, progress: Progress) -> list[Leftover]:
    """Find what runs have left that are over: here, on standbys, and where machines are made.

    Nothing of a run that lives, or that was killed and can go on, and nothing of another user.
    """
    records, _ = app.store.readable()
    return [
        *_processes(app),
        *_folders(app),
        *_machines(app, records),
        *_standbys(app, records, progress),
        *(
            Leftover(each.lines, each.end)
            for each in made_machines(app, records, _not_over(app), progress)
        ),
    ]


def _processes(app: App) -> Iterator[Leftover]:
    ended = {folder.name for folder in app.store.sealed()}
    for run, pids in here.run_processes().items():
        if run in ended:
            line = f"this machine: processes {', '.join(map(str, pids))} of run {run}"
            yield Leftover((line,), partial(_end, run, line))


def _end(run: str, line: str) -> Sequence[str]:
    processes.end(run)
    left = here.run_processes().get(run, [])
    processes.send(left, signal.SIGKILL)
    return [line] if here.run_processes().get(run) else []


def _folders(app: App) -> Iterator[Leftover]:
    ended = {short(folder.name): folder.name for folder in app.store.sealed()}
    alive = {short(run) for run in _not_over(app)}
    alive |= {short(str(machine.folder)) for machine in app.lab.machines() if machine.running}
    for path, name in here.folders().items():
        run = ended.get(name)
        if run is not None or (name not in alive and here.is_deserted(path, app.clock.now())):
            whose = f"of run {run}" if run else "of a run or command that is over"
            line = f"this machine: {path} {whose}"
            yield Leftover((line,), partial(_delete, path, line))


def _delete(path: Path, line: str) -> Sequence[str]:
    return [] if here.remove(path) else [line]


def _not_over(app: App) -> set[str]:
    """Return the runs that live, or that were killed and are not torn down."""
    return {*(journal.run_id for journal in app.store.running()), *app.store.killed()}


def _machines(app: App, records: Sequence[RunRecord]) -> Iterator[Leftover]:
    """Yield the lab's machines that were started in a run which is over, and run on."""
    if app.store.running():  # a machine may be its standby: it is looked at once that has ended
        return
    for machine in app.lab.machines():
        since = started(machine.pid) if machine.pid is not None else None
        if since is None:
            continue
        for record in records:
            names = record.plan.drill.standby.names
            if machine.name in names and record.started <= since <= record.ended:
                line = f"this machine: the lab's machine {machine.name} of run {record.run_id}"
                yield Leftover((line,), partial(_down, app, machine.name))
                break


def _down(app: App, name: str) -> Sequence[str]:
    app.lab.machine(name).down()
    return []


def _standbys(app: App, records: Sequence[RunRecord], progress: Progress) -> Iterator[Leftover]:
    """Yield what is left on each standby that answers; say which could not be looked at."""
    last = {
        record.plan.standby_key: record
        for record in records
        if record.seen and not record.plan.drill.standby.throw_away
    }
    ended = {folder.name for folder in app.store.sealed()}
    for record in last.values():
        names = ", ".join(host.name for host in record.plan.hosts)
        try:
            lefts = () if wrongs(app, record.run_id) else _look(app, record, progress, ended)
        except PradrillError as error:
            warn(app.secrets.masker.text(f"{names} was not looked at: {error.message}"))
            continue
        if lefts:
            remove = partial(_removed, app, record, progress, lefts)
            yield Leftover(tuple(map(str, lefts)), remove)


def _look(app: App, record: RunRecord, progress: Progress, ended: set[str]) -> tuple[Left, ...]:
    with closing(tools_for(app, record.plan, progress)) as tools:
        return left_on_standby(app.store.journal(record.run_id), tools, ended)


def _removed(
    app: App, record: RunRecord, progress: Progress, lefts: tuple[Left, ...]
) -> Sequence[str]:
    try:
        with closing(tools_for(app, record.plan, progress)) as tools:
            left = remove_from_standby(app.store.journal(record.run_id), tools, lefts)
    except PradrillError as error:
        return [*map(str, lefts), app.secrets.masker.text(error.message)]
    return tuple(map(str, left))
