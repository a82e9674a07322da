"""Refuse whatever would lead Ansible elsewhere than to the machines that are proven.

A run forces every connection all the same (adapters/ansible/binding.py). Here it is said in words,
at its line, before anything is touched.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from pradrill.config.checks.play_texts import (
    CONTROLLER,
    PLUGINS,
    goes_on,
    lookup_problems,
    play_problems,
    plugin_folder,
)
from pradrill.config.inventory import BESIDE, files_of, variables_of
from pradrill.config.jumps import ARGUMENTS, is_jump
from pradrill.config.loader import Document, Loc
from pradrill.config.once import once
from pradrill.config.playbook_inputs import around
from pradrill.config.problems import Problem
from pradrill.config.template_actions import is_template
from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.playbook_step import PlaybookStep
from pradrill.domain.run.host import Host

_FAMILIES = (
    *("connection", "host", "port", "user", "password", "pass", "private", "pipelining", "timeout"),
    *("ssh", "paramiko", "scp", "sftp", "sshpass", "control", "winrm", "psrp", "network"),
    *("netconf", "httpapi", "persistent", "remote", "shell", "executable", "async", "delegated"),
    *("become", "sudo", "su", "doas", "dzdo", "ksu", "pbrun", "pfexec", "pmrun", "runas", "sesu"),
    *("machinectl", "docker", "podman", "buildah", "kubectl", "oc", "lxc", "lxd", "incus"),
    *("libvirt", "chroot", "jail", "iocage", "zone", "qubes", "saltstack", "vmware", "aws"),
)
_STEERS = re.compile(
    rf"(?i)ansible_(?:{'|'.join(_FAMILIES)})(?:_\w+)?|ansible_\w+_(?:interpreter|executable)"
    r"|delegated_vars\W.*"
)
"""Names that Ansible reads on its way to a machine; all others are facts and people's own."""

_QUIET_ONES = frozenset(
    {
        *("ansible_connection", "ansible_remote_tmp", "ansible_async_dir", "ansible_shell_type"),
        *("ansible_pipelining", "ansible_ssh_pipelining", "ansible_ssh_use_tty"),
        *("ansible_timeout", "ansible_ssh_timeout", "ansible_ssh_retries"),
        *("ansible_ssh_transfer_method", "ansible_python_interpreter"),
        *("ansible_become", "ansible_become_method", "ansible_become_user"),
        *("ansible_become_pass", "ansible_become_password", "ansible_become_flags"),
        *("ansible_become_exe", "ansible_sudo_exe", "ansible_su_exe", "ansible_doas_exe"),
    }
)
_FACTS = re.compile(
    r"ansible_(?:user_(?:id|dir|uid|gid|gecos|shell)|ssh_host_key_\w+|\w+_interpreter)"
)
"""Of these families, but what is said there of a machine, or runs on it."""
_ONLY = {
    "ansible_connection": {"ssh", "smart", "ansible.builtin.ssh"},
    "ansible_shell_type": {"sh"},
}
"""Variables that are allowed with these values alone."""
_LEADS = (
    *("ansible_host", "ansible_port", "ansible_user"),
    *("ansible_private_key_file", "ansible_ssh_private_key_file"),
    ARGUMENTS,
)
"""Allowed in the inventory, where the guards see them; nowhere else."""
_HINT = (
    "Lead to the standby with ansible_host, ansible_port, ansible_user and "
    "ansible_ssh_private_key_file in the inventory alone; by a jump host with "
    "ansible_ssh_common_args: -J BASTION, there too."
)
_HINT_OF_ARGUMENTS = (
    "Leave the jump hosts alone there, as -J BASTION; that is what ProxyCommand='ssh -W %h:%p "
    "BASTION' does, too. Host keys are pinned before, and always checked."
)
_OF_SUDO = re.compile(r"ansible_(?:become|sudo|su|doas)_\w+")
_HINT_OF_SUDO = "Write ansible_become: true, and ansible_become_user, in the inventory."
_OF_LOGINS = re.compile(r"(?i)ansible_(?:ssh_)?pass(?:word)?")
_HINT_OF_LOGINS = (
    "Give the login a key (ssh-copy-id), name it in ansible_ssh_private_key_file, and take the "
    "variable out."
)
_SETTINGS = re.compile(
    r"^\s*(transport|remote_port|remote_user|private_key_file|host_key_checking|executable|"
    r"strategy|(?:action|become|callback|connection|shell|strategy|vars)_plugins)\s*=",
)
_QUIET = re.compile(
    r"^\s*(?:(?:pipelining|retries|timeout|connect_timeout|command_timeout|transfer_method|usetty|"
    r"scp_if_ssh|sftp_batch_mode|control_path_dir|look_for_keys)\s*=|"
    r"ssh_args\s*=(?:\s*(?:-C|-o\s*(?:Control(?:Master|Persist)|Compression|ServerAlive\w+)=\w+))*"
    r"\s*$)"
)
"""Settings of connections that make them faster or more patient, and lead nowhere."""
_SECTIONS = {"ssh_connection", "paramiko_connection", "connection", "persistent_connection"}


