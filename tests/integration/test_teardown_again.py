"""What a run has left because its standby was away is removed later, by one command."""

from __future__ import annotations

from pathlib import Path

from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill
from tests.integration.test_leases import last_record, slow_run


def test_a_run_whose_standby_went_away_is_torn_down_later(hosts: TwoHosts, tmp_path: Path) -> None:
    """The next command offers it; it is entered, shown, and leaves the record as it is."""
    house = hosts.house(tmp_path)
    edit(house, "drills/shop.yml", "teardown.yml}", "teardown.yml, deadline: 5s}")
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

    result = pradrill(house, "teardown", run_id)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "nothing is left" in result.stdout
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
