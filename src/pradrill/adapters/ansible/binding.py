"""Bind Ansible to the machines that were proven, whatever its inventory and its plays say.

Everything that leads a connection is an extra variable, which nothing outranks. Its value is
looked up by a host variable whose name is made up for each play: so that each host, also one that
a task is delegated to, is led to its own address, and one that was not proven to nowhere.

The machine's own id is read by plays of ours before and after the user's, in the same process:
through the path that their tasks take.
"""

from __future__ import annotations

import json
import re
import secrets
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pradrill.domain.run.host import Host, Site
from pradrill.domain.run.ssh_config import jump_option
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.ports import Play

CONTROLLER = ("localhost", "127.0.0.1", "::1")
"""The names under which Ansible knows the machine that it runs on."""

MARKED_SSH = Path(__file__).with_name("marked_ssh")
MARKED_SSH_POSIX = Path(__file__).with_name("marked_ssh_posix")
"""Where all is not thrown away: ssh whose commands carry the run's mark."""

_HOME_TMP = "~/.ansible/tmp"
_NOWHERE = {
    "connection": "ansible.builtin.ssh",
    "address": "255.255.255.255",
    "port": 1,
    "user": "nobody",
    "key": "",
    "ssh": "ssh",
    "options": "",
    "tmp": _HOME_TMP,
    "password": "",
}
_HERE = {**_NOWHERE, "connection": "ansible.builtin.local", "address": "127.0.0.1"}

_CONNECTION = {
    "ansible_connection": "connection",
    "ansible_host": "address",
    "ansible_ssh_host": "address",
    "delegated_vars['ansible_host']": "address",  # a name of its own, which counts last of all
    "delegated_vars['ansible_ssh_host']": "address",
    "ansible_port": "port",
    "ansible_ssh_port": "port",
    "ansible_user": "user",
    "ansible_ssh_user": "user",
    "ansible_private_key_file": "key",
    "ansible_ssh_private_key_file": "key",
    "ansible_ssh_executable": "ssh",
    "ansible_ssh_common_args": "options",
}
_CONNECTING = "-o ConnectTimeout=10"
"""Seconds in which a host must answer: Ansible would wait as long as for sudo's prompt."""

