"""`pradrill validate` has Ansible look at the playbooks: modules, roles, whom a play reaches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.house import DRILL, INVENTORY, PLAY, build, edit, pradrill, write


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a valid house with a production host in its inventory."""
    build(tmp_path)
    write(tmp_path, "inventory.yml", f"{INVENTORY}production: {{hosts: {{web-prod: {{}}}}}}\n")
    return tmp_path


def problems(house: Path) -> list[str]:
    """Return the lines that validate prints when it refuses, hints left out."""
    result = pradrill(house, "validate")
    assert (result.returncode, result.stdout) == (3, ""), result.stdout + result.stderr
    return [line for line in result.stderr.splitlines() if "HINT" not in line]


@pytest.mark.nightly
def test_unknown_modules_and_plays_that_reach_nobody_are_told_at_once(house: Path) -> None:
    """A module, one in a role and in an included file, a group, a production: each with its line.

    What the drill hands over counts in `hosts`, and a play for the controller reaches somebody.
    """
    write(
        house,
        "playbooks/restore.yml",
        """\
        - hosts: standby
          tasks:
            - name: a spelling
              ansible.builtin.comand: "true"
        """,
    )
    write(
        house,
        "playbooks/teardown.yml",
        """\
        - hosts: localhost
          tasks: [{ansible.builtin.debug: {}}]
        - name: the data
          hosts: databases
          tasks: [{ansible.builtin.debug: {}}]
        - hosts: production
          tasks: [{ansible.builtin.debug: {}}]
        - hosts: web-*
          tasks: [{ansible.builtin.debug: {}}]
        """,
    )
    write(
        house,
        "playbooks/role.yml",
        """\
        - hosts: "{{ target }}"
          roles: [shop]
        """,
    )
    (house / "playbooks/roles/shop/tasks").mkdir(parents=True)
    write(house, "playbooks/roles/shop/tasks/main.yml", "- nobody.has.this: {}\n")
    write(
        house,
        "playbooks/given.yml",
        """\
        - hosts: "{{ target }}"
          tasks:
            - ansible.builtin.include_tasks: tasks/later.yml
            - ansible.builtin.include_role: {name: late}
        """,
    )
    (house / "playbooks/tasks").mkdir()
    write(house, "playbooks/tasks/later.yml", "- ansible.builtin.debug: {}\n- unheard_of: {}\n")
    (house / "playbooks/roles/late/tasks").mkdir(parents=True)
    write(house, "playbooks/roles/late/tasks/main.yml", "- name: x\n  unheard_too: {}\n")
    more = "{playbook: ../playbooks/PB.yml, vars: {target: standby}}"
    steps = ", ".join(more.replace("PB", name) for name in ("role", "given"))
    edit(house, "drills/shop.yml", "deadline: 2m}", f"deadline: 2m}}, {steps}")
    edit(house, "drills/shop.yml", "teardown.yml}", "teardown.yml, controller: true}")

    messages = problems(house)
    for expected in (
        "playbooks/restore.yml:3: Ansible says: couldn't resolve module/action",
        "playbooks/roles/shop/tasks/main.yml:1: Ansible says: couldn't resolve module/action",
        "playbooks/tasks/later.yml:2: Ansible says: couldn't resolve module/action",
        "playbooks/roles/late/tasks/main.yml:1: Ansible says: couldn't resolve module/action",
        "playbooks/teardown.yml:4: the play's hosts, 'databases', match nothing in the standby",
        "playbooks/teardown.yml:6: the play's hosts, 'production', match nothing in the standby",
    ):
        assert [line for line in messages if line.startswith(expected)], (expected, messages)
    assert len(messages) == 6, messages


@pytest.mark.nightly
def test_what_is_in_a_vault_is_looked_at_with_its_password(house: Path) -> None:
    """Tasks that the drill's password opens are read as others are; those of others are told."""
    (house / "password").write_text("xxxx\n")
    (house / "password").chmod(0o600)
    known_hosts = "known_hosts: ../known_hosts"
    replacement = f"{known_hosts}, vault_password: 'file:{house}/password'"
    edit(house, "drills/shop.yml", known_hosts, replacement)
    for name, text in (("group_vars", "target: standby\n"), ("tasks", "- ping: {}\n")):
        (house / "playbooks" / name).mkdir()
        _encrypt(house, house / f"playbooks/{name}/all.yml", text, "password")
    play = "- hosts: standby\n  tasks: [{import_tasks: tasks/all.yml}]\n"
    write(house, "playbooks/restore.yml", play)
    result = pradrill(house, "validate")
    assert (result.returncode, result.stderr) == (0, "")
    assert "not looked at" not in result.stdout
    tasks = house / "playbooks/tasks/all.yml"
    _encrypt(house, tasks, "- pnig: {}\n", "password")
    result = pradrill(house, "validate")
    assert result.returncode == 3
    assert "playbooks/tasks/all.yml:1: Ansible says: couldn't resolve module" in result.stderr
    (house / "another").write_text("yyyy\n")
    _encrypt(house, tasks, "- ping: {}\n", "another")
    result = pradrill(house, "validate")
    assert (result.returncode, result.stderr) == (0, "")
    for name in ("restore.yml", "tasks/all.yml"):
        assert f"{name}: not looked at by Ansible: its vault password is needed" in result.stdout


def _encrypt(house: Path, path: Path, text: str, password: str) -> None:
    path.write_text(text)
    vault = str(Path(sys.executable).with_name("ansible-vault"))
    words = ["encrypt", "--vault-password-file", str(house / password), str(path)]
    subprocess.run([vault, *words], check=True, capture_output=True)


def test_modules_beside_a_playbook_and_in_a_role_are_known(house: Path) -> None:
    """What lies in library/ of the playbook or of a role is no unknown module, included or not.

    A file that is chosen as the play runs may be for other machines, and is no problem.
    """
    for folder in ("library", "roles/late/library", "roles/late/tasks", "tasks"):
        (house / "playbooks" / folder).mkdir(parents=True)
    write(house, "playbooks/library/ours.py", "")
    write(house, "playbooks/roles/late/library/its_own.py", "")
    write(house, "playbooks/roles/late/tasks/main.yml", "- its_own: {}\n- import_tasks: more.yml\n")
    write(house, "playbooks/roles/late/tasks/more.yml", "- ours: {}\n")
    write(house, "playbooks/tasks/Plan9.yml", "- plan9.base.cpu: {}\n- of_plan9: {}\n")
    write(house, "playbooks/tasks/later.yml", "- ours: {}\n- include_role: {name: late}\n")
    write(
        house,
        "playbooks/restore.yml",
        "- hosts: all\n  tasks: [{include_tasks: tasks/later.yml}]\n",
    )
    result = pradrill(house, "validate")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_big_house_is_asked_for_at_once(house: Path) -> None:
    """Thirty drills with their own playbooks and one inventory are looked at, and valid."""
    for number in range(30):
        name = f"shop-{number}"
        write(house, f"playbooks/{name}.yml", PLAY)
        text = DRILL.replace("drill: shop", f"drill: {name}")
        write(house, f"drills/{name}.yml", text.replace("restore.yml", f"{name}.yml"))
    result = pradrill(house, "validate")
    assert result.returncode == 0, result.stderr
    assert "its 31 drills are valid" in result.stdout
