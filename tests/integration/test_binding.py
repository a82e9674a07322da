"""Ansible acts on the machine that was identified, or not at all: on two real hosts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent, indent

import pytest
from tests.integration.hosts.sshd import Sshd
from tests.integration.hosts.two_hosts import TwoHosts

from pradrill.adapters.ansible.binding import Binding
from pradrill.adapters.ansible.runner import AnsibleRunner
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.adapters.standbys.inventory import InventoryHosts
from pradrill.config.inventory import freeze
from pradrill.domain.run.host import Host, Inventory, Proven, Site
from pradrill.domain.run.outcome import PlaybookResult, StepOutcome
from pradrill.ports import Play


class Player:
    """Runs playbooks on the standby as a run does once it has been identified.

    Nothing is validated here: what holds, holds whatever plays and inventory say.
    """

    def __init__(self, hosts: TwoHosts, house: Path) -> None:
        self.hosts = hosts
        self.house = house
        self.away = hosts.production.server.address

    def site(self) -> Site:
        """Return the standby, identified, with the house's inventory as it is now."""
        standby = self.hosts.standby
        inventory = freeze(self.house / "inventory.yml", [self.house / "playbooks/play.yml"])
        folder = self.house / "run"
        folder.mkdir()
        standby_made = InventoryHosts([standby.server.host], inventory, self.house / "known_hosts")
        site = standby_made.start(folder, "bench", lambda _line: None)
        return site.model_copy(
            update={"proven": (Proven(host=site.hosts[0], machine_id=standby.machine_id),)}
        )

    def play(
        self, text: str, site: Site | None = None, *, controller: bool = False
    ) -> PlaybookResult:
        """Run a play."""
        (self.house / "playbooks/play.yml").write_text(dedent(text), encoding="utf-8")
        site = site or self.site()
        runner = AnsibleRunner(SteadyClock(), resolve)
        return runner.run(
            Play(self.house / "playbooks/play.yml", site, {}, {}, "bench", controller=controller),
            deadline=60,
            cancelled=lambda: False,
            say=lambda _line: None,
            evidence=self.house / "evidence",
        )

    def tasks(self, text: str, *, controller: bool = False) -> PlaybookResult:
        """Run a play of these tasks."""
        head = "- hosts: standby\n  gather_facts: false\n  tasks:\n"
        return self.play(head + indent(dedent(text), "    "), controller=controller)


@pytest.fixture
def player(hosts: TwoHosts, tmp_path: Path) -> Iterator[Player]:
    """Return a player in a house of its own; nothing may have appeared where it does not belong."""
    controller = sorted(Path("/srv").iterdir())
    yield Player(hosts, hosts.house(tmp_path))
    assert hosts.production.touched() == ["live"]
    assert sorted(Path("/srv").iterdir()) == controller


