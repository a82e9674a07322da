"""Whoever Ansible becomes on the standby, checks and readings become, too."""

from __future__ import annotations

from pathlib import Path

from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill, write

CHECK = '''
"""Who runs the checks."""


def test_who(host):
    """It is the user that the inventory names, and not the login."""
    assert host.check_output("id -un") == "daemon"
'''


def test_become_reaches_checks_and_readings(hosts: TwoHosts, tmp_path: Path) -> None:
    """With ansible_become in the inventory they are carried out by sudo, as its user."""
    house = hosts.house(tmp_path)
    write(house, "drills/checks/shop/test_who.py", CHECK.lstrip())
    become = "dr_role: standby\n      ansible_become: true\n      ansible_become_user: daemon"
    edit(house, "inventory.yml", "dr_role: standby", become)
    edit(house, "drills/shop.yml", '"date -u', '"test $(id -un) = daemon && date -u')
    hosts.standby.srv.chmod(0o777)
    try:
        result = pradrill(house, "run", "shop")
    finally:
        hosts.standby.srv.chmod(0o755)
    assert result.returncode == 0, result.stdout + result.stderr
