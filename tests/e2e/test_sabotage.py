"""The lab's machines are saved and copied as the fake's are."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.support.copies import keep_copies_apart

from pradrill.adapters.standbys.lab import Lab, LabMachines
from pradrill.domain.run.host import Site

pytestmark = [pytest.mark.e2e, pytest.mark.nightly]


def test_each_copy_of_a_lab_machine_begins_with_what_was_saved(lab: Lab, tmp_path: Path) -> None:
    """Memory and disk of each copy are those of the saved machine; nothing is left at the end."""
    machine = lab.machine("standby")

    def on_machine(site: Site, command: str) -> str:
        words = ["ssh", "-F", str(site.ssh_config), "standby", command]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    def write(site: Site, text: str) -> None:
        """Write to the disk, and to memory alone."""
        on_machine(site, f"echo '{text}' | tee -a /root/disk >> /dev/shm/memory")

    def read(site: Site) -> Sequence[str]:
        disk, memory = on_machine(site, "cat /root/disk"), on_machine(site, "cat /dev/shm/memory")
        assert disk == memory
        return disk.splitlines()

    keep_copies_apart(LabMachines(lab, ["standby"], {}), tmp_path, write, read)
    assert not machine.running
    assert sorted(path.name for path in machine.folder.iterdir() if path.is_dir()) == ["frozen"]
