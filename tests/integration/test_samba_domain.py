"""The shipped drill of a Samba AD domain, on a host in namespaces, with a real domain's backups."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hosts.daemon_hosts import (
    REPOSITORY,
    SCRIPTS,
    apart,
    daemon_host,
    give_own_files,
    state_of,
)
from tests.integration.hosts.two_hosts import NamespaceHost, free_number
from tests.integration.house import edit, pradrill
from tests.support.endings import assert_failed, assert_recovered, failed_checks, step

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(os.geteuid() != 0, reason="hosts in namespaces take root"),
    pytest.mark.skipif(shutil.which("samba-tool") is None, reason="Samba is not installed"),
]
PASSWORD = "Un-mot-de-passe-1"  # noqa: S105 of a domain that lives for minutes
_REMOTE = """\
      backup_host: 192.0.2.30            # <- the server that has the backups; SFTP is enough
      backup_user: keeper                # <-
"""
_LOGIN = """\
      backup_private_key: env:PRADRILL_BACKUP_KEY
      backup_host_key: env:PRADRILL_BACKUP_HOST_KEY
"""
_PLACES = ("var/lib/samba", "var/cache/samba", "var/log/samba")
_PROGRAMS = {"samba", "smbd", "winbindd"}


@pytest.fixture(scope="module")
def standby() -> Iterator[NamespaceHost]:
    """Make a standby, with the backups of a primary that is gone."""
    with ExitStack() as undo:
        # Not below /tmp: each host has another one.
        name = undo.enter_context(tempfile.TemporaryDirectory(prefix="pd-ad-", dir="/var/tmp"))
        folder = Path(name)
        folder.chmod(0o755)
        standby, primary = folder / "dc-dr", folder / "primary"
        for home in (standby, primary):
            (home / "srv").mkdir(parents=True)
            give_own_files(home, "etc/samba", empty=_PLACES)
            (home / "root/var/lib/samba/private").mkdir()
        kit = (REPOSITORY / "playbooks/files/manifest-samba").read_text("utf-8")
        command = apart(primary, SCRIPTS / "domain.sh", kit, PASSWORD)
        outcome = subprocess.run(command, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, outcome.stdout + outcome.stderr
        shutil.copytree(primary / "srv/backups", standby / "srv/backups")
        shutil.rmtree(primary)
        host = daemon_host(undo, standby, free_number(), 1)
        host.marker.write_text(f"{host.machine_id}\n")
        yield host


def house_of(standby: NamespaceHost, folder: Path) -> Path:
    """Copy the shipped drill, for this standby."""
    for name in ("drills", "playbooks", "inventories"):
        shutil.copytree(REPOSITORY / name, folder / name)
    standby.server.serve(folder, "dc-dr", "inventories/example.yml")
    edit(
        folder,
        "drills/samba.yml",
        "  hosts: standby\n",
        "  hosts: standby\n  known_hosts: ../known_hosts\n",
    )
    edit(folder, "drills/samba.yml", _REMOTE, "")
    edit(folder, "drills/samba.yml", _LOGIN, "")
    edit(folder, "drills/samba.yml", "stable_for: 10s", "stable_for: 100ms")
    return folder


def outcome_of(
    standby: NamespaceHost, house: Path, password: str = PASSWORD
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run the drill, and hold that it leaves the standby as it was and tells no password."""
    before = state_of(standby, _PROGRAMS, data="var/lib", configuration=("etc/samba",))
    secrets = {"PRADRILL_PLANTED_PASSWORD": password}
    result = pradrill(house, "run", "samba", environment={**os.environ, **secrets}, timeout=900)
    (path,) = house.glob("state/runs/*/record.json")
    text = path.read_text("utf-8")
    assert password not in text + result.stdout + result.stderr
    after = state_of(standby, _PROGRAMS, data="var/lib", configuration=("etc/samba",))
    assert after == before
    return result, json.loads(text)


@pytest.mark.parametrize("kind", ["samba", "samba-online"])
def test_a_domain_comes_back(standby: NamespaceHost, tmp_path: Path, kind: str) -> None:
    """Backed up offline and online: PASSED; its recovery point is the primary's heartbeat."""
    house = house_of(standby, tmp_path)
    edit(house, "drills/samba.yml", "/srv/backups/samba ", f"/srv/backups/{kind} ")
    result, record = outcome_of(standby, house)
    assert assert_recovered(result, record) > 0
    backup = step(record, "restore")["values"]["pradrill_backup_id"]
    assert backup in {each.name for each in (standby.srv / "backups" / kind).iterdir()}


def test_another_password_and_another_domain_fail_by_name(
    standby: NamespaceHost, tmp_path: Path
) -> None:
    """Nobody signs in, a person more and another policy: FAILED, each by its check."""
    house = house_of(standby, tmp_path)
    edit(house, "drills/samba.yml", "deadline: 15m", "deadline: 1m")
    (manifest,) = (standby.srv / "backups/samba").glob("*.json")
    whole = manifest.read_text("utf-8")
    content = json.loads(whole)
    del content["objects"]["CN=chloe,CN=Users,DC=ad,DC=exemple,DC=fr"]
    content["objects"]["CN=comptabilite,CN=Users,DC=ad,DC=exemple,DC=fr"] = "other"
    content["sysvol"] |= dict.fromkeys(list(content["sysvol"])[:1], "other")
    manifest.write_text(json.dumps(content), "utf-8")
    try:
        result, record = outcome_of(standby, house, password="Un-autre-mot-2")  # noqa: S106
    finally:
        manifest.write_text(whole, "utf-8")
    assert (result.returncode, record["verdict"]) == (10, "FAILED")
    failures = failed_checks(record)
    assert set(failures) == {
        "test_somebody_signs_in_and_reads_the_policies",
        *(
            f"test_the_domain_is_as_at_the_backup[{each}]"
            for each in ("objects", "attributes", "sysvol")
        ),
    }
    assert "CN=chloe" in failures["test_the_domain_is_as_at_the_backup[objects]"]
    assert not record["residue"]


def test_a_cut_backup_fails_and_leaves_nothing(standby: NamespaceHost, tmp_path: Path) -> None:
    """It is read to its end before anything is touched: FAILED, with the reason."""
    house = house_of(standby, tmp_path)
    (backup,) = (standby.srv / "backups/samba").glob("*.bz2")
    whole = backup.read_bytes()
    backup.write_bytes(whole[:-5000])
    try:
        assert_failed(*outcome_of(standby, house), "the backup cannot be unpacked")
    finally:
        backup.write_bytes(whole)
