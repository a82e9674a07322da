"""The two hosts in namespaces, that the tests of the proof rest on."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import pradrill


def test_an_honest_drill_passes_on_the_standby_and_leaves_production_alone(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """The bench is sound: what is not attacked passes, on one host, and is torn down.

    With -v it says what it does, and logs it all the same; with --json how it ended, in a line.
    """
    house = hosts.house(tmp_path)
    result = pradrill(house, "run", "shop", "-v", "--json")
    assert result.returncode == 0, result.stdout + result.stderr
    record = json.loads(pradrill(house, "show", "--json").stdout)
    assert record["verdict"] == "PASSED"

    (line,) = result.stdout.splitlines()
    end = json.loads(line)
    assert (end["format"], end["run_id"], end["verdict"]) == (1, record["run_id"], "PASSED")
    assert end["rta_seconds"] == record["recovery"]["rta"]["seconds"]
    assert json.loads(Path(end["record"]).read_text())["run_id"] == record["run_id"]

    lines = result.stderr.splitlines()
    count = len(record["plan"]["steps"])
    assert all(re.fullmatch(r"\d\d:\d\d  .*", line) for line in lines), lines
    assert f"drill shop: {count} steps, RTO 15m00s" in lines[0]
    numbers = [int(n) for n in re.findall(rf"step (\d+) of {count}, ", result.stderr)]
    assert numbers == [*range(1, count + 1)], lines
    assert re.search(
        rf"step {count} of {count}, teardown: release the standby, at most 5m00s", lines[-2]
    )
    assert re.search(r"passed after \d+\.\ds$", lines[-1])
    log = (house / "state" / "log.jsonl").read_text("utf-8")
    assert log.count('"step_ended"') == count
    assert hosts.standby.touched() == ["torn-down"]
    assert hosts.production.touched() == ["live"]


def test_a_way_to_production_is_seen_from_the_standby(hosts: TwoHosts, tmp_path: Path) -> None:
    """With the way open the same drill is refused before its restore."""
    house = hosts.house(tmp_path)
    hosts.open_way()
    result = pradrill(house, "run", "shop")
    assert result.returncode != 0
    assert "production answers" in result.stdout + result.stderr
    assert "restored" not in hosts.standby.touched()


def test_a_machine_id_in_capitals_is_one(hosts: TwoHosts, tmp_path: Path) -> None:
    """As systemd reads it: a standby that has one was said to have none."""
    standby = hosts.standby
    (standby.home / "machine-id").write_text(f"{standby.machine_id.upper()}\n")
    standby.marker.write_text(f"{standby.machine_id.upper()}\n")
    try:
        result = pradrill(hosts.house(tmp_path), "run", "shop")
    finally:
        (standby.home / "machine-id").write_text(f"{standby.machine_id}\n")
    assert result.returncode == 0, result.stdout + result.stderr
