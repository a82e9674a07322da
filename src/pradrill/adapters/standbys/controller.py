"""Let the playbooks that make machines act on the controller alone: they speak to an API."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pradrill.adapters.standbys.files import write_private
from pradrill.domain.run.host import Host, HostFacts, Proven, Site
from pradrill.errors import NotReadyError
from pradrill.ports import Impediment, Say

_NAME = "localhost"
_MACHINE_ID = Path("/etc/machine-id")


class ControllerHost:
    """The machine that pradrill runs on, which needs no way to it."""

    def problems(self) -> Sequence[Impediment]:
        """Say that it cannot be told from others, if so."""
        if _own_id():
            return ()
        what = f"{_MACHINE_ID} is empty: which machine a playbook acts on could not be proven"
        return [Impediment(what, mend=("systemd-machine-id-setup",))]

    def start(self, folder: Path, run_id: str, say: Say) -> Site:  # noqa: ARG002 nothing is opened
        """Write an inventory with nothing but the controller in it. Raises NotReadyError."""
        if not (machine_id := _own_id()):
            raise NotReadyError(f"{_MACHINE_ID} is empty")
        inventory, empty = folder / "inventory.json", folder / "empty"
        # As Ansible's own implicit localhost has it: collections find their libraries there.
        variables = {"ansible_python_interpreter": sys.executable}
        write_private(inventory, json.dumps({"all": {"hosts": {_NAME: variables}}}))
        write_private(empty, "")
        host = Host(name=_NAME, address="127.0.0.1")
        return Site(
            hosts=(host,),
            inventory=inventory,
            known_hosts=empty,
            ssh_config=empty,
            run_id=run_id,
            proven=(Proven(host=host, machine_id=machine_id),),
        )

    def bind(self, site: Site, identified: Sequence[HostFacts]) -> Site:  # noqa: ARG002 it is proven
        """Leave it as it is."""
        return site

    def stop(self, run_id: str) -> Sequence[str]:  # noqa: ARG002 as start
        """Leave nothing: nothing was opened."""
        return ()


def _own_id() -> str:
    try:
        return _MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
