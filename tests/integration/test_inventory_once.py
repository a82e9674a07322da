"""A house of many drills on one inventory asks Ansible once."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill

from pradrill.config.project import open_house
from pradrill.errors import ConfigurationError

DRILL = """\
drill: {name}
services: [moodle]
scenario: {{name: loss}}
standby: {{inventory: ../hosts, hosts: dr}}
restore: [{{playbook: ../restore.yml}}]
teardown: [{{playbook: ../restore.yml}}]
verify:
  checks: checks
  newest_data: {{command: newest}}
  must_not_reach: ["db.prod.exemple.fr:3306"]
"""
INVENTORY = """\
#!/bin/sh
echo asked >> {log}
echo '{{"dr": {{"hosts": ["web"]}}, "_meta": {{"hostvars": {{"web": {{"dr_role": "standby"}}}}}}}}'
"""


def test_an_inventory_is_read_once_for_a_house_and_again_for_the_next(tmp_path: Path) -> None:
    """Two drills share one reading; a house that is opened later sees the inventory as it is."""
    drills, log = tmp_path / "drills", tmp_path / "log"
    (drills / "checks").mkdir(parents=True)
    (drills / "checks" / "test_it.py").write_text(
        "def test_it(host): assert host.run('true').rc == 0\n"
    )
    (tmp_path / "restore.yml").write_text("- hosts: all\n  tasks: []\n")
    (drills / "plan.yml").write_text(
        "plan: 1\norganisation: X\nservices:\n  moodle: {objectives: {rto: 1h, rpo: 1h}}\n"
    )
    for name in ("one", "two"):
        (drills / f"{name}.yml").write_text(DRILL.format(name=name))
    script = tmp_path / "hosts"
    script.write_text(INVENTORY.format(log=log))
    script.chmod(0o755)
    for opened in (1, 2):
        house = open_house(drills, now=datetime.now(UTC))
        assert [loaded.hosts[0].name for loaded in house.drills.values()] == ["web", "web"]
        assert log.read_text().count("asked") == opened
    for path, fault in ((drills / "checks" / "test_it.py", "("), (tmp_path / "restore.yml", "x")):
        before = path.read_text()
        path.write_text(fault)  # what both drills share is no longer what it was
        with pytest.raises(ConfigurationError, match=path.name):
            open_house(drills, now=datetime.now(UTC))
        path.write_text(before)


def test_a_run_asks_ansible_once_and_works_on_what_its_plan_was_read_from(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """The inventory that Ansible gets is the one that the plan was read from, asked for once."""
    house = hosts.house(tmp_path / "house")
    log = tmp_path / "log"
    listing = house / "inventory.yml"
    script = house / "inventory.sh"
    script.write_text(
        f"#!/bin/sh\necho asked >> {log}\n"
        f"exec {Path(sys.executable).parent}/ansible-inventory --list -i {listing}\n"
    )
    script.chmod(0o755)
    edit(house, "drills/shop.yml", "inventory.yml", "inventory.sh")
    run = pradrill(house, "run", "shop")
    assert run.returncode == 0, run.stderr
    assert log.read_text().count("asked") == 1
