"""Compare two runs of a drill: a proof holds for what was proved, and no longer."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path, PurePosixPath

from pydantic import Field

from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.duration import format_duration
from pradrill.domain.values.model import Model


class FilePart(StrEnum):
    """What a file is to a drill."""

    PLAN = "plan"
    DRILL = "drill"
    PLAYBOOK = "playbook"
    INVENTORY = "inventory"
    CHECK = "check"
    OTHER = "other"


class FileChange(Model):
    """A file that is not what it was; None where it did not exist."""

    part: FilePart
    path: str = Field(description="as the drill's folder sees it")
    before: str | None
    now: str | None


class PlanField(StrEnum):
    """A value of the plan that is compared."""

    VERSION = "plan version"
    APPROVED = "approved"
    SERVICES = "services"
    RTO = "RTO"
    RPO = "RPO"
    STANDBY = "standby"


class FieldChange(Model):
    """A value of the plan that is not what it was."""

    name: PlanField
    before: str
    now: str


class Changes(Model):
    """Everything that differs; both empty: the same drill, to the byte."""

    files: tuple[FileChange, ...] = ()
    fields: tuple[FieldChange, ...] = ()


def changes(now: RunPlan, before: RunPlan) -> Changes:
    """Compare what two runs depended on, file by file, wherever their folders were."""
    new, old = _files(now, before), _files(before, now)
    return Changes(
        files=tuple(
            FileChange(
                part=(new.get(path) or old[path])[0],
                path=path,
                before=old[path][1] if path in old else None,
                now=new[path][1] if path in new else None,
            )
            for path in dict.fromkeys((*new, *old))
            if new.get(path) != old.get(path)
        ),
        fields=tuple(_fields(now, before)),
    )


def part_of(plan: RunPlan, path: Path) -> FilePart:
    """Tell what a file is to a drill."""
    if path == plan.drill_file:
        return FilePart.DRILL
    if path in plan.drill.playbooks():
        return FilePart.PLAYBOOK
    if path in plan.drill.standby.inventories:
        return FilePart.INVENTORY

    suites = [way.verify.checks for way in plan.drill.ways.values()]
    if any(path == suite or path.is_relative_to(suite) for suite in suites):
        return FilePart.CHECK

    return FilePart.PLAN if path.name in {"plan.yml", "plan.yaml"} else FilePart.OTHER


def _files(plan: RunPlan, other: RunPlan) -> dict[str, tuple[FilePart, str]]:
    home = plan.drill_file.parent
    return {
        seen_from(file.path, home): (part_of(plan, file.path), file.sha256)
        for file in plan.hashed(other)
    }


def seen_from(path: Path, home: Path) -> str:
    """Write a path from a folder; `..` where it lies outside."""
    parts, base = PurePosixPath(path).parts, PurePosixPath(home).parts
    shared = 0
    while shared < min(len(parts), len(base)) and parts[shared] == base[shared]:
        shared += 1
    return "/".join((*(".." for _ in base[shared:]), *parts[shared:]))


def _fields(now: RunPlan, before: RunPlan) -> list[FieldChange]:
    new, old = _compared(now), _compared(before)
    return [
        FieldChange(name=name, before=old[name], now=new[name])
        for name in new
        if new[name] != old[name]
    ]


def _compared(plan: RunPlan) -> dict[PlanField, str]:
    hosts = (f"{host.name} {host.address or ''}".strip() for host in plan.hosts)
    return {
        PlanField.VERSION: str(plan.plan_version),
        PlanField.APPROVED: plan.plan_approved or "",
        PlanField.SERVICES: ", ".join(plan.services),
        PlanField.RTO: format_duration(plan.objectives.rto),
        PlanField.RPO: format_duration(plan.objectives.rpo),
        PlanField.STANDBY: ", ".join(hosts),
    }