def allowed(name: str, value: object = None, *, inventory: bool = False) -> bool:
    """Tell whether a variable may be set: one that Ansible reads may not lead a connection."""
    if not _STEERS.fullmatch(name):
        return True
    if name in _LEADS and name != ARGUMENTS:
        return inventory
    if name == ARGUMENTS:
        return inventory and is_jump(value)
    if name in _ONLY and value is not None:
        return str(value) in _ONLY[name]
    quiet = name in _QUIET_ONES or _FACTS.fullmatch(name) is not None
    return quiet and not goes_on(str(value))


def connection_problems(
    document: Document, drill: Drill, hosts: tuple[Host, ...]
) -> Iterator[Problem]:
    """Find what leads a connection: in variables, plays and what they take in, and settings."""
    yield from _of_steps(document)
    if hosts and drill.standby.inventory_file is not None:
        yield from _of_inventory(document, drill, hosts, drill.standby.inventory_file)
    steps = [
        step
        for way in drill.ways.values()
        for step in (*way.prepare, *way.restore, *way.teardown)
        if isinstance(step, PlaybookStep)
    ]

    login = pwd.getpwuid(os.geteuid()).pw_name  # as whom SSH logs in where nobody says it
    logins = {host.user or login for host in hosts} or {"root"}

    names = {host.name for host in hosts} | set(drill.standby.names)
    if (here := sorted(names & CONTROLLER)) and any(step.controller for step in steps):
        message = f"{here[0]} is the standby's name, and Ansible's own of the controller"
        hint = "Give the host another name, or leave out controller: true."
        yield document.problem(("standby", "hosts"), message, hint)
    playbooks: dict[Path, bool] = {}
    for step in steps:
        playbooks[step.playbook] = playbooks.get(step.playbook, False) or step.controller

    for folder in sorted({path.parent for path in playbooks}):
        its = tuple(each for each in playbooks.items() if each[0].parent == folder)
        yield from _of_plays(folder, its, frozenset(names), frozenset(logins))


@once
def _of_plays(
    folder: Path,
    playbooks: tuple[tuple[Path, bool], ...],
    names: frozenset[str],
    logins: frozenset[str | None],
) -> tuple[Problem, ...]:
    """Look at playbooks of a folder, and at what they take in; each: whether for the controller."""
    return tuple(_in_folder(folder, dict(playbooks), names, logins))


def _in_folder(
    folder: Path,
    playbooks: dict[Path, bool],
    names: Collection[str],
    logins: Collection[str | None],
) -> Iterator[Problem]:
    controller = any(playbooks.values())
    included = [file.path for file in around(playbooks, (), ()).files]
    yield from _of_settings(folder)

    for path in dict.fromkeys([*playbooks, *included]):
        inside = Path(os.path.relpath(path, folder))  # where the folder itself lies is no kind
        if plugin := plugin_folder(inside):
            message = f"{plugin} beside a playbook can lead it elsewhere"
            yield Problem(path, 1, "", message, PLUGINS)
        elif path in playbooks or _is_read(inside):
            may = playbooks.get(path, controller)
            yield from play_problems(path, allowed, names, logins, controller=may)
        elif "templates" in inside.parts[:-1] and not controller:
            yield from lookup_problems(path, path.read_text("utf-8", "replace"))


def _is_read(inside: Path) -> bool:
    """Tell whether a file holds plays, tasks or variables; those of hosts Ansible itself lists."""
    parts = set(inside.parts[:-1])
    apart = {*BESIDE, "files", "templates", "library", "module_utils", "collections"}
    variables = {"vars", "defaults"} & parts
    return not apart & parts and (
        bool(variables) or inside.suffix in {".yml", ".yaml", ".json", ""}
    )


