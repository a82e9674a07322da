"""The README's first own drill, its files and its commands, as a user follows them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text("utf-8")
FILES = re.findall(r"```yaml\n# (\S+\.yml)\n(.*?)```", README, re.DOTALL)


def test_the_readmes_first_drill_passes_as_it_is_written(hosts: TwoHosts, tmp_path: Path) -> None:
    """With the machines' own addresses and keys in the README's files, each command succeeds."""
    assert {"drills/plan.yml", "inventories/standby.yml", "drills/files.yml"} == {*dict(FILES)}
    archives = tmp_path / "archives"
    _back_up(archives)
    house = _house(tmp_path / "pra", hosts, archives)
    hosts.standby.marker.unlink()

    marked = _ansible_playbook(house, "playbooks/mark_standby.yml")
    assert marked.returncode == 0, marked.stdout
    valid = pradrill(house, "validate")
    assert (valid.returncode, valid.stderr) == (0, "")
    planned = pradrill(house, "plan", "files")
    assert "/srv/files on files-dr" in planned.stdout
    passed = pradrill(house, "run", "files")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "PASSED" in pradrill(house, "show").stdout
    assert pradrill(house, "report").returncode == 0
    assert pradrill(house, "due").stdout == "nothing is due\n"
    assert hosts.standby.touched() == []

    restored = _ansible_playbook(house, "playbooks/restore_archive.yml", archives)
    assert restored.returncode == 0, restored.stdout
    assert hosts.standby.touched() == ["files"]
    (hosts.standby.srv / "files/half").touch()  # as a restore that was cut leaves it
    again = _ansible_playbook(house, "playbooks/restore_archive.yml", archives)
    assert again.returncode == 0, again.stdout
    assert [path.name for path in (hosts.standby.srv / "files").iterdir()] == ["prices.csv"]


def _back_up(archives: Path) -> None:
    """Make the archive that production's backup job would have made."""
    archives.mkdir()
    prices = archives / "prices.csv"
    prices.write_text("bolt;1.20 EUR\n")
    with tarfile.open(archives / "files-2026-11-28.tar.gz", "w:gz") as archive:
        archive.add(prices, "srv/files/prices.csv")
    prices.unlink()


def _house(folder: Path, hosts: TwoHosts, archives: Path) -> Path:
    """Write the README's files, with these machines in the place of its documentation's."""
    standby, production = hosts.standby.server, hosts.production.server
    shutil.copytree(REPOSITORY / "playbooks", folder / "playbooks")
    shutil.copytree(REPOSITORY / "drills/checks", folder / "drills/checks")
    (folder / "inventories").mkdir()
    for name, text in FILES:
        (folder / name).write_text(text, "utf-8")
    shutil.copy(standby.known_hosts, folder / "known_hosts")
    plan, inventory, drill = "drills/plan.yml", "inventories/standby.yml", "drills/files.yml"
    edit(folder, plan, "[192.0.2.10]", f"[{production.address}, {hosts.way}]")
    placeholders = re.findall(
        r'(?:host_keys|machine_ids): \["(.*)"]', (folder / plan).read_text("utf-8")
    )
    edit(folder, plan, placeholders[0], production.host_key)
    edit(folder, plan, placeholders[1], hosts.production.machine_id)
    edit(folder, inventory, "192.0.2.20", f"{standby.address}\n      ansible_port: {standby.port}")
    edit(folder, inventory, "ansible_user: drill", f"ansible_user: {standby.host.user}")
    edit(folder, inventory, "~/.ssh/id_ed25519", str(standby.key))
    edit(folder, drill, "hosts: standby,", "hosts: standby, known_hosts: ../known_hosts,")
    edit(folder, drill, "192.0.2.10:445", hosts.endpoint)
    edit(folder, drill, "deadline: 30m", f"deadline: 30m, vars: {{archives: {archives}}}")
    return folder


def _ansible_playbook(
    house: Path, playbook: str, archives: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a playbook alone, as the READMEs say."""
    program = Path(sys.executable).parent / "ansible-playbook"
    values = [] if archives is None else ["-e", f"archives={archives}"]
    return subprocess.run(
        [program, "-i", "inventories/standby.yml", playbook, *values],
        cwd=house,
        env={**os.environ, "ANSIBLE_SSH_ARGS": f"-o UserKnownHostsFile={house / 'known_hosts'}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.nightly
def test_a_long_restore_says_how_much_has_come(hosts: TwoHosts, tmp_path: Path) -> None:
    """Its tool says nothing; the journal, which `watch` and `web` read, has what the disk tells."""
    archives = tmp_path / "archives"
    _back_up(archives)
    house = _house(tmp_path / "pra", hosts, archives)
    restore = house / "playbooks/restore_archive.yml"
    big = hosts.standby.srv / "files/big"
    slow = f"sleep 14; head -c 400M /dev/zero > {big}; sync {big}; sleep 15; rm {big}"
    task = f"    - name: Copy slowly\n      ansible.builtin.shell: {json.dumps(slow)}\n"
    restore.write_text(restore.read_text("utf-8").rstrip("\n") + "\n\n" + task, "utf-8")

    passed = pradrill(house, "run", "files")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    (journal,) = house.glob("**/journal.jsonl")
    assert re.search(r'"Copy slowly: \+[\d.]+ MB"', journal.read_text("utf-8"))
