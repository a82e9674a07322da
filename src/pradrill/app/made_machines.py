"""Find machines that runs have made and that nobody needs any more: by their tag, wherever."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from pradrill.app.composition import App
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
    plan: RunPlan
    progress: Progress
    tag: str
    lines: tuple[str, ...]

    def end(self) -> Sequence[str]:
        """End them by the drill's playbook; say what is listed still, or why that is not known."""
        try:
            with _at(self.app, self.plan, self.progress) as (hypervisors, folder):
                ended = hypervisors.end(self.tag, folder / "end")
                left = hypervisors.machines(self.tag, folder / "listing")
        except PradrillError as error:
            return [*self.lines, self.app.secrets.masker.text(error.message)]
        if ended.outcome is not StepOutcome.PASSED:
            return [*self.lines, self.app.secrets.masker.text(str(ended.detail))]
        return [] if not left else self.lines


def made_machines(
    app: App, records: Sequence[RunRecord], alive: set[str], progress: Progress
) -> Iterator[MadeMachines]:
    """Yield the machines of runs that are over, `alive` those that are not.

    Each hypervisor of a drill is asked once, for the tags of any run: also of another controller,
    whose machines are over once their own time is.
    """
    ended = {tag_of(folder.name): folder.name for folder in app.store.sealed()}
    living = {tag_of(run) for run in alive}
    for plan in _places(records):
        try:
            with _at(app, plan, progress) as (hypervisors, folder):
                machines = hypervisors.machines("", folder / "listing")
        except PradrillError as error:
            names = plan.drill.standby.where
            what = f"where {names} is made was not looked at: {error.message}"
            warn(app.secrets.masker.text(what))
            continue

        now = app.clock.now()
        over = [each for each in machines if may_be_ended(each, now, ended, living)]
        for tag in dict.fromkeys(each.tag for each in over):
            lines = tuple(_line(each, ended.get(tag)) for each in over if each.tag == tag)
            yield MadeMachines(app, plan, progress, tag, lines)


def _places(records: Sequence[RunRecord]) -> list[RunPlan]:
    """Return the last plan for each place where machines are made."""
    places: dict[object, RunPlan] = {}
    for record in records:
        if (making := record.plan.drill.standby.provisioning) is not None:
            where = making.hypervisor
            at = (where.inventory, where.hosts) if where is not None else None
            places[at, making.listing.playbook] = record.plan
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
