"""Sabotage a drill and enter its score; remove what a killed sabotage has left."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from pradrill.app.author import user
from pradrill.app.composition import App
from pradrill.app.discreet_progress import DiscreetProgress
from pradrill.app.killed_sabotages import sweep_sabotages
from pradrill.app.launch import started
from pradrill.app.tools import closing, tools_for
from pradrill.config.faults import faults_of
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.sabotage import SabotageEntry
from pradrill.domain.run.outcome import StepKind
from pradrill.domain.run.run_plan import RunPlan
from pradrill.engine.cancellation import Cancellation, signals_to
from pradrill.engine.repeated_teardown import Unkept
from pradrill.engine.sabotage import Faults, plan_sabotage, sabotage_drill
from pradrill.errors import PradrillError, UsageError
from pradrill.ports import Progress
from pradrill.register.runs.sabotage_folders import make_sabotage_folder
from pradrill.system import in_memory


def faults_that_fit(plan: RunPlan, only: tuple[str, ...] = ()) -> Faults:
    """Return the faults that fit a drill, or those of them that are named.

    Raises UsageError where nothing can be tried: touching nothing.
    """
    drill = plan.drill
    if not drill.standby.copied:
        raise UsageError(
            f"the standby of {drill.drill} cannot be copied: each fault is done to a copy of it",
            hint="Only machines of the lab can: give the drill one, as standby: {vm: standby}.",
        )
    if any(step.kind is StepKind.MANUAL for step in plan_sabotage(plan).steps):
        raise UsageError(
            f"{drill.drill} has steps that a person takes, and a sabotage asks nobody",
            hint="Sabotage a drill of the same service that restores by playbooks alone.",
        )

    faults = faults_of(drill)
    names = {fault.fault for each in faults.values() for fault in each}
    if unknown := [name for name in only if name not in names]:
        raise UsageError(
            f"no fault that fits {drill.drill} is named {', '.join(unknown)}",
            hint=f"List those that fit: pradrill sabotage {drill.drill} --list.",
        )
    if not names:
        raise UsageError(
            f"no fault fits {drill.drill}: it gives no parameters under sabotage",
            hint="See drills/README.md: sabotage.",
        )
    return {
        service: tuple(fault for fault in each if not only or fault.fault in only)
        for service, each in faults.items()
    }


def sabotage(
    app: App, plan: RunPlan, faults: Faults, progress: Progress, *, whole: bool
) -> SabotageEntry:
    """Sabotage a drill, and enter what came of it if all its faults were tried: the `whole`.

    SIGINT, SIGTERM and SIGHUP end it without a score. Raises PradrillError when there is none.
    """
    sweep_sabotages(app)
    progress = DiscreetProgress(progress, app.secrets.masker)
    cancellation = Cancellation(progress.say)
    began = app.clock.now()
    plan = plan_sabotage(plan)
    folder = make_sabotage_folder(app.state, plan.drill.drill, plan.drill.standby.names, began)
    try:
        with signals_to(cancellation), closing(tools_for(app, plan, progress)) as tools:
            journal = Unkept(folder.sabotage_id, folder.path)
            result = sabotage_drill(started(plan, "sabotage"), journal, tools, cancellation, faults)
    finally:
        in_memory.sweep(folder.sabotage_id)
        folder.drop()

    facts = {
        "sabotage_id": folder.sabotage_id,
        "drill": plan.drill.drill,
        "services": plan.drill.services,
        "by": user(),
        "began": began,
        "ended": app.clock.now(),
        "standby": plan.drill.standby.where,
        "files": {str(file.path): file.meaning or file.sha256 for file in plan.files},
        "faults_sha256": fingerprint(faults),
        "checks": tuple(map(str, result.checks)),
        "faults": [each.model_dump(mode="json") for each in result.faults],
    }
    entry = SabotageEntry.model_validate(app.secrets.masker.facts(facts))
    if whole:
        app.register.append(EntryKind.SABOTAGE, entry, app.clock.now())
    return entry


def changed_since(app: App, last: Mapping[str, SabotageEntry]) -> list[str]:
    """Return the drills whose files say something else than when they were sabotaged.

    One that there is no more, or that cannot be read, says something else.
    """
    changed = []
    for name, entry in last.items():
        try:
            project = app.project(name)
        except PradrillError:
            changed.append(name)
            continue
        (loaded,) = project.drills.values()
        files = {str(file.path): file.meaning or file.sha256 for file in project.files(loaded)}
        if files != entry.files or fingerprint(faults_of(loaded.drill)) != entry.faults_sha256:
            changed.append(name)
    return changed


def fingerprint(faults: Faults) -> str:
    """Return the hash of the faults as they are declared: another fault is another score."""
    declared = [
        [service, *(fault.model_dump(mode="json") for fault in each)]
        for service, each in faults.items()
    ]
    return hashlib.sha256(json.dumps(declared, sort_keys=True).encode()).hexdigest()
