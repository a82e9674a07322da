"""Tell which faults the drills' checks were shown to notice, and whether that still holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field

from pradrill.domain.register.entry import Entry
from pradrill.domain.register.sabotage import SabotageEntry, sabotages
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.model import Model


class Detection(Model):
    """The last sabotage of a drill."""

    entry: SabotageEntry
    expired: bool = Field(description="its files say something else today, or it is there no more")


def detections(
    entries: Iterable[Entry], drills: Mapping[str, RunPlan], only: Sequence[str] = ()
) -> tuple[Detection, ...]:
    """Return the last sabotage of each drill. A score ages like a proof: with the drill's files."""
    return tuple(
        Detection(entry=entry, expired=_says(drills.get(drill)) != entry.files)
        for drill, entry in sorted(sabotages(entries).items())
        if not only or not set(only).isdisjoint(entry.services)
    )


def _says(plan: RunPlan | None) -> dict[str, str] | None:
    """Return what each file of a drill says today, as a sabotage has entered it."""
    if plan is None:
        return None
    return {str(file.path): file.meaning or file.sha256 for file in plan.files}
