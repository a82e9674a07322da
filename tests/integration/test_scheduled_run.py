"""The schedule by the calendar on a real host: a drill that is due runs once, and status tells."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import beside, edit, pradrill

from pradrill.domain.register.entry import EntryKind, ScheduleRule
from pradrill.register.chain.register import Register


@pytest.mark.nightly
def test_what_is_due_by_the_calendar_runs_once(hosts: TwoHosts, tmp_path: Path) -> None:
    """While it runs its lease is seen and a second call does nothing; then it is proven.

    Somebody is told, and a channel that cannot be used changes no exit code.
    """
    house = hosts.house(tmp_path)
    box = house / "box"
    with (house / "drills" / "plan.yml").open("a") as plan:
        plan.write("notifications:\n- {name: broken, command: ['false']}\n")
        plan.write(f"- {{name: ops, command: [sh, -c, cat >> {box}]}}\n")
    now = datetime.now(UTC)
    rule = f"every day {now - timedelta(minutes=5):%H:%M} UTC"
    edit(house, "drills/plan.yml", "drill_every: 3 months", f"drill_on: {rule}")
    body = ScheduleRule(service="shop", rule=rule)
    Register(house / "state").append(EntryKind.SCHEDULE, body, now - timedelta(hours=1))

    with beside(house, "due", "--run", "--scheduled") as first:
        locks = house / "state" / "locks"
        deadline = time.monotonic() + 90
        while not [*locks.glob("*.lease")]:
            assert time.monotonic() < deadline
            assert first.poll() is None, first.communicate()
            time.sleep(0.05)
        second = pradrill(house, "due", "--run", "--scheduled")
        assert (second.returncode, second.stdout) == (0, "")
        running = json.loads(pradrill(house, "status", "--json").stdout)
        assert "running" in [alarm["kind"] for alarm in running["alarms"]]
        output, _ = first.communicate(timeout=120)
    assert first.returncode == 0, output
    assert box.read_text("utf-8").count("shop: PASSED") == 2  # the subject, and its line
    assert [*locks.glob("*.lease")] == []

    third = pradrill(house, "due", "--run", "--scheduled")
    assert (third.returncode, third.stdout) == (0, "")
    status = json.loads(pradrill(house, "status", "--json").stdout)
    (shop,) = status["services"]
    assert (shop["word"], shop["is_due"]) == ("proven", False)
    assert shop["rta_margin"] > 0
    runs = [e for e in Register(house / "state").entries() if e.kind is EntryKind.RUN]
    assert len(runs) == 1
