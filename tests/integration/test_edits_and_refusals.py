"""From the command line: ways to another machine are refused, and what is edited is told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import build, edit, pradrill, write

BOTH_EDITED = 60  # seconds


def test_every_way_in_variables_is_refused_at_its_line(hosts: TwoHosts, tmp_path: Path) -> None:
    """Beside the inventory and beside the plays, in each form: all at once, and nothing runs."""
    house = hosts.house(tmp_path)
    edit(
        house,
        "inventory.yml",
        "      dr_role: standby\n",
        "      dr_role: standby\n      ansible_ssh_host: 192.0.2.1\n",
    )
    texts = {
        "group_vars/all.yml": "x: 1\nansible_connection: local\n",
        "group_vars/standby/way": "ansible_ssh_common_args: -o ProxyCommand=other\n",
        "host_vars/web-dr.yml": "ansible_ssh_executable: /tmp/wrapper\n",
        "playbooks/group_vars/standby.yml": "ansible_ssh_args: -o HostName=other\n",
        "playbooks/host_vars/web-dr/way.yml": "ansible_host: 192.0.2.1\n",
    }
    for name, text in texts.items():
        path = house / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 3, result.stderr
    for place in (
        "inventory.yml:10: ansible_ssh_host",
        "group_vars/all.yml:2: ansible_connection",
        "group_vars/standby/way:1: ansible_ssh_common_args",
        "host_vars/web-dr.yml:1: ansible_ssh_executable",
        "playbooks/group_vars/standby.yml:1: ansible_ssh_args",
        "playbooks/host_vars/web-dr/way.yml:1: ansible_host",
    ):
        assert place in result.stderr, result.stderr
    assert hosts.standby.touched() == []
    assert hosts.production.touched() == ["live"]


@pytest.mark.nightly
def test_other_forms_of_inventory_are_looked_at_too(tmp_path: Path) -> None:
    """INI has a line; what a program says is told at the drill's; a template is not guessed."""
    house = build(tmp_path)
    write(
        house,
        "inventory.yml",
        """\
        [standby]
        web-dr ansible_host=192.0.2.20 dr_role=standby

        [standby:vars]
        ansible_connection=local
        """,
    )
    result = pradrill(house, "validate")
    assert (result.returncode, "inventory.yml:5: ansible_connection" in result.stderr) == (3, True)
    document = {
        "standby": {"hosts": ["web-dr"]},
        "_meta": {"hostvars": {"web-dr": {"dr_role": "standby", "ansible_ssh_port": 1}}},
    }
    write(house, "inventory.yml", f"#!/bin/sh\ncat <<'E'\n{json.dumps(document)}\nE\n")
    (house / "inventory.yml").chmod(0o755)
    result = pradrill(house, "validate")
    assert (result.returncode, "ansible_ssh_port" in result.stderr) == (3, True)
    (house / "inventory.yml").chmod(0o644)
    for address in ('"{{ where }}"', '"192.0.2.1 -o ProxyCommand=x"'):
        host = f"{{ansible_host: {address}, dr_role: standby}}"
        write(house, "inventory.yml", f"standby: {{hosts: {{web-dr: {host}}}}}\n")
        result = pradrill(house, "validate")
        assert (result.returncode, "web-dr" in result.stderr) == (3, True)


def test_what_is_edited_after_the_proof_ends_the_run(hosts: TwoHosts, tmp_path: Path) -> None:
    """A playbook and the inventory are replaced once isolation is proven: named, inconclusive."""
    house = hosts.house(tmp_path)
    command = [sys.executable, "-m", "pradrill", "--state", str(house / "state"), "run", "shop"]
    with subprocess.Popen(
        command,
        cwd=house,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        _wait_for(house, '"prove marker and isolation","kind":"isolation","outcome":"passed"')
        running.send_signal(signal.SIGSTOP)  # between two edits it would see, and name, only one
        edit(house, "inventory.yml", hosts.standby.server.address, hosts.production.server.address)
        with (house / "playbooks/restore.yml").open("a", encoding="utf-8") as playbook:
            playbook.write("    - {name: more, ansible.builtin.raw: touch /srv/more}\n")
        running.send_signal(signal.SIGCONT)
        output, _ = running.communicate(timeout=180)
    assert running.returncode == 12, output
    record = json.loads(pradrill(house, "show", "--json").stdout)
    assert f"{house}/inventory.yml, {house}/playbooks/restore.yml changed" in str(record["reasons"])
    assert hosts.production.touched() == ["live"]


def test_an_edited_teardown_is_not_run_and_residue_is_told(hosts: TwoHosts, tmp_path: Path) -> None:
    """A restore that edits what comes later, and adds variables, is seen at its own end."""
    house = hosts.house(tmp_path)
    edit(
        house, "drills/shop.yml", "restore.yml, deadline", "restore.yml, controller: true, deadline"
    )
    write(
        house,
        "playbooks/restore.yml",
        f"""\
        - hosts: standby
          gather_facts: false
          tasks:
            - ansible.builtin.raw: touch /srv/restored
            - ansible.builtin.shell: |
                echo '# later' >> {house}/playbooks/teardown.yml
                mkdir {house}/playbooks/group_vars
                echo 'x: 1' > {house}/playbooks/group_vars/all.yml
              delegate_to: localhost
        """,
    )
    result = pradrill(house, "run", "shop")
    assert result.returncode == 12, result.stdout + result.stderr
    record = json.loads(pradrill(house, "show", "--json").stdout)
    files = f"{house}/playbooks/group_vars/all.yml, {house}/playbooks/teardown.yml"
    assert f"{files} changed while the playbook ran" in str(record["reasons"])
    assert f"not run: {files} changed after the run began" in str(record["residue"])
    assert hosts.standby.touched() == ["restored"]


def _wait_for(house: Path, text: str) -> None:
    until = time.monotonic() + BOTH_EDITED
    squeezed = text.replace(" ", "")
    while time.monotonic() < until:
        for journal in house.glob("state/runs/*/journal.jsonl"):
            if squeezed in journal.read_text(encoding="utf-8").replace(" ", ""):
                return
        time.sleep(0.05)
    raise AssertionError(f"{text} was not journalled")
