"""What the playbooks for hypervisors that nobody has tried would do, as Ansible itself lists it.

Modules that stand in for the collections' own let Ansible read them: their syntax is checked here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.test_provision_playbooks import PLAYBOOKS, Hypervisor

RECORD = Path(__file__).with_name("untried_playbooks.txt")
"""A dry listing; whoever changes a playbook on purpose writes what the failing test shows."""


def test_what_untried_playbooks_would_do_is_what_was_recorded(tmp_path: Path) -> None:
    """Every play and task in its order, with none that Ansible could not read."""
    Hypervisor(tmp_path).stand_in()
    playbooks = [
        path.relative_to(PLAYBOOKS)
        for name in ("openstack", "proxmox", "vmware")
        for path in sorted((PLAYBOOKS / name).glob("*.yml"))
    ]
    command = Path(sys.executable).with_name("ansible-playbook")
    result = subprocess.run(
        [command, "-i", "localhost,", "--list-tasks", *playbooks],
        cwd=PLAYBOOKS,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "ANSIBLE_COLLECTIONS_PATH": str(tmp_path),
            "LC_ALL": "C.UTF-8",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    lines = [line.partition("\tTAGS:")[0].rstrip() for line in result.stdout.splitlines()]
    assert "\n".join(lines).strip() + "\n" == RECORD.read_text("utf-8")
