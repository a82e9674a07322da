"""How a drill ends on a real host when its service does not work, loses too much, or goes away."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import beside, edit, pradrill, write

SLOW = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the data back
      ansible.builtin.raw: mkdir -p /srv/restored && sleep 30
"""


def step(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a step of a record."""
    (match,) = [each for each in record["steps"] if each["name"] == name]
    return dict(match)


def record_of(house: Path) -> dict[str, Any]:
    """Return the newest record."""
    record: dict[str, Any] = json.loads(pradrill(house, "show", "--json").stdout)
    return record


def test_a_service_that_never_comes_up_fails_at_the_deadline(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """All is restored and a check stays red: FAILED when the deadline is over, then torn down."""
    house = hosts.house(tmp_path)
    write(
        house,
        "drills/checks/shop/test_shop.py",
        '''\
        def test_it_answers(host):
            """The page is there."""
            assert host.file("/srv/page").exists
        ''',
    )
    edit(house, "drills/shop.yml", "deadline: 1m\n", "deadline: 4s\n")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 10, result.stderr

    record = record_of(house)
    checks = step(record, "check the service")
    assert (record["verdict"], checks["outcome"]) == ("FAILED", "failed")
    assert 4 <= checks["seconds"] < 15
    assert record["recovery"]["rta"] is None
    assert hosts.standby.touched() == ["torn-down"]


def test_data_older_than_the_rpo_misses_the_objective(hosts: TwoHosts, tmp_path: Path) -> None:
    """The service works and its newest data is too old for the plan: MISSED, exit code 11."""
    house = hosts.house(tmp_path)
    edit(house, "drills/plan.yml", "rpo: 1h", "rpo: 1m")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 11, result.stderr

    record = record_of(house)
    assert record["verdict"] == "MISSED"
    assert record["recovery"]["rta"]["seconds"] < 900
    assert record["recovery"]["rpa"]["high"] > 60
    assert result.stdout.startswith("MISSED  shop")


def test_ctrl_c_in_the_restore_tears_down_and_meanwhile_others_are_refused(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """A second run ends BUSY (5) and is recorded; the first ends 130 through its teardown."""
    house = hosts.house(tmp_path)
    write(house, "playbooks/restore.yml", SLOW)
    with beside(house, "run", "shop") as running:
        end = time.monotonic() + 60
        while "restored" not in hosts.standby.touched():
            assert time.monotonic() < end
            time.sleep(0.05)
        second = pradrill(house, "run", "shop")
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=60)
    assert second.returncode == 5, second.stderr
    assert running.returncode == 130
    assert hosts.standby.touched() == ["torn-down"]

    runs = [json.loads(path.read_text()) for path in (house / "state/runs").glob("*/record.json")]
    stopped, refused = sorted(runs, key=lambda record: record["refusal"] is not None)
    assert step(stopped, "restore")["outcome"] == "cancelled"
    assert (stopped["residue"], refused["exit_code"]) == ([], 5)