def test_whatever_is_said_of_the_connection_the_standby_is_acted_on(player: Player) -> None:
    """Inventory, variables beside the plays, plays, facts, files, blocks, tasks: none moves it."""
    away, port = player.away, player.hosts.production.server.port
    key = player.hosts.production.server.key
    inventory = player.house / "inventory.yml"
    moved = (
        f"dr_role: standby, ansible_ssh_host: {away}, ansible_ssh_port: {port}, "
        "ansible_connection: local, ansible_ssh_executable: /bin/false, ansible_password: wrong, "
        "ansible_ssh_args: -o StrictHostKeyChecking=accept-new, "
        f"ansible_ssh_common_args: -o HostName={away} -o Port={port}, "
        "ansible_sftp_executable: /bin/false, ansible_control_path: /tmp/none, "
        f"\"delegated_vars['ansible_host']\": {away}"
    )
    lines = inventory.read_text().replace("dr_role: standby", moved.replace(", ", "\n      "), 1)
    inventory.write_text(lines)
    for name in ("group_vars/all.yml", "host_vars/web-dr.yml"):
        path = player.house / "playbooks" / name
        path.parent.mkdir()
        path.write_text(f"ansible_connection: local\nansible_host: {away}\nansible_port: {port}\n")
    (player.house / "playbooks/moved.yml").write_text(
        f"ansible_host: {away}\nansible_port: {port}\nansible_ssh_private_key_file: {key}\n"
        f"\"delegated_vars['ansible_host']\": {away}\n"
        f"\"delegated_vars['ansible_ssh_host']\": {away}\n"
    )
    result = player.play(f"""\
        - hosts: standby
          gather_facts: false
          connection: local
          port: {port}
          remote_user: nobody
          vars: {{ansible_host: {away}, ansible_port: {port}, ansible_connection: local}}
          tasks:
            - ansible.builtin.raw: touch /srv/play
            - ansible.builtin.set_fact:
                ansible_host: {away}
                ansible_port: {port}
                ansible_connection: local
                ansible_ssh_common_args: -o HostName={away} -o StrictHostKeyChecking=no
            - ansible.builtin.raw: touch /srv/fact
            - ansible.builtin.include_vars: moved.yml
            - ansible.builtin.raw: touch /srv/file
            - connection: local
              block:
                - ansible.builtin.copy: {{content: x, dest: /srv/block}}
            - ansible.builtin.command: touch /srv/task
              vars:
                ansible_connection: local
                ansible_ssh_executable: /bin/false
                ansible_ssh_extra_args: -o HostName={away} -o Port={port}
        """)
    assert result.outcome is StepOutcome.PASSED, result
    assert player.hosts.standby.touched() == ["block", "fact", "file", "play", "task"]


ELSEWHERE = {
    "another host": "- {command: touch /srv/x, delegate_to: web-prod, ignore_errors: true, "
    "ignore_unreachable: true}",
    "the controller, unlogged": "- {raw: touch /srv/x, delegate_to: localhost, no_log: true, "
    "ignore_unreachable: true}",
    "a loop of templates": '- {raw: touch /srv/x, delegate_to: "{{ item }}", '
    'loop: [web-dr, "127.0.0.1"], ignore_unreachable: true}',
    "an action here": "- {local_action: command touch /srv/x}",
    "facts of another host": "- {set_fact: {x: 1}, delegate_to: web-prod, delegate_facts: true}",
}


@pytest.mark.parametrize("task", list(ELSEWHERE.values()), ids=list(ELSEWHERE))
def test_delegation_that_was_not_declared_ends_the_play(player: Player, task: str) -> None:
    """It is acted on nowhere, it is told, and what comes after it does not pass."""
    result = player.tasks(task)
    assert result.outcome is StepOutcome.UNKNOWN, result
    assert "which is none of the drill's hosts" in result.detail.text
    assert player.hosts.standby.touched() in ([], ["x"])  # a loop may begin with the standby


def test_a_host_that_a_play_makes_is_not_acted_on(player: Player) -> None:
    """add_host leads nowhere: not by delegation, and not in a play of its own."""
    result = player.play(f"""\
        - hosts: standby
          gather_facts: false
          tasks:
            - ansible.builtin.add_host: {{name: new, groups: new, ansible_host: {player.away}}}
        - hosts: new
          gather_facts: false
          tasks: [{{ansible.builtin.raw: touch /srv/x}}]
        - hosts: standby
          gather_facts: false
          tasks: [{{ansible.builtin.raw: touch /srv/x, delegate_to: new}}]
        """)
    assert result.outcome is StepOutcome.UNKNOWN
    assert "delegated to new" in result.detail.text
    assert player.hosts.standby.touched() == []


PLUGIN = """\
import pathlib
pathlib.Path({witness!r}).touch()
from ansible.plugins.{module} import *
"""
MODULES = {
    "connection/ssh": "connection.local",
    "strategy/linear": "strategy.free",
    "shell/sh": "shell.sh",
    "become/sudo": "become.sudo",
    "callback/default": "callback.default",
    "vars/all": "vars.host_group_vars",
    "cache/memory": "cache.memory",
    "action/raw": "action.raw",
}