def _of_steps(document: Document) -> Iterator[Problem]:
    """Look at what the drill itself gives to its playbooks, each step and all of them."""
    for loc, step in (((), document.content), *_steps(document.content, ())):
        for part in ("vars", "secrets"):
            variables = step.get(part)
            for name, value in variables.items() if isinstance(variables, dict) else ():
                if not allowed(str(name), value if part == "vars" else None):
                    yield document.problem((*loc, part, name), *_refusal(str(name)))


def _steps(value: object, loc: Loc) -> Iterator[tuple[Loc, dict[Any, Any]]]:
    if isinstance(value, dict) and "playbook" in value:
        yield loc, value
    elif isinstance(value, dict | list):
        for part, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _steps(inner, (*loc, part))


def _of_inventory(
    document: Document, drill: Drill, hosts: tuple[Host, ...], inventory: Path
) -> Iterator[Problem]:
    """Look at the variables that Ansible itself has for the hosts, for each folder of plays."""
    names = [host.name for host in hosts]
    jumps = {host.name: host.jump for host in hosts}
    base = variables_of(inventory, names)

    folders = sorted({playbook.parent for playbook in drill.playbooks()})
    refusals: set[tuple[str, str]] = set()
    for folder in (None, *folders):
        for host, variables in variables_of(inventory, names, folder).items():
            moved = {name for name in _LEADS if variables.get(name) != base[host].get(name)}
            jump = jumps.get(host)
            for name, value in variables.items():
                if name == ARGUMENTS and jump and is_template(value) and name not in moved:
                    continue  # Ansible made of it what is no more than that
                refused = name in moved or not allowed(name, value, inventory=True)
                if refused and (name, str(value)) not in refusals:
                    refusals.add((name, str(value)))
                    files = (
                        [*_beside(folder)] if folder else [inventory, *_beside(inventory.parent)]
                    )
                    yield from _places(document, files, name, value, host)


def _beside(folder: Path) -> Iterator[Path]:
    for name in BESIDE:
        yield from sorted(path for path in (folder / name).rglob("*") if path.is_file())


def _places(
    document: Document, files: Collection[Path], name: str, value: object, host: str
) -> Iterator[Problem]:
    """Yield the problem where the variable is written; at the drill's hosts if it is not seen."""
    assignment = re.compile(rf"(?<![\w]){re.escape(name)}['\"]?\s*[:=]")
    lines = [
        (path, number, line)
        for path in _files(files)
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if assignment.search(line)
    ]

    exact = [each for each in lines if str(value) in each[2]] or lines
    message, hint = _refusal(name)
    message = f"{message} (host {host})"
    if not exact:
        yield document.problem(("standby", "inventory"), message, hint)

    for path, number, _ in exact:
        yield Problem(path, number, "", message, hint)


def _files(paths: Collection[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from files_of(path)
        elif path.is_file():
            yield path


def _refusal(name: str) -> tuple[str, str]:
    """Return why a variable is refused, and what mends it."""
    if _OF_SUDO.fullmatch(name):
        return f"{name} would reach playbooks alone, and no check or guard", _HINT_OF_SUDO
    if _OF_LOGINS.fullmatch(name):
        message = f"{name} would log playbooks in alone: checks, readings and guards use a key"
        return message, _HINT_OF_LOGINS
    hint = _HINT_OF_ARGUMENTS if name == ARGUMENTS else _HINT
    return f"{name} would lead Ansible elsewhere than to the machine that is proven", hint


def _of_settings(folder: Path) -> Iterator[Problem]:
    """Look at an ansible.cfg beside the playbooks: a drill does not read it."""
    path = folder / "ansible.cfg"
    if not path.is_file():
        return

    section = ""
    for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
        header = re.match(r"\s*\[(\w+)\]", line)
        section = header[1] if header else section

        setting = re.match(r"\s*(\w+)\s*=", line)
        of_ssh = section in _SECTIONS and not _QUIET.match(line)
        if setting and (of_ssh or _SETTINGS.match(line)):
            message = f"{setting[1]} of [{section}] leads connections, and a drill does not read it"
            yield Problem(path, number, "", message, _HINT)
