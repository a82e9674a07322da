"""Tell how the restores that ship reach their backups, from the variables of a drill's steps."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import Any, NamedTuple

from pradrill.domain.run.outcome import Phase
from pradrill.domain.run.run_plan import PlannedPlaybook, RunPlan

PLAYBOOKS = {
    "restore_files.yml",
    "restore_mariadb_logical.yml",
    "restore_sqlite.yml",
    "restore_mariadb_physical.yml",
    "restore_moodle.yml",
    "restore_postgresql_logical.yml",
    "restore_postgresql_pgbackrest.yml",
    "restore_samba.yml",
}
"""The playbooks whose backup_host is "" unless the drill gives one."""
KEYED_PLAYBOOKS = {*PLAYBOOKS, "restore_postgresql_barman.yml", "restore_wordpress.yml"}
"""The playbooks whose backup_host_key is."""

_PLACES = {"restic": "restic_repository", "borg": "borg_repository", "tar": "backup_folder"}


class BackupPath(NamedTuple):
    """A path that a restore opens on its standby."""

    step: PlannedPlaybook
    path: str
    first: bool
    """Whether no step of the run before it may bring the path."""


class KeylessServer(NamedTuple):
    """A server of backups without a host key: no standby logs in there."""

    step: PlannedPlaybook
    address: str
    port: int


def backup_paths(plan: RunPlan, host: str) -> Iterator[BackupPath]:
    """Yield the paths that the restores of a host open there, as no server is named."""
    first = True
    for step in plan.steps:
        if isinstance(step, PlannedPlaybook) and step.phase is Phase.RESTORE and host in step.hosts:
            paths = _paths(step.vars) if _is_empty(step, "backup_host", PLAYBOOKS) else ()
            yield from (BackupPath(step, path, first) for path in paths)
        first = first and not step.works


def keyless_servers(plan: RunPlan) -> Iterator[KeylessServer]:
    """Yield the servers of backups that are named with an empty host key."""
    for step in plan.steps:
        if not isinstance(step, PlannedPlaybook) or step.phase is not Phase.RESTORE:
            continue
        address = step.vars.get("backup_host")
        if (
            address
            and isinstance(address, str)
            and _is_empty(step, "backup_host_key", KEYED_PLAYBOOKS)
        ):
            yield KeylessServer(step, address, step.vars.get("backup_port", 22))


def _is_empty(step: PlannedPlaybook, name: str, playbooks: Container[str]) -> bool:
    """Tell whether a variable is ""; what other playbooks do without it is their own affair."""
    default = "" if step.playbook.name in playbooks else None
    return name not in step.secrets and step.vars.get(name, default) == ""


def _paths(values: dict[str, Any]) -> Iterator[str]:
    only = _PLACES.get(str(values.get("files_source")))
    options = values.get("pgbackrest_options")
    options = options if isinstance(options, dict) else {}
    places = [values.get(name) for name in _PLACES.values() if only in {None, name}]
    if options.get("repo1-type", "posix") == "posix" and "repo1-host" not in options:
        places.append(options.get("repo1-path"))
    for place in places:
        if isinstance(place, str) and place.startswith("/") and "{{" not in place:
            yield place
