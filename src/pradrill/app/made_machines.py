"""Find machines that runs have made and that nobody needs any more: by their tag, wherever."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pradrill.app.composition import App
from pradrill.app.damage import wrongs
from pradrill.app.reading import warn
from pradrill.app.tools import closing, tools_for
from pradrill.domain.run.machine import TaggedMachine, may_be_ended, tag_of
from pradrill.domain.run.outcome import StepOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.engine.hypervisors import Hypervisors, reached
from pradrill.errors import PradrillError
from pradrill.ports import Progress
from pradrill.system import scratch


class MadeMachines(NamedTuple):
    """Machines of one run that is over, and what is known of them."""

    app: App
    plan: RunPlan | None
    """By whose playbooks they end; None: nobody here can tell how they were made."""
    progress: Progress
    tag: str
    lines: tuple[str, ...]

    def end(self) -> Sequence[str]:
        """End them by their drill's playbook; say what is listed still, or why it is not known."""
        if self.plan is None:
            return [*self.lines, f"no record here says how what is tagged {self.tag} is to end"]
        try:
            with _at(self.app, self.plan, self.progress) as (hypervisors, folder):
                ended = hypervisors.end(self.tag, folder / "end")
                left = hypervisors.machines(self.tag, folder / "listing")
        except PradrillError as error:
            return [*self.lines, self.app.secrets.masker.text(error.message)]
        if ended.outcome is not StepOutcome.PASSED:
            return [*self.lines, self.app.secrets.masker.text(str(ended.detail))]
        return [] if not left else self.lines


class _Place(NamedTuple):
    """Where drills have machines made."""

    plan: RunPlan
    """The last."""
    endings: frozenset[Path]
    """The playbooks by which machines end there."""


def made_machines(
    app: App, records: Sequence[RunRecord], alive: set[str], progress: Progress
) -> Iterator[MadeMachines]:
    """Yield the machines of runs that are over, `alive` those that are not.

    Each place is asked once, for the tags of any run: also of another controller, whose machines
    are over once their own time is. By a record that is not what was recorded nothing is done.
    """
    vouched = _Vouched(app)
    ended = {tag_of(folder.name): folder.name for folder in app.store.sealed()}
    living = {tag_of(run) for run in alive}
    plans = {tag_of(record.run_id): record for record in records}
    pairs: set[tuple[str, str]] = set()
    for place in _places(records, vouched):
        try:
            with _at(app, place.plan, progress) as (hypervisors, folder):
                machines = hypervisors.machines("", folder / "listing")
        except PradrillError as error:
            names = place.plan.drill.standby.where
            what = f"where {names} is made was not looked at: {error.message}"
            warn(app.secrets.masker.text(what))
            continue

        now = app.clock.now()
        over = [
            each
            for each in machines
            if may_be_ended(each, now, ended, living) and (each.tag, each.machine) not in pairs
        ]
        pairs.update((each.tag, each.machine) for each in over)
        for tag in dict.fromkeys(each.tag for each in over):
            lines = tuple(_line(each, ended.get(tag)) for each in over if each.tag == tag)
            if tag in ended:
                record = plans.get(tag)
                plan = record.plan if record is not None and vouched(record) else None
            else:  # another controller's: it may have made them in another way
                plan = place.plan if len(place.endings) == 1 else None
            yield MadeMachines(app, plan, progress, tag, lines)


class _Vouched:
    """Tells which records are what was recorded, and says once of each other that it is not."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._answers: dict[str, bool] = {}

    def __call__(self, record: RunRecord) -> bool:
        """Tell whether a record is one that makes machines, and as it was recorded."""
        if record.plan.drill.standby.provisioning is None:
            return False
        run = record.run_id
        if run not in self._answers:
            self._answers[run] = not wrongs(self._app, run)
            if not self._answers[run]:
                warn(f"the run {run} is not what was recorded: no machine is looked for by it")
        return self._answers[run]


def _places(records: Sequence[RunRecord], vouched: _Vouched) -> list[_Place]:
    """Return the last plan for each place where machines are made, and how they end there."""
    places: dict[object, _Place] = {}
    for record in reversed(records):
        making = record.plan.drill.standby.provisioning
        if making is None:
            continue
        where, listing = making.hypervisor, making.listing
        at = (where.inventory, where.hosts) if where is not None else None
        given = repr(({**record.plan.drill.vars, **listing.vars}, listing.secrets))
        key = (at, listing.playbook, given)
        place = places.get(key)
        if place is not None and making.end.playbook in place.endings:
            continue
        if vouched(record):
            plan, endings = place or (record.plan, frozenset())
            places[key] = _Place(plan, endings | {making.end.playbook})
    return list(places.values())


def _line(machine: TaggedMachine, run: str | None) -> str:
    whose = f"of run {run}" if run else f"tagged {machine.tag}"
    until = f", over since {machine.expires:%Y-%m-%d %H:%M} UTC" if machine.expires else ""
    return f"machine {machine.machine} {whose}{until if run is None else ''}"


@contextmanager
def _at(app: App, plan: RunPlan, progress: Progress) -> Iterator[tuple[Hypervisors, Path]]:
    """Give what machines are made on, and a folder for what is looked at."""
    name = f"gc-{secrets.token_hex(6)}"
    prefix = scratch.prefix(name)
    with (
        closing(tools_for(app, plan, progress)) as tools,
        tempfile.TemporaryDirectory(prefix=prefix, dir=scratch.base()) as folder,
        reached(tools, plan, name, progress.say) as hypervisors,
    ):
        yield hypervisors, Path(folder)