def test_a_collection_beside_the_playbook_is_loaded_for_who_names_it(player: Player) -> None:
    """None of its plugins takes the place of Ansible's own, whatever their names are."""
    collection = player.house / "playbooks/collections/ansible_collections/away/away"
    witness = player.house / "loaded"
    for name, module in MODULES.items():
        path = collection / f"plugins/{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PLUGIN.format(witness=str(witness), module=module), encoding="utf-8")
    result = player.play("""\
        - hosts: standby
          gather_facts: false
          collections: [away.away]
          connection: away.away.ssh
          tasks:
            - ansible.builtin.raw: touch /srv/raw
            - ansible.builtin.command: touch /srv/command
              become: true
              vars: {ansible_connection: away.away.ssh}
        """)
    assert result.outcome is StepOutcome.PASSED, result
    assert player.hosts.standby.touched() == ["command", "raw"]
    assert not witness.exists()


def test_the_controller_is_acted_on_where_the_drill_says_so(player: Player) -> None:
    """Declared, delegation to this machine works under each of its names, and on no other."""
    for name in ("one", "two", "three"):
        assert not (player.house / name).exists()
    result = player.play(
        f"""\
        - hosts: standby
          gather_facts: false
          tasks:
            - {{ansible.builtin.command: touch {player.house}/one, delegate_to: localhost}}
            - {{ansible.builtin.command: touch {player.house}/two, delegate_to: 127.0.0.1}}
            - ansible.builtin.raw: touch /srv/there
        - hosts: localhost
          gather_facts: false
          tasks: [{{ansible.builtin.command: touch {player.house}/three}}]
        """,
        controller=True,
    )
    assert result.outcome is StepOutcome.PASSED, result
    assert all((player.house / name).exists() for name in ("one", "two", "three"))
    assert player.hosts.standby.touched() == ["there"]


