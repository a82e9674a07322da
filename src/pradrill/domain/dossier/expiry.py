"""Tell whether a proof still holds: what changed since the run that gave it.

A proof expires when something changed that the recovery depends on. What that is:

- the plan's entry: an objective that the proof's upper bound no longer meets, what the service
  depends on, and its primary. Owner, tier, provider, cadence and the like change no recovery.
- the drill, compared as declared: everything but its name, who takes part on which day, what it
  says of the environment in words, and whether it may run unattended.
- playbooks, inventory, checks and what lies beside them and is taken in (roles, tasks, templates,
  variables): their content. Comments and layout do not count where the record holds the file's
  meaning too; otherwise every byte does.

Only what both sides tell of is compared: older records hold what the drill names and no more.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import Field

from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.plan import Service
from pradrill.domain.report.changes import FilePart, part_of, seen_from
from pradrill.domain.run.run_plan import FileHash, RunPlan
from pradrill.domain.values.duration import format_duration
from pradrill.domain.values.model import Model
from pradrill.domain.values.timeline import Elapsed

_IMMATERIAL_ENTRIES = (
    *("title", "tier", "owner", "provider", "site"),
    *("drill_every", "drill_on", "drill_window", "no_drills", "responsibilities"),
)
_MATERIAL_ENTRIES = ("depends_on", "primary")
_IMMATERIAL_DRILL = ("drill", "title", "planned", "people", "environment", "unattended")


class Subject(StrEnum):
    """What a change is about."""

    DRILL_GONE = "drill_gone"
    PLAN_VERSION = "plan_version"
    OBJECTIVE = "objective"
    SERVICE = "service"
    DRILL = "drill"
    PLAYBOOK = "playbook"
    INVENTORY = "inventory"
    CHECK = "check"
    FILE = "file"


class Change(Model):
    """One difference between a proof and what stands now."""

    subject: Subject
    what: str = Field(description="a field's name, or a path as the drill's folder sees it")
    before: str | None = Field(default=None, description="none: it was not there, or is not told")
    now: str | None = None
    material: bool = Field(description="the proof does not hold for what stands now")


def changes_since(
    proof: RunPlan, present: RunPlan | None, service: str, rta: Elapsed | None, rpa: Elapsed | None
) -> tuple[Change, ...]:
    """Return what differs between a proof's plan and today's, material changes first."""
    if present is None:
        removal = Change(subject=Subject.DRILL_GONE, what=proof.drill.drill, material=True)
        return (removal,)
    changes = [
        *_plan_changes(proof, present, service, rta, rpa),
        *_drill_changes(proof, present),
        *_file_changes(proof, present),
    ]
    return tuple(sorted(changes, key=lambda change: not change.material))


def _plan_changes(
    proof: RunPlan, present: RunPlan, service: str, rta: Elapsed | None, rpa: Elapsed | None
) -> Iterator[Change]:
    if proof.plan_version != present.plan_version:
        before, now = str(proof.plan_version), str(present.plan_version)
        yield Change(
            subject=Subject.PLAN_VERSION, what="plan", before=before, now=now, material=False
        )

    then, today = proof.services.get(service), present.services.get(service)
    if then is None or today is None:
        yield Change(subject=Subject.SERVICE, what=service, material=True)
        return

    yield from _objective("rto", then.objectives.rto, today.objectives.rto, rta)
    yield from _objective("rpo", then.objectives.rpo, today.objectives.rpo, rpa)

    for name in (*_MATERIAL_ENTRIES, *_IMMATERIAL_ENTRIES):
        if getattr(then, name) != getattr(today, name):
            yield Change(
                subject=Subject.SERVICE,
                what=name,
                before=_value_text(then, name),
                now=_value_text(today, name),
                material=name in _MATERIAL_ENTRIES,
            )


def _objective(
    name: str, then: timedelta, today: timedelta, actual: Elapsed | None
) -> Iterator[Change]:
    if then != today:
        yield Change(
            subject=Subject.OBJECTIVE,
            what=name,
            before=format_duration(then),
            now=format_duration(today),
            material=actual is None or not actual.meets(today),
        )


def _value_text(service: Service, name: str) -> str | None:
    value = service.model_dump(mode="json", include={name})[name]
    return str(value) if isinstance(value, str | int) else None


def _drill_changes(proof: RunPlan, present: RunPlan) -> Iterator[Change]:
    then = _portable(proof.drill, proof.drill_file.parent)
    today = _portable(present.drill, present.drill_file.parent)
    for name in Drill.model_fields:
        if then[name] != today[name]:
            yield Change(subject=Subject.DRILL, what=name, material=name not in _IMMATERIAL_DRILL)


def _portable(drill: Drill, home: Path) -> dict[str, Any]:
    """Return what a drill declares, its paths seen from its folder, wherever that lies."""
    declared: dict[str, Any] = _relative_paths(drill.model_dump(), home)
    return declared


def _relative_paths(value: Any, home: Path) -> Any:
    if isinstance(value, Path):
        return seen_from(value, home)
    if isinstance(value, dict):
        return {key: _relative_paths(inner, home) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_relative_paths(inner, home) for inner in value]
    return value


def _file_changes(proof: RunPlan, present: RunPlan) -> Iterator[Change]:
    then, today = _files(proof, present), _files(present, proof)
    subjects = {**_subjects(proof), **_subjects(present)}
    for path in dict.fromkeys((*today, *then)):
        before, now = then.get(path), today.get(path)
        if before is not None and now is not None and before.sha256 == now.sha256:
            continue

        yield Change(
            subject=subjects[path],
            what=path,
            before=before.sha256 if before else None,
            now=now.sha256 if now else None,
            material=before is None or now is None or not _same_meaning(before, now),
        )


def _files(plan: RunPlan, other: RunPlan) -> dict[str, FileHash]:
    """Return the files that are compared as files: the plan and the drill are, by their content."""
    home = plan.drill_file.parent
    hashed = {seen_from(file.path, home): file for file in plan.hashed(other)}
    return {
        path: file
        for path, file in hashed.items()
        if path not in {"plan.yml", "plan.yaml", plan.drill_file.name}
    }


def _same_meaning(before: FileHash, now: FileHash) -> bool:
    return before.meaning is not None and before.meaning == now.meaning


def _subjects(plan: RunPlan) -> dict[str, Subject]:
    subjects = {
        FilePart.PLAYBOOK: Subject.PLAYBOOK,
        FilePart.INVENTORY: Subject.INVENTORY,
        FilePart.CHECK: Subject.CHECK,
    }
    return {
        seen_from(file.path, plan.drill_file.parent): subjects.get(
            part_of(plan, file.path), Subject.FILE
        )
        for file in plan.hashed(plan)
    }
