"""The shipped drill of an estate, on three real hosts: OpenLDAP, MariaDB and WordPress come back.

By day; the nightly tests/e2e/test_estate.py does the same on virtual machines, with systemd.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.hosts.estate_hosts import EstateHosts, estate_hosts
from tests.integration.house import edit, pradrill
from tests.support.endings import assert_estate_recovered

from pradrill.domain.run.record import RunRecord
from pradrill.system import processes

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="hosts in namespaces take root")


@pytest.fixture(scope="module")
def made_estate() -> Iterator[EstateHosts]:
    """Make the standbys, with the backups of a lost primary."""
    with estate_hosts() as hosts:
        yield hosts


@pytest.fixture
def estate(made_estate: EstateHosts) -> Iterator[EstateHosts]:
    """Return the hosts; whatever a drill does there, it leaves the standbys as they were."""
    before = made_estate.state()
    yield made_estate
    for name, state in made_estate.state().items():
        assert set(state) ^ set(before[name]) == set()


def outcome_of(estate: EstateHosts, house: Path) -> tuple[int, str, RunRecord]:
    """Run the drill; return its exit code, its words and its record."""
    result = pradrill(house, "run", "estate", environment={**os.environ, **estate.secrets})
    (path,) = house.glob("state/runs/*/record.json")
    record = RunRecord.model_validate_json(path.read_text("utf-8"))
    assert not processes.carrying(record.run_id)
    return result.returncode, result.stdout + result.stderr, record


@pytest.mark.nightly
def test_the_estate_comes_back(estate: EstateHosts, tmp_path: Path) -> None:
    """Three services, a host each: all passed, in order, each measured, all put back."""
    code, output, record = outcome_of(estate, estate.house(tmp_path))
    assert code == 0, output
    assert_estate_recovered(record, estate.hosts)


def test_a_cut_directory_fails_with_gzips_reason(estate: EstateHosts, tmp_path: Path) -> None:
    """A truncated LDIF: FAILED, with the reason, the standby clean."""
    house = estate.house(tmp_path)
    directory_alone(house)
    dump = estate.hosts["ldap-dr"].srv / "backups/directory/data.ldif.gz"
    whole = dump.read_bytes()
    dump.write_bytes(whole[: len(whole) // 2])
    try:
        code, output, record = outcome_of(estate, house)
    finally:
        dump.write_bytes(whole)
    assert code == 10, output
    assert str(record.services["directory"].verdict) == "FAILED"
    assert "unexpected end of file" in str(record.services["directory"].reasons)
    assert not record.residue


def directory_alone(house: Path) -> None:
    """Take the other services out of the drill: test_estate.py proves that they are held back."""
    edit(house, "drills/estate.yml", "hosts: estate ", "hosts: ldap-dr ")
    path = house / "drills/estate.yml"
    before, rest = path.read_text("utf-8").split("\n  database:\n", 1)
    path.write_text(before + rest[rest.index("\nunattended:") :], "utf-8")
