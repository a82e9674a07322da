"""A machine that is made for the run: a real host in a namespace, by playbooks, end to end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.hosts.namespace_cloud import remove_all, write_cloud
from tests.integration.house import build, pradrill


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Path]:
    """Return where the machines of a house are; none is left at the end."""
    machines = write_cloud(build(tmp_path))
    yield machines
    remove_all(machines)


def test_a_drill_on_a_machine_of_its_own(cloud: Path, tmp_path: Path) -> None:
    """Made with keys that were known before, restored on, verified, destroyed, listed no more."""
    result = pradrill(tmp_path, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    record = json.loads(pradrill(tmp_path, "show", "--json").stdout)
    assert record["verdict"] == "PASSED"
    assert record["recovery"]["provisioning"] > 0
    assert list(cloud.iterdir()) == []
    journal = "".join(path.read_text() for path in tmp_path.glob("state/runs/*/journal.jsonl"))
    assert "pradrill_addresses" in journal
    assert "PRIVATE KEY" not in journal
