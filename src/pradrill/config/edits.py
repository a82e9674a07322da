"""Compare what a run reads while it goes on with what was hashed when it began.

The plan and the drill are not among it: they are read once, and what was read is what runs.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pradrill.config.fingerprint import hashed
from pradrill.config.playbook_inputs import BESIDE_INVENTORY, around
from pradrill.config.project import named_files
from pradrill.domain.run.run_plan import FileHash, RunPlan


def edits(plan: RunPlan, playbooks: Collection[Path] | None = None) -> tuple[Path, ...]:
    """Return the files that are not what they were: changed, gone, or new beside a playbook.

    Of some playbooks alone: those that they take in, by their texts of now, and what lies beside
    the inventories. What is gone may have been theirs.
    """
    drill = plan.drill
    paths = dict.fromkeys(path for path in named_files(drill) if path.is_file())

    now = [hashed(path, path.read_bytes()) for path in paths]
    then = [*plan.files]
    looked_beside = _looked_beside(plan)
    if plan.around is not None:
        planned_paths = {file.path for file in plan.files}
        now += around(drill.playbooks(), looked_beside, planned_paths).files
        then += plan.around.files

    hashes_now, hashes_then = _by_path(now), _by_path(then)
    read_once = {plan.drill_file, plan.plan_file}
    different = {path for path, _ in hashes_now.items() ^ hashes_then.items()}

    edited = sorted(different - read_once)
    if playbooks is None:
        return tuple(edited)

    beside = around(playbooks, looked_beside, ()).files
    theirs = {*playbooks, *drill.standby.inventories, *(each.path for each in beside)}
    folders = {playbook.parent for playbook in playbooks}
    folders |= {each.parent / name for each in looked_beside for name in BESIDE_INVENTORY}
    return tuple(path for path in edited if path in theirs or _is_gone(path, folders))


def _looked_beside(plan: RunPlan) -> tuple[Path, ...]:
    """Return the inventories whose neighbours were hashed: of an older run not the hypervisor's."""
    if plan.around is not None and plan.around.inventories is not None:
        return plan.around.inventories
    inventory = plan.drill.standby.inventory_file
    return () if inventory is None else (inventory,)


def _is_gone(path: Path, folders: Collection[Path]) -> bool:
    return not path.exists() and any(path.is_relative_to(folder) for folder in folders)


def _by_path(files: list[FileHash]) -> dict[Path, str]:
    return {file.path: file.sha256 for file in files}
