"""`pradrill doctor` on two real hosts: all that fails at once, mended by what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import build, edit, pradrill, type_in


def failures(house: Path, code: int) -> dict[str, Any]:
    """Return what the doctor says does not hold: about → the precondition."""
    result = pradrill(house, "doctor", "shop", "--json")
    payload = json.loads(result.stdout)
    assert payload["exit_code"] == result.returncode == code, result.stdout + result.stderr
    return {
        each["about"]: each
        for each in payload["preconditions"]
        if each["holding"] == "does not hold"
    }


def test_all_that_does_not_hold_is_said_at_once_and_mended_by_what_is_printed(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """Marker, a way to production, sudo, a secret, then the keys: each with its command.

    It records nothing, and leaves the standby as it is.
    """
    house = hosts.house(tmp_path)
    hosts.standby.marker.unlink()
    hosts.open_way()
    (house / "password").write_text("correct horse battery\n")
    (house / "password").chmod(0o644)
    restore = "playbooks/restore.yml,"
    secret = f"{restore} secrets: {{login_password: 'file:{house}/password'}},"
    edit(house, "drills/shop.yml", restore, secret)
    sudo = hosts.standby.srv / "sudo"
    sudo.write_text("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    sudo.chmod(0o755)
    exe = "{ansible_become: true, ansible_become_user: backup, ansible_become_exe: /srv/sudo}"
    become = f"dr_role: standby\n  vars: {exe}"
    edit(house, "inventory.yml", "dr_role: standby", become)

    bad = failures(house, 4)
    assert set(bad) == {"secrets", "marker", "isolation", "root"}
    assert bad["secrets"]["mend"] == [f"chmod 600 {house}/password"]
    assert bad["marker"]["says"].startswith("/etc/pradrill/standby is missing")
    assert bad["marker"]["mend"][0].startswith("ansible-playbook -i ")
    assert 'nft "add table inet pradrill_closed; ' in bad["isolation"]["mend"][0]
    assert "/etc/sudoers.d/pradrill" in bad["root"]["mend"][0]
    assert "sudo asks for a password" in bad["root"]["says"]
    edit(house, "inventory.yml", become, "dr_role: standby")
    hosts.close_way()
    type_in(house, bad["secrets"]["mend"][0])
    type_in(house, bad["marker"]["mend"][0])

    (house / "known_hosts").write_text("")
    hosts.standby.server.key.chmod(0o640)
    result = pradrill(house, "doctor", "shop")
    assert result.returncode == 4
    mending = [line.strip() for line in result.stdout.splitlines() if line.startswith(" " * 8)]
    for line in mending:
        if "console" not in line:
            type_in(house, line)

    way = f"{restore} vars: {{backup_host: '', backup_folder: /srv}},"
    edit(house, "drills/shop.yml", restore, way)
    before = sorted(str(path) for path in hosts.standby.home.rglob("*"))
    result = pradrill(house, "doctor", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    for about in ("SSH", "identity", "marker", "lease", "root", "space", "clock", "isolation"):
        assert f"  ok  {about}: " in result.stdout
    assert "/srv is on it, too" in result.stdout
    assert not (house / "state").exists()
    assert sorted(str(path) for path in hosts.standby.home.rglob("*")) == before


def test_a_wrong_plan_is_among_what_does_not_hold(tmp_path: Path) -> None:
    """The doctor ends with 3, says file and line, and makes nothing."""
    house = build(tmp_path)
    edit(house, "drills/plan.yml", "objectives", "objectivs")
    bad = failures(house, 3)
    assert "drills/plan.yml:5: services.shop.objectivs" in bad["plan and drill"]["says"]
    assert not (house / "state").exists()


def test_a_lab_that_was_never_used_is_not_made_by_looking_at_it(tmp_path: Path) -> None:
    """The doctor says that its image is missing, with the command, and leaves no folder of it."""
    house = build(tmp_path)
    edit(
        house,
        "drills/shop.yml",
        "{inventory: ../inventory.yml, hosts: standby, known_hosts: ../known_hosts}",
        "{vm: standby}",
    )
    bad = failures(house, 4)
    assert bad["standby"]["mend"] == ["pradrill lab build"]
    assert not (house / "state").exists()
