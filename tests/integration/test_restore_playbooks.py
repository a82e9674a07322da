"""The shipped restore playbooks touch no machine that is not marked as a standby."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from pradrill.domain.run.host import Site

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
LOOKS = ["mariadb", "postgresql"]
RESTORES = sorted(each.name for each in PLAYBOOKS.glob("restore_*.yml"))


@pytest.mark.parametrize("name", RESTORES)
def test_every_restore_looks_at_the_standby_first(name: str) -> None:
    """Its first task is the one that refuses a machine that nobody marked."""
    for play in yaml.safe_load((PLAYBOOKS / name).read_text("utf-8")):
        first: dict[str, Any] = play["tasks"][0]
        task = first.get("ansible.builtin.import_tasks", "")
        assert task in {f"tasks/{each}_standby.yml" for each in LOOKS}, first
        assert "when" not in first


@pytest.mark.skipif(Path("/etc/pradrill/standby").exists(), reason="this machine is a standby")
@pytest.mark.parametrize("look", LOOKS)
def test_a_machine_that_nobody_marked_is_refused_on_stderr(
    site: Site, tmp_path: Path, look: str
) -> None:
    """Over SSH, without a terminal that would mix the reason into the output."""
    play = tmp_path / "play.yml"
    play.write_text(
        "- hosts: all\n  gather_facts: false\n  vars: {postgresql_cluster: main}\n"
        f"  tasks: [{{import_tasks: {PLAYBOOKS}/tasks/{look}_standby.yml}}]\n"
    )
    result = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", site.inventory, play],
        env={**os.environ, "ANSIBLE_SSH_ARGS": f"-F {site.ssh_config}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 2, result.stdout + result.stderr
    why = "this machine is not marked as a standby: see playbooks/mark_standby.yml"
    assert f'"stderr": "{why}' in result.stdout, result.stdout


@pytest.mark.parametrize("path", sorted(PLAYBOOKS.rglob("*.yml")), ids=lambda path: path.name)
def test_no_expression_holds_a_backslash(path: Path) -> None:
    """Ansible doubles it there, so what was to escape a password's quote would break it."""
    text = str(yaml.safe_load(path.read_text("utf-8")))  # as Ansible reads it, not as it is typed
    expressions = [each for each in re.findall(r"{{.*?}}", text) if "\\\\" in each]
    assert expressions == []
