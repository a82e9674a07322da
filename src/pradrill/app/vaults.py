"""Tell what no password of a drill opens, though Ansible Vault has encrypted it in its files."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.adapters.ansible.runner import opened
from pradrill.app.composition import App
from pradrill.config.project import Project
from pradrill.config.vaults import vaulted_files


def closed_vaults(app: App, project: Project) -> Iterator[str]:
    """Say which values stay closed, a line each: of a shared inventory they may be others' own."""
    for name, loaded in project.drills.items():
        secrets = loaded.drill.standby.vault_passwords
        files = vaulted_files(loaded.drill) if secrets else ()
        if files:
            values = opened(files, [*map(app.secrets.resolve, secrets)])
            for place in values.closed:
                yield f"{place}: no vault_password of {name} opens it: what needs it will fail"
