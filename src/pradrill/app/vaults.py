"""Tell what no password of a drill opens, though Ansible Vault has encrypted it in its files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pradrill.adapters.ansible.runner import opened
from pradrill.app.composition import App
from pradrill.config.project import Project
from pradrill.config.vaults import vaulted_files


def closed_vaults(app: App, project: Project) -> Iterator[str]:
    """Say which values stay closed, a line each: of a shared inventory they may be others' own.

    What drills with the same passwords share is looked at once: each look is a process.
    """
    files = {
        name: (loaded.drill.standby.vault_passwords, vaulted_files(loaded.drill))
        for name, loaded in project.drills.items()
        if loaded.drill.standby.vault_passwords
    }
    together: dict[tuple[str, ...], dict[Path, None]] = {}
    for secrets, its in files.values():
        together.setdefault(secrets, {}).update(dict.fromkeys(its))

    closed = {
        secrets: opened(those, [*map(app.secrets.resolve, secrets)]).closed if those else ()
        for secrets, those in together.items()
    }
    for name, (secrets, its) in files.items():
        for path, line in closed[secrets]:
            if Path(path) in its:
                why = f"no vault_password of {name} opens it: what needs it will fail"
                yield f"{path}:{line}: {why}"