_PASSWORDS = ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass")
"""Every name of what sudo asks for: it goes to the hosts that were identified, and nowhere else."""
_FIXED: dict[str, Any] = {
    "ansible_host_key_checking": True,
    "ansible_ssh_host_key_checking": True,
    "ansible_ssh_extra_args": "",
    "ansible_sftp_extra_args": "",
    "ansible_scp_extra_args": "",
    "ansible_sftp_executable": "sftp",
    "ansible_scp_executable": "scp",
    "ansible_password": "",
    "ansible_ssh_pass": "",
    "ansible_ssh_password": "",
    "ansible_private_key": "",
    "ansible_ssh_private_key": "",
    "ansible_private_key_passphrase": "",
    "ansible_ssh_private_key_passphrase": "",
    "ansible_ssh_pkcs11_provider": "",
    "ansible_control_path": "",
    "ansible_control_path_dir": "",
}
_ARROW = re.compile(r"^\w+: \[[^\]\n]*? -> ([^\](\n]+)", re.MULTILINE)
"""How Ansible tells to whom a task was delegated, whatever became of it and also with no_log."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

HostAnswer = tuple[str, str]
"""A host, and what it said its machine-id is."""


class Binding:
    """What binds one play: variables, an inventory beside the site's, and our own plays.

    Its hosts are known by name from the start; which machines they are, once it `acts_on` them.
    """

    def __init__(self, play: Play, folder: Path) -> None:
        self._play = play
        self._machine_ids: dict[str, str] = {}
        self._prefix = f"pradrill_{secrets.token_hex(8)}"
        self.inventory = folder / "own.json"
        self.identity = folder / "identity.yml"

    def write(self) -> None:
        """Write the play of ours and the inventory that tells each host from the others."""
        site = self._play.site
        names = [*(host.name for host in site.hosts), *site.others]
        hosts = {name: {self._prefix: name} for name in names}
        self.inventory.write_text(json.dumps({"all": {"hosts": hosts}}), encoding="utf-8")
        self.identity.write_text(json.dumps([_identity(self._prefix)]), encoding="utf-8")

    def acts_on(self, site: Site) -> None:
        """Take what was proven of its hosts by now."""
        self._play = self._play._replace(site=site)
        self._machine_ids = {each.host.name: each.machine_id for each in site.proven}

    def variables(self, passwords: Mapping[str, str]) -> dict[str, Any]:
        """Return the extra variables that lead every connection.

        `passwords`: host → what sudo asks for there, where the drill names it.
        """
        site = self._play.site
        hosts: dict[str, Mapping[str, Any]] = {
            proven.host.name: {
                **_connection_of(proven.host),
                "machine_id": proven.machine_id,
                "ssh": _ssh(site, posix=proven.posix),
                "tmp": proven.host.remote_tmp or proven.scratch or _HOME_TMP,
                "password": b64encode(passwords.get(proven.host.name, "").encode()).decode(),
            }
            for proven in site.proven
        }
        if self._play.controller:  # Ansible's own short name of 127.0.0.1 is 127
            names = (*CONTROLLER, "127")
            hosts |= {name: {**hosts.get(name, {}), **_HERE} for name in names}
        table = f"{self._prefix}_led"
        one = (
            f"({table}[{self._prefix} | default(inventory_hostname_short)] | default({table}['']))"
        )

        return {
            table: {**hosts, "": _NOWHERE},
            **{name: f"{{{{ {one}.{part} }}}}" for name, part in _CONNECTION.items()},
            # In its disguise, or braces in a password would be a template of Ansible's.
            **{name: f"{{{{ {one}.password | b64decode }}}}" for name in _PASSWORDS if passwords},
            # As the inventory has it, unless a host needs another one.
            **({"ansible_remote_tmp": f"{{{{ {one}.tmp }}}}"} if _lacks_home(site) else {}),
            **_FIXED,
            "ansible_ssh_args": f'-F "{site.ssh_config}" {_CONNECTING}',
        }

    def limit(self) -> str:
        """Return the hosts that plays may act on."""
        names = [host.name for host in self._play.site.hosts]
        return ",".join([*names, "localhost"] if self._play.controller else names)

    def stray(self, event: Mapping[str, Any]) -> Reason | None:
        """Say which machine an event is of that the play has nothing to do with; or nothing."""
        data = event.get("event_data") or {}
        host = data.get("host")
        allowed = {*self._machine_ids, *(CONTROLLER if self._play.controller else ())}
        if host and host not in allowed:
            return reason(Code.TASK_OF_STRANGER, host=host)

        arrow = _ARROW.search(_COLOUR.sub("", str(event.get("stdout") or "")))
        other = arrow[1].strip() if arrow else ""
        if other and other not in allowed and "{{" not in other:
            return reason(Code.TASK_DELEGATED, host=other)

        return None

    def is_own(self, data: Mapping[str, Any]) -> bool:
        """Tell whether an event is of our own plays."""
        return str(data.get("task_path", "")).startswith(f"{self.identity}:")

    def answer(self, data: Mapping[str, Any]) -> HostAnswer:
        """Return which machine answered our own play's task."""
        host, result = str(data.get("host", "")), data.get("res") or {}
        output = str(result.get("stdout", "")).strip()
        machine_id = self._machine_ids.get(host)
        return host, machine_id if machine_id and output.endswith(machine_id) else output

    def differs(self, answer: HostAnswer) -> Reason | None:
        """Say that another machine answered than the one that was proven; or nothing."""
        host, machine_id = answer
        if machine_id == self._machine_ids.get(host):
            return None
        return reason(Code.OTHER_MACHINE, host=host)


def _lacks_home(site: Site) -> bool:
    return any(each.scratch for each in site.proven)


def _ssh(site: Site, *, posix: bool) -> str:
    if not site.run_id:
        return "ssh"
    return str(MARKED_SSH_POSIX if posix else MARKED_SSH)


def _connection_of(host: Host) -> dict[str, Any]:
    return {
        "connection": "ansible.builtin.ssh",
        "address": host.address,
        "port": host.port,
        "user": host.user or "",
        "key": str(host.private_key or ""),
        "options": f"-o {option}" if (option := jump_option(host)) else "",
    }


def _identity(prefix: str) -> dict[str, Any]:
    """Return the play that reads which machine it is, and ends everything on another one."""
    answer = f"{prefix}_answer"
    return {
        "name": "Identify the machine",
        "hosts": "all",
        "gather_facts": False,
        "any_errors_fatal": True,
        "strategy": "ansible.builtin.linear",
        "tasks": [
            {
                "name": "Read the machine-id",
                "ansible.builtin.raw": "cat /etc/machine-id",
                "register": answer,
                "changed_when": False,
                # A login's shell may greet before, with a line of its own or without.
                "failed_when": f"not ({answer}.stdout | default('') | trim)"
                f".endswith({prefix}_led[inventory_hostname].machine_id)",
            }
        ],
    }


def unproven(site: Site) -> list[str]:
    """Return the hosts of a site that nobody has identified in this run."""
    proven = {each.host for each in site.proven}
    return [host.name for host in site.hosts if host not in proven]
