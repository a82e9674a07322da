"""A standby whose login prints what nobody asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import pradrill


def test_what_a_login_prints_is_no_answer(hosts: TwoHosts, tmp_path: Path) -> None:
    """A .bashrc that prints, with a line's end and without, is passed over by all that is asked."""
    house = hosts.house(tmp_path)
    greeting = hosts.standby.server.folder / ".bashrc"
    greeting.write_text("printf 'Welcome to the standby\\n$ '; echo careful >&2\n")
    try:
        result = pradrill(house, "run", "shop")
    finally:
        greeting.unlink()
    assert result.returncode == 0, result.stdout + result.stderr
    record = json.loads(pradrill(house, "show", "--json").stdout)
    assert record["verdict"] == "PASSED"


@pytest.mark.nightly
def test_the_cause_of_a_failed_command_is_its_error_and_not_a_line_of_dashes(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """The mariadb client prints the statement, which holds data, between dashes; then why."""
    house = hosts.house(tmp_path)
    (house / "playbooks/restore.yml").write_text(
        """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Load the dump
      ansible.builtin.shell: |
        cat >&2 <<'END'
        --------------
        INSERT INTO t VALUES ('alice@exemple.fr', 'error')
        --------------

        ERROR 1273 (HY000) at line 24: Unknown collation: 'utf8mb4_0900_ai_ci'
        END
        exit 1
"""
    )
    result = pradrill(house, "run", "shop")
    output = " ".join((result.stdout + result.stderr).split())
    assert result.returncode == 10, output
    assert "ERROR 1273 (HY000) at line 24: Unknown collation: 'utf8mb4_0900_ai_ci'" in output
    assert "-----" not in output
