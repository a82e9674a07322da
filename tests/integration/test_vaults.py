"""What Ansible Vault has encrypted is opened with a named password, and stays as secret."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill, write

PASSWORD = "vault-Kub4-sire-9"  # noqa: S105 made up here
WHOLE = "whole-Zof1-beta-5"
INLINE = "inline-Pax7-miro-6"

RESTORE = """\
- hosts: standby
  gather_facts: false
  tasks:
    - ansible.builtin.shell:
        cmd: mkdir -p /srv/restored; cat > /srv/restored/settings
        stdin: "{{ whole }} {{ inline }}\\n"
    - ansible.builtin.debug: {msg: "{{ whole }} {{ inline }}"}
"""
CHECK = '''\
def test_settings(host):
    """The settings came back."""
    content = host.file("/srv/restored/settings").content_string.strip()
    assert content == "%s"
'''


@pytest.fixture
def house(hosts: TwoHosts, tmp_path: Path) -> Path:
    """Return a house with an encrypted file of variables, and a value encrypted in another one."""
    folder = hosts.house(tmp_path / "house")
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o600)
    (folder / "group_vars").mkdir()
    write(folder, "group_vars/standby.yml", f"whole: {WHOLE}\nport: 22\n")
    _vault(folder, "encrypt", "group_vars/standby.yml")
    inline = _vault(folder, "encrypt_string", INLINE, "--name", "inline")
    (folder / "group_vars/all.yml").write_text(f"{inline}\n")
    write(folder, "playbooks/restore.yml", RESTORE)
    write(folder, "drills/checks/shop/test_shop.py", CHECK % f"{WHOLE} {INLINE}")
    return folder


def _vault(folder: Path, *words: str) -> str:
    tool = str(Path(sys.executable).with_name("ansible-vault"))
    option = [] if "--vault-id" in words else ["--vault-password-file", "password"]
    command = [tool, *words, *option]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return result.stdout


def _name_password(folder: Path, password: str) -> None:
    edit(
        folder, "drills/shop.yml", "hosts: standby,", f"hosts: standby, vault_password: {password},"
    )


def test_an_encrypted_inventory_without_a_password_is_refused_by_validate(house: Path) -> None:
    """Each encrypted file is named with its line, and the remedy; exit 3."""
    result = pradrill(house, "validate")
    assert result.returncode == 3, result.stderr
    assert "group_vars/standby.yml:1" in result.stderr
    assert "group_vars/all.yml:1" in result.stderr
    assert "vault_password: file:" in result.stderr
    assert result.stderr.count("no password is named") >= 1


@pytest.mark.nightly
def test_a_wrong_or_missing_password_is_told_as_such(house: Path) -> None:
    """A wrong one is a mistake in the drill (3), one that cannot be read is not ready (4)."""
    _name_password(house, "'command:echo wrong-one'")
    result = pradrill(house, "validate")
    assert result.returncode == 3, result.stderr
    assert "does not open with the vault password" in result.stderr
    edit(house, "drills/shop.yml", "'command:echo wrong-one'", f"'file:{house}/none'")
    result = pradrill(house, "validate")
    assert result.returncode == 4, result.stderr
    assert f"{house}/none cannot be read" in result.stderr


def test_a_drill_opens_the_vault_and_tells_nothing_of_what_was_in_it(
    hosts: TwoHosts, house: Path
) -> None:
    """Playbook and inventory get the password; a check that shows what was encrypted is masked."""
    _name_password(house, f"'file:{house}/password'")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    check = (house / "drills/checks/shop/test_shop.py").read_text("utf-8")
    write(house, "drills/checks/shop/test_shop.py", check.replace("==", "!="))
    edit(house, "drills/shop.yml", "deadline: 1m", "deadline: 3s")
    hosts.reset()
    result = pradrill(house, "run", "shop")
    assert result.returncode == 10, result.stdout + result.stderr
    assert "********" in json.dumps(json.loads(pradrill(house, "show", "--json").stdout)["checks"])
    leaks = [path for path in (house / "state").rglob("*") if path.is_file() and _tells(path)]
    assert not leaks
    assert not any(secret in result.stdout + result.stderr for secret in (WHOLE, INLINE, PASSWORD))


def _add(house: Path, name: str, vault_id: str, password: str) -> None:
    """Put a value that is encrypted with another password beside the others."""
    words = ["--encrypt-vault-id", vault_id, "--name", name, "--vault-id", f"{vault_id}@{password}"]
    variables = house / "group_vars/all.yml"
    value = _vault(house, "encrypt_string", INLINE, *words)
    assert f";{vault_id}\n" in value
    variables.write_text(f"{variables.read_text()}{value}\n")


def _second_password(house: Path) -> str:
    second = house / "second"
    second.write_text("#!/bin/sh\necho second-Lor3-vanta-1\n")
    second.chmod(0o700)
    return str(second)


@pytest.mark.nightly
def test_vault_ids_with_different_passwords_are_opened_by_a_list(
    hosts: TwoHosts, house: Path
) -> None:
    """Each where it is needed, whatever the ids are called; a password that is printed, too."""
    (house / "group_vars/all.yml").write_text("")
    second = _second_password(house)
    _add(house, "inline", "dr", second)
    _name_password(house, f"['file:{house}/password', 'command:{second}']")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "torn-down" in hosts.standby.touched()


@pytest.mark.nightly
def test_a_value_that_no_password_opens_is_named_by_validate(house: Path) -> None:
    """In a shared inventory it may be production's own: it is told at its line, and not refused.

    Of several passwords each is tried, whatever the ids are called.
    """
    second = _second_password(house)
    _add(house, "ours", "dr", second)
    (house / "third").write_text("third-Mik8-onda-2")
    _add(house, "theirs", "prod", "third")
    variables = house / "group_vars/all.yml"
    variables.with_suffix(".yml.bak").write_text(variables.read_text())  # Ansible reads none of it
    _name_password(house, f"['file:{house}/password', 'command:{second}']")
    result = pradrill(house, "validate")
    assert result.returncode == 0, result.stdout + result.stderr
    line = variables.read_text().splitlines().index("theirs: !vault |") + 2
    assert f"{variables}:{line}: no vault_password of shop opens it" in result.stdout
    assert result.stdout.count("opens it") == 1


def _tells(path: Path) -> bool:
    content = path.read_text("utf-8", "replace")
    return any(secret in content for secret in (WHOLE, INLINE, PASSWORD))
