"""The two hosts in namespaces, that the tests of the proof rest on."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import pradrill


def test_an_honest_drill_passes_on_the_standby_and_leaves_production_alone(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """The bench is sound: what is not attacked passes, on one host, and is torn down."""
    house = hosts.house(tmp_path)
    result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    record = json.loads(pradrill(house, "show", "--json").stdout)
    assert record["verdict"] == "PASSED"
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
