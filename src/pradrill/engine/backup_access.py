"""See whether the restores that ship reach their backups from the standby, before one begins."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pradrill.domain.run import mending
from pradrill.domain.run.backup_access import backup_paths, keyless_servers
from pradrill.domain.run.host import Host, Site
from pradrill.domain.run.run_plan import RunPlan
from pradrill.errors import PradrillError
from pradrill.ports import HostProbe, Impediment

_HINT = (
    "Mount it there, or name the server that has it: backup_host, backup_user, backup_host_key and "
    "the secret backup_private_key, as pradrill init writes them for --backups "
    "sftp:USER@HOST:PATH --backup-key FILE."
)


class OpenedPath(NamedTuple):
    """A path that a restore opens on a host, and whether it is there."""

    path: str
    is_there: bool
    impediment: Impediment | None
    """Why no restore can open it; none where it is there, or a step before may bring it."""
    step: str


def keyless_impediments(plan: RunPlan) -> Iterator[Impediment]:
    """Yield the servers of backups at which no standby can log in."""
    for step, address, port in keyless_servers(plan):
        yield Impediment(
            f"{step.name}: backup_host_key is empty: the standby cannot log in at {address}",
            mending.server_key(address, port),
        )


def opened_paths(plan: RunPlan, probe: HostProbe, host: Host, site: Site) -> Iterator[OpenedPath]:
    """Look for what the restores of a host open there; in silence where the login may not look.

    Root may, who restores.
    """
    opens = tuple(backup_paths(plan, host.name))
    if not opens:
        return
    bare = site.model_copy(update={"run_id": ""})  # no list of all that is on the host
    try:
        present = probe.state(host, bare, [each.path for each in opens]).present
    except PradrillError:
        return

    for step, path, first in opens:
        impediment = None
        if first and path not in present:
            what = f"{step.name}: {path} is not on {host.name}, and backup_host names no server"
            impediment = Impediment(what, _HINT)
        yield OpenedPath(path, path in present, impediment, step.name)
