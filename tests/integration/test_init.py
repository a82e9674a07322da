"""From nothing to the first proof: init, what the doctor prints, one run.

Nightly; by day tests/unit/app/test_proposal.py holds that what init writes is valid, and
test_doctor.py that what the doctor prints mends.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.hosts.database_hosts import DatabaseHosts, database_hosts
from tests.integration.hosts.machines import propagation
from tests.integration.hosts.sshd import Sshd
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill, type_in

PRODUCTION = "192.0.2.10:445"


def proposed(house: Path, server: Sshd, service: str, *words: str) -> str:
    """Have a drill proposed for a standby; return what init says."""
    login = f"{server.host.user}@{server.address}:{server.port}"
    standby = ("--standby", login, "--key", str(server.key))
    result = pradrill(house, "init", service, *standby, *words)
    assert result.returncode == 0, result.stderr
    return result.stdout


def mend(house: Path, service: str) -> None:
    """Type in what the doctor prints, until it finds nothing more."""
    for _ in range(3):
        payload = json.loads(pradrill(house, "doctor", service, "--json").stdout)
        if payload["exit_code"] == 0:
            return
        for each in payload["preconditions"]:
            for line in each["mend"] if each["holding"] == "does not hold" else ():
                if "console" not in line:
                    type_in(house, line)
    pytest.fail(json.dumps(payload, indent=1))


@pytest.mark.nightly
def test_files_from_restic_are_proven_at_the_first_attempt(hosts: TwoHosts, tmp_path: Path) -> None:
    """Init, the doctor's commands, one run: PASSED. Init again changes nothing a person wrote."""
    files, repository = tmp_path / "srv/shares", tmp_path / "restic"
    (hosts.standby.srv / "shares").mkdir()
    hosts.standby.marker.unlink()
    files.mkdir(parents=True)
    (files / "prices.csv").write_text("bolt;1.20\n")
    password = tmp_path / "password"
    password.write_text("a long enough password\n")
    password.chmod(0o600)
    restic = ["restic", "-r", str(repository), "--password-file", str(password), "--no-cache"]
    subprocess.run([*restic, "init"], check=True, capture_output=True)
    # As production backs it up: by its own path.
    script = f'mount --bind {tmp_path}/srv /srv && exec "$@"'
    apart = ["unshare", "--mount", *propagation(), "sh", "-c", script, "sh"]
    subprocess.run([*apart, *restic, "backup", "/srv/shares"], check=True, capture_output=True)

    house = tmp_path / "pra"
    house.mkdir()
    place = ("--backups", str(repository), "--password", f"file:{password}")
    words = (*place, "--production", PRODUCTION)
    proposal = proposed(house, hosts.standby.server, "shares", *words)
    assert "restic" in proposal
    assert "holds files below /srv/shares" in proposal
    assert "pradrill run shares --rehearsal" in proposal
    assert f"The standby must have {repository}, too; if not: --backups sftp:" in proposal
    assert pradrill(house, "validate").returncode == 0
    edit(house, "drills/shares.yml", "stable_for: 10s", "stable_for: 100ms")
    mend(house, "shares")
    result = pradrill(house, "run", "shares")
    assert result.returncode == 0, result.stdout + result.stderr
    assert pradrill(house, "due").stdout == "nothing is due\n"

    plan = house / "drills/plan.yml"
    plan.write_text(plan.read_text("utf-8").replace("rto: 4h", "rto: 2h"), "utf-8")
    before = {path: path.read_bytes() for path in house.rglob("*") if path.is_file()}
    again = proposed(house, hosts.standby.server, "shares", *words)
    assert "left as it is: drills/plan.yml" in again
    assert {path: path.read_bytes() for path in before} == before


@pytest.fixture(scope="module")
def databases() -> Iterator[DatabaseHosts]:
    """Make a standby with databases, and a backup server with dumps of its lost primary's."""
    with database_hosts() as hosts:
        yield hosts


@pytest.fixture
def house() -> Iterator[Path]:
    """Return a folder that the controller and the standby see at one path, as a mount would be."""
    with tempfile.TemporaryDirectory(prefix="pd-init-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.mark.nightly
@pytest.mark.parametrize("service", ["mariadb", "postgresql"])
def test_a_dump_is_proven_at_the_first_attempt(
    databases: DatabaseHosts, house: Path, service: str
) -> None:
    """The database, its newest instant and its restore are recognised; one run: PASSED."""
    dumps = house / "dumps"
    subprocess.run(["cp", "-a", databases.backup.srv / "backups" / service, dumps], check=True)
    (databases.standby.marker).unlink(missing_ok=True)
    place = ("--backups", str(dumps), "--production", PRODUCTION)
    proposal = proposed(house, databases.standby.server, service, *place)
    assert "database shop, dated by" in proposal
    assert "pradrill_heartbeat.at" in proposal
    mend(house, service)
    result = pradrill(house, "run", service)
    assert result.returncode == 0, result.stdout + result.stderr
