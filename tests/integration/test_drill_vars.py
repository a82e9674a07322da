"""What a drill says once reaches its playbooks, its checks, its readings and its teardown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import RESTORE, TEARDOWN, TwoHosts
from tests.integration.house import build, edit, pradrill, write

CHECK = '''\
def test_the_folder_came_back(host, drill):
    """The folder that the drill names is there, on the host that it names."""
    assert host.file(drill.vars["folder"] + "/data").content_string == "data\\n"
    assert list(drill.hosts) == ["web-dr"]
    assert drill.values["owner"] == "root"
'''
HAND_BACK = """\
    - ansible.builtin.set_stats: {per_host: false, data: {owner: root}}
"""


@pytest.mark.nightly
def test_a_folder_is_named_once(hosts: TwoHosts, tmp_path: Path) -> None:
    """One `folder` in vars: restored, checked, read, torn down, looked for; titles are shown."""
    house = hosts.house(tmp_path)
    for name, play in (("restore", RESTORE + HAND_BACK), ("teardown", TEARDOWN)):
        write(house, f"playbooks/{name}.yml", play.replace("/srv/restored", "{{ folder }}"))
    write(house, "drills/checks/shop/test_shop.py", CHECK)
    title = "title: the shop, once a quarter\nvars: {folder: /srv/once, older: 5min}"
    edit(house, "drills/shop.yml", "services: [shop]", f"services: [shop]\n{title}")
    command = "test -e {{ folder }} && date -u -d -{{ older }}"
    edit(house, "drills/shop.yml", "date -u -d -5min", command)
    pins = "known_hosts: ../known_hosts"
    absent = 'absent_after_teardown: ["{{ folder }}"]'
    edit(house, "drills/shop.yml", pins, f"{pins}, {absent}")
    edit(house, "drills/plan.yml", "  shop:", "  shop:\n    title: Our shop")

    result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    record = json.loads(pradrill(house, "show", "--json").stdout)
    assert record["plan"]["drill"]["standby"]["absent_after_teardown"] == ["/srv/once"]
    assert record["recovery"]["recovery_point_from"].startswith("test -e /srv/once && ")
    assert hosts.standby.touched() == ["torn-down"]
    assert "Our shop (shop) of Exemple SAS" in pradrill(house, "plan", "shop").stdout


def test_what_vars_lack_or_may_not_hold_is_told_with_its_place(tmp_path: Path) -> None:
    """A name without a value, and one that would lead Ansible elsewhere, are refused."""
    house = build(tmp_path)
    edit(house, "drills/shop.yml", "services: [shop]", "services: [shop]\nvars: {a: 1}")
    edit(house, "drills/shop.yml", "date -u", "cat {{ folder }}; date -u")
    result = pradrill(house, "validate")
    assert result.returncode == 3
    assert "{{ folder }} is to be filled from vars, which has none of that name" in result.stderr
    edit(house, "drills/shop.yml", "cat {{ folder }}; ", "")
    edit(house, "drills/shop.yml", "vars: {a: 1}", "vars: {ansible_host: 192.0.2.9}")
    result = pradrill(house, "validate")
    assert result.returncode == 3
    assert "drills/shop.yml:3: vars.ansible_host: ansible_host would lead Ansible" in result.stderr
