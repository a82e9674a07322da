"""The heartbeat kit, installed on a real machine with systemd and MariaDB."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.scenes.place import REPOSITORY
from tests.e2e.scenes.scene import inside, say

from pradrill.adapters.ansible.runner import AnsibleRunner
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.adapters.standbys.lab import Lab, Machine, write_site
from pradrill.domain.run.outcome import PlaybookResult, StepOutcome
from pradrill.ports import Play

pytestmark = [pytest.mark.e2e, pytest.mark.nightly]
KIT = REPOSITORY / "playbooks/heartbeat.yml"
TABLE = "mariadb -N -B shop -e 'select max(at) from pradrill_heartbeat'"
FILE = "cat /var/lib/pradrill-heartbeat/heartbeat"
UNITS = "systemctl list-units --plain --no-legend --state=active 'pradrill-heartbeat@*' | wc -l"


@pytest.fixture
def primary(lab: Lab) -> Iterator[Machine]:
    """Return a machine with a database that the heartbeat may go into."""
    machine = lab.machine("beating")
    machine.down()
    machine.up(say)
    inside(machine, "systemctl start mariadb && mariadb -e 'create database shop'")
    yield machine
    machine.down()


def kit(machine: Machine, folder: Path, **variables: str) -> PlaybookResult:
    """Play the kit's playbook."""
    folder.mkdir(parents=True)
    play = Play(
        KIT,
        write_site(machine, folder=folder),
        {"heartbeat_mariadb": "shop", **variables},
        {},
        folder.name,
    )
    result = AnsibleRunner(SteadyClock(), resolve).run(
        play, deadline=300, cancelled=lambda: False, say=say, evidence=folder / "evidence"
    )
    assert result.outcome is StepOutcome.PASSED, result
    return result


def test_the_heartbeat_beats_and_leaves_nothing_behind(primary: Machine, tmp_path: Path) -> None:
    """Installed it writes table and file as a user that may nothing else; removed it is gone."""
    kit(primary, tmp_path / "install")
    for source in (TABLE, FILE):
        before = inside(primary, source)
        time.sleep(3)
        assert inside(primary, source) > before
    grants = inside(primary, "mariadb -NB -e 'show grants for pradrill_heartbeat@localhost'")
    assert "GRANT UPDATE ON `shop`.`pradrill_heartbeat`" in grants
    assert len(grants.splitlines()) == 2, "only the login itself and this one"
    owner = "ps -o user:32= -C pradrill-heartbeat | sort -u"
    assert inside(primary, owner) == "pradrill_heartbeat"
    assert kit(primary, tmp_path / "again").tasks_changed == 0

    inside(primary, "systemctl restart mariadb")
    time.sleep(5)
    before = inside(primary, TABLE)
    time.sleep(3)
    assert inside(primary, TABLE) > before, "it does not come back with its database"

    inside(primary, "touch /etc/pradrill/standby; systemctl restart 'pradrill-heartbeat@*'")
    assert inside(primary, UNITS) == "0", "it runs on a standby"
    inside(primary, "rm /etc/pradrill/standby")

    kit(primary, tmp_path / "remove", heartbeat_state="absent")
    left = inside(
        primary,
        "ls -d /etc/pradrill/heartbeat /var/lib/pradrill-heartbeat /usr/local/sbin/pradrill* "
        "/etc/systemd/system/pradrill* 2>/dev/null; id pradrill_heartbeat 2>/dev/null; "
        "mariadb -NB -e \"select user from mysql.user where user like 'pradrill%'; "
        'show tables from shop"',
    )
    assert left == ""
    assert kit(primary, tmp_path / "gone", heartbeat_state="absent").tasks_changed == 0
