"""What was not proven is not touched, by anything: on two real hosts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.integration.house import edit, pradrill, write
from tests.integration.two_hosts import TwoHosts


def record_of(house: Path) -> dict[str, Any]:
    """Return the last run's record."""
    shown: dict[str, Any] = json.loads(pradrill(house, "show", "--json").stdout)
    return shown


def not_run(record: dict[str, Any]) -> dict[str, str | None]:
    """Return the playbooks that never began, and why."""
    return {each["name"]: each["not_run"] for each in record["not_executed"] if each["playbook"]}


def test_smoke(hosts: TwoHosts, tmp_path: Path) -> None:
    house = hosts.house(tmp_path)
    done = pradrill(house, "run", "shop")
    print(done.stdout, done.stderr)
    hosts.open_way()
    done = pradrill(house, "run", "shop")
    print(done.stdout, done.stderr)
    assert 0
