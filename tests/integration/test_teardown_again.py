"""What a run has left because its standby was away is removed later, by one command."""

from __future__ import annotations

import signal
import time
from pathlib import Path

from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import beside, edit, pradrill
from tests.integration.test_leases import last_record, slow_run, until


def test_a_run_whose_standby_went_away_is_torn_down_later(hosts: TwoHosts, tmp_path: Path) -> None:
    """The next command offers it; it is entered, shown, and leaves the record as it is.

    A storm of signals does not end it half way, with a play that goes on where nobody waits.
    """
    house = hosts.house(tmp_path)
    edit(house, "drills/shop.yml", "teardown.yml}", "teardown.yml, deadline: 8s}")
    edit(house, "playbooks/teardown.yml", "rm -rf", "touch /srv/tearing; sleep 0.5; rm -rf")
    server = hosts.standby.server
    with slow_run(hosts, house, tmp_path / "tmp") as process:
        server.stop()
        try:
            assert process.wait(120) == 12
        finally:
            server.start()
    record = last_record(house)
    run_id = record["run_id"]
    assert record["residue"]
    content = (house / "state/runs" / run_id / "record.json").read_bytes()
    offered = pradrill(house, "runs")
    assert f"run {run_id} left " in offered.stderr
    assert f": pradrill teardown {run_id}" in offered.stderr
    assert "torn-down" not in hosts.standby.touched()

    hosts.standby.marker.rename(hosts.standby.marker.with_name("away"))
    refused = pradrill(house, "teardown", run_id)
    assert refused.returncode == 13, refused.stdout + refused.stderr
    assert "torn-down" not in hosts.standby.touched()
    hosts.standby.marker.with_name("away").rename(hosts.standby.marker)

    with beside(house, "teardown", run_id) as process:
        until((hosts.standby.srv / "tearing").exists, "the teardown has not begun")
        while "torn-down" not in hosts.standby.touched() and process.poll() is None:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                process.send_signal(number)
            time.sleep(0.05)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert "nothing is left" in output
    assert "torn-down" in hosts.standby.touched()
    assert sorted(path.name for path in hosts.standby.etc_pradrill.iterdir()) == ["standby"]
    assert (house / "state/runs" / run_id / "record.json").read_bytes() == content

    shown_now = pradrill(house, "show")
    assert "torn down once more" in shown_now.stdout
    assert "pradrill teardown" not in shown_now.stderr
    listed = pradrill(house, "register", "list").stdout
    assert f"teardown         {run_id}: left now: nothing" in listed
    verification = pradrill(house, "register", "verify")
    assert verification.returncode == 0, verification.stdout
    assert pradrill(house, "teardown", run_id).returncode == 2