def test_each_proven_host_is_delegated_to_at_its_own_address(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """Two hosts of one drill may do each other's tasks; each stays the machine that it is."""
    player = Player(hosts, hosts.house(tmp_path))
    site = player.site()
    other = hosts.production.server.host.model_copy(update={"name": "web-prod"})
    proven = (*site.proven, Proven(host=other, machine_id=hosts.production.machine_id))
    site = site.model_copy(update={"proven": proven})
    with site.known_hosts.open("a", encoding="utf-8") as pins:
        pins.write(hosts.production.server.known_hosts.read_text())
    result = player.play(
        """\
        - hosts: standby
          gather_facts: false
          tasks:
            - {ansible.builtin.raw: touch /srv/there, delegate_to: web-prod}
            - ansible.builtin.raw: touch /srv/here
        """,
        site,
    )
    assert result.outcome is StepOutcome.PASSED, result
    assert hosts.standby.touched() == ["here"]
    assert hosts.production.touched() == ["live", "there"]


def test_another_machine_behind_the_address_is_not_acted_on(player: Player) -> None:
    """Ansible's own path must lead to the machine-id that identity saw, before anything else."""
    site = player.site()
    other = Proven(host=site.hosts[0], machine_id="0" * 32)
    result = player.play(
        "- hosts: standby\n  tasks: [{raw: touch /srv/x}]\n",
        site.model_copy(update={"proven": (other,)}),
    )
    assert result.outcome is StepOutcome.UNKNOWN
    assert "does not reach the machine that was identified as web-dr" in result.detail.text
    assert player.hosts.standby.touched() == []


def test_another_machine_after_the_playbook_is_seen(player: Player) -> None:
    """The machine-id is read again at the end: a change, or no answer, is not passed over."""
    id_file = player.hosts.standby.home / "machine-id"
    content = id_file.read_text()
    try:
        result = player.tasks("- raw: echo 0123 > /etc/machine-id")
    finally:
        id_file.write_text(content)
    assert result.outcome is StepOutcome.UNKNOWN
    assert "does not reach the machine" in result.detail.text


def test_a_host_that_nobody_identified_is_not_acted_on(player: Player) -> None:
    """Without an identity no playbook starts."""
    site = player.site().model_copy(update={"proven": ()})
    with pytest.raises(Exception, match="web-dr was never identified"):
        player.play("- hosts: standby\n", site)


def test_frozen_is_what_ansible_had_of_the_inventory(hosts: TwoHosts, tmp_path: Path) -> None:
    """Groups, other hosts, templates, and the inventory's own place are as they were."""
    player = Player(hosts, hosts.house(tmp_path))
    extra = "dr_role: standby\n      greeting: 'from {{ inventory_dir }}'"
    text = (player.house / "inventory.yml").read_text().replace("dr_role: standby", extra, 1)
    (player.house / "inventory.yml").write_text(text)
    path = player.house / "playbooks/group_vars/standby.yml"
    path.parent.mkdir()
    path.write_text("beside: plays\n")
    site = player.site()
    (player.house / "inventory.yml").write_text("standby: {}\n")
    result = player.play(
        """\
        - hosts: standby
          gather_facts: false
          tasks:
            - ansible.builtin.set_stats:
                per_host: false
                data:
                  said: "{{ greeting }} {{ beside }} {{ groups.production[0] }}"
        """,
        site,
    )
    assert result.values == {"said": f"from {player.house} plays web-prod"}, result


def test_an_address_is_looked_up_once_and_one_key_stays(
    sshd: Sshd, another_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    """A name becomes the address that answers; of its pinned keys the one that was seen stays."""
    host = Host.model_validate({**sshd.host.model_dump(), "address": "localhost", "user": None})
    pins = tmp_path / "pins"
    other = another_sshd().host_key
    pins.write_text(f"[localhost]:{sshd.port} {sshd.host_key}\n[localhost]:{sshd.port} {other}\n")
    standby = InventoryHosts([host], Inventory(content={}), pins)
    folder = tmp_path / "run"
    folder.mkdir()
    site = standby.start(folder, "bench", lambda _line: None)
    assert site.hosts[0].address == "127.0.0.1"
    assert other in site.known_hosts.read_text()
    probe = SshProbe(SteadyClock(), resolve)
    bound = standby.bind(site, [probe.facts(site.hosts[0], site)])
    probe.close()
    key = " ".join(sshd.host_key.split()[:2])
    assert bound.known_hosts.read_text() == f"[127.0.0.1]:{sshd.port} {key}\n"
    assert bound.proven[0].machine_id == Path("/etc/machine-id").read_text().strip()
    assert standby.stop("bench") == []


def test_every_variable_that_leads_ssh_is_forced(site: Site, tmp_path: Path) -> None:
    """Ansible's own word on its SSH connection: a variable is forced, or cannot lead anywhere."""
    command = Path(sys.executable).with_name("ansible-doc")
    result = subprocess.run(
        [command, "-t", "connection", "ssh", "--json"], capture_output=True, check=True, text=True
    )
    options = json.loads(result.stdout)["ssh"]["doc"]["options"]
    names = {each["name"] for option in options.values() for each in option.get("vars", ())}
    leads_nowhere = {
        *("inventory_hostname", "ansible_pipelining", "ansible_ssh_pipelining"),
        *("ansible_sftp_batch_mode", "ansible_sshpass_prompt", "ansible_ssh_password_mechanism"),
        *("ansible_ssh_retries", "ansible_ssh_timeout", "ansible_ssh_transfer_method"),
        *("ansible_ssh_use_tty", "ansible_ssh_verbosity"),
    }
    names -= leads_nowhere
    forced = Binding(Play(tmp_path / "play.yml", site, {}, {}, "bench"), tmp_path).variables({})
    assert names <= forced.keys()
