"""Read Ansible inventories by Ansible itself: any format that it reads is fine."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import takewhile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from pradrill.config.ansible_command import ask_of
from pradrill.config.jumps import ARGUMENTS, is_jump, jump_of
from pradrill.config.template_actions import is_template
from pradrill.config.templates import TemplateError, Variables, rendered
from pradrill.config.vaults import refused
from pradrill.domain.run.host import Host, Inventory
from pradrill.domain.run.host_answers import last_line
from pradrill.domain.values.secret import SecretName
from pradrill.errors import UNREADABLE, ConfigurationError

_HINTS = {
    "ansible_host": "Write an address or a name alone: 192.0.2.20, 2001:db8::20. A login goes into "
    "ansible_user, a port into ansible_port.",
    "ansible_become_user": "Write the name of an account of the standby's.",
}
_CALLED = {
    "name": "name (letters of ASCII, digits, . _ : -)",
    "address": "ansible_host",
    "port": "ansible_port",
    "user": "ansible_user",
    "private_key": "ansible_ssh_private_key_file",
    "become": "ansible_become_user",
}
_CONNECTION = (
    *("ansible_host", "ansible_port", "ansible_user", "dr_role"),
    *("ansible_private_key_file", "ansible_ssh_private_key_file"),
    *("ansible_become", "ansible_become_user", "ansible_become_method"),
)
_RENDERED = (*(each for each in _CONNECTION if each != "dr_role"), ARGUMENTS)
"""Templates in these are rendered; that a host may be overwritten is written as it is."""
_TRUE = {"true", "yes", "on", "1", "y", "t"}
_PASSWORDS = ("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass")
_SUDO = re.compile(r"(^|[./])sudo$")
_INTERPRETER, _LONGEST_LINE = re.compile(rb"#![ \t]*([^ \t\n]+)"), 256
_UNPARSED = re.compile(r"Failed to parse \S+ with '?(\w+)'? plugin: (.+)")
_NO_PLUGINS = "no root 'plugin' key found"
"""What Ansible says of each YAML before it reads that as hosts: the cause of nothing else's."""
_SOURCE = re.compile(r"failed to parse inventory source (/.+)")
_OF_PROGRAM = "script"
_PASSED_BY = re.compile(
    r"\A(?:\.|vars_plugins\Z)|(?:\.(?:py[co]|swp|bak|rpm|md|txt|rst|orig|cfg|retry)|~)\Z"
)
"""What Ansible passes by in a folder: a repository's hooks, an editor's copies."""
_ORIGIN = re.compile(r"\s*Origin: (/.+:\d+):\d+$")
_OF_SCRIPT = "Standard error from inventory script:"
_UNRENDERED = "__ansible_unsafe"
_BOM = b"\xef\xbb\xbf"
_YAML = {".yml", ".yaml", ".json"}
_UNENCODED = b"surrogates not allowed"
_PROGRAMS = ("ansible_become_method", "ansible_become_exe", "ansible_sudo_exe")
_FLAGS = ("ansible_become_flags", "ansible_sudo_flags")
_SAME_USER = re.compile(
    r"(?:\s*(?:-[HSnEikP]+|--(?:set-home|stdin|non-interactive|preserve-env(?:=\S*)?|login"
    r"|reset-timestamp|preserve-groups))(?=\s|$))*\s*"
)
"""What sudo may be told beside a user and a command: it changes neither."""


class _Meta(BaseModel):
    """What `ansible-inventory --list` tells of hosts."""

    hostvars: dict[str, dict[str, Any]] = {}


class _Group(BaseModel):
    """What it tells of a group."""

    hosts: list[str] = []
    children: list[str] = []


_GROUPS = TypeAdapter(dict[str, _Group])

BESIDE = ("group_vars", "host_vars")
"""The folders of variables that Ansible looks for beside inventories and playbooks."""


def read_inventory(
    path: Path, pattern: str, password: SecretName | None = None
) -> tuple[Host, ...]:
    """Return the hosts of a group (children included) or the one host of that name.

    `password` is the secret that sudo asks for there. Raises ConfigurationError:
    unreadable inventory, unknown name, group without hosts.
    """
    listing = _list(path, None)
    variables = _variables(listing)
    groups = {name: group for name, group in listing.items() if name != "_meta"}

    # Ansible leaves groups without hosts out of its listing.
    hosts = {host for group in groups.values() for host in group.get("hosts", [])}
    names = _members(groups, pattern) or [host for host in hosts if host == pattern]
    if not names:
        choices = sorted({*groups, *hosts} - {"ungrouped"})
        close = get_close_matches(pattern, choices, n=1)
        guess = f'Did you mean "{close[0]}"? ' if close else ""
        raise ConfigurationError(
            f'{path} has no host and no group with hosts called "{pattern}"',
            hint=f"{guess}It has: {', '.join(choices) or 'nothing'}.",
        )

    def ansible(words: Sequence[str], hostvars: Variables) -> str:
        content = _frozen({**listing, "_meta": {"hostvars": hostvars}}, path)
        process = ask_of(path, "ansible", *words, content=json.dumps(content))
        return process.stdout.decode("utf-8", "replace")

    try:
        values = rendered(names, _RENDERED, variables, ansible)
    except TemplateError as error:
        where = place_of(error.variable, path)
        raise ConfigurationError(f"{where}: {error.message}", hint=error.hint) from error

    each_host = ((name, {**variables.get(name, {}), **values.get(name, {})}) for name in names)
    return tuple(_host(name, _given(of_host), path, password) for name, of_host in each_host)


def _given(variables: dict[str, Any]) -> dict[str, Any]:
    """Return variables without those of a connection that have no value: Ansible passes them by.

    What a plugin has made is listed with a mark: it is a text that Ansible never renders.
    """
    values = {name: _unmarked(value) for name, value in variables.items()}
    return {
        name: value
        for name, value in values.items()
        if value is not None or name not in _CONNECTION
    }


def _unmarked(value: Any) -> Any:
    is_marked = isinstance(value, dict) and value.keys() == {_UNRENDERED}
    return value[_UNRENDERED] if is_marked else value


def variables_of(
    path: Path, names: Iterable[str], playbooks: Path | None = None
) -> dict[str, dict[str, Any]]:
    """Return hosts' variables as Ansible has them for the playbooks of a folder.

    Raises ConfigurationError.
    """
    variables = _variables(_list(path, playbooks if _has_variables(playbooks) else None))
    return {
        name: {each: _unmarked(value) for each, value in variables.get(name, {}).items()}
        for name in names
    }


def freeze(path: Path, playbooks: Iterable[Path]) -> Inventory:
    """Return an inventory to be given to Ansible again, with what the folders of playbooks add.

    Groups, hosts and every variable stay; values that are encrypted stay so. Raises
    ConfigurationError.
    """
    folders = sorted({playbook.parent for playbook in playbooks})
    return Inventory(
        content=_frozen(_list(path, None), path),
        beside={
            folder: _frozen(_list(path, folder), path)
            for folder in folders
            if _has_variables(folder)
        },
    )


def _frozen(listing: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return a listing as the YAML of an inventory, which Ansible reads in JSON, too."""
    home = {
        "inventory_dir": str(path if path.is_dir() else path.parent),
        "inventory_file": str(path),
    }
    groups = {name: group for name, group in listing.items() if name not in {"_meta", "all"}}
    variables = _variables(listing)
    hosts = {host for group in listing.values() for host in group.get("hosts", ())}
    return {
        "all": {
            "hosts": {name: {**variables.get(name, {}), **home} for name in sorted(hosts)},
            "children": {
                name: {
                    "hosts": {host: {} for host in group.get("hosts", ())},
                    "children": {child: {} for child in group.get("children", ())},
                }
                for name, group in groups.items()
            },
        }
    }


def _variables(listing: dict[str, Any]) -> dict[str, dict[str, Any]]:
    variables: dict[str, dict[str, Any]] = listing.get("_meta", {}).get("hostvars", {})
    return variables


def _has_variables(playbooks: Path | None) -> bool:
    return playbooks is not None and any((playbooks / each).is_dir() for each in BESIDE)


def _list(path: Path, playbooks: Path | None) -> dict[str, Any]:
    beside = ["--playbook-dir", str(playbooks)] if playbooks else []
    for program in _programs_in(path) if path.is_dir() else ():
        _listing_of(program, ())
    return _listing_of(path, beside)


def _programs_in(folder: Path) -> Iterator[Path]:
    """Yield the programs that belong to an inventory that is a folder; no others are run."""
    return (
        each
        for each in files_of(folder)
        if set(BESIDE).isdisjoint(each.relative_to(folder).parts) and _interpreter_of(each)
    )


def _listing_of(path: Path, beside: Sequence[str]) -> dict[str, Any]:
    """Return what Ansible lists of an inventory; a program by the plugin for these alone.

    What a program cannot tell it would go on to read as INI, of which many a text has some.
    """
    program = _interpreter_of(path)
    if program and not Path(program.rstrip("\r")).exists():
        raise ConfigurationError(
            f"the inventory {path} is a program for {last_line(program)}, which is not here",
            hint="Install that, or name another one in its first line.",
        )
    if program.endswith("\r"):
        raise ConfigurationError(
            f"the inventory {path} is a program whose lines end as Windows writes them",
            hint="Save it with line feeds alone.",
        )

    plugins = _OF_PROGRAM if program else ""
    process = ask_of(path, "ansible-inventory", "--list", *beside, plugins=plugins)
    if process.returncode != 0:
        errors = process.stderr.decode(errors="replace").strip().splitlines()
        if (locked := refused(path, " ".join(errors))) is not None:
            raise locked

        where, why = _encoding_of(path, process.stderr) or _refusal(path, errors)
        raise ConfigurationError(
            f"Ansible cannot read the inventory {where}: {why[:300]}",
            hint=f"Try: ansible-inventory --list -i {path}.",
        )

    try:
        listing: dict[str, Any] = json.loads(process.stdout)
        _Meta.model_validate(listing.get("_meta", {}))
        _GROUPS.validate_python({name: each for name, each in listing.items() if name != "_meta"})
    except UNREADABLE as error:
        raise ConfigurationError(
            f"what Ansible lists of the inventory {path} is none",
            hint=f"Try: ansible-inventory --list -i {path}.",
        ) from error
    return listing


def _interpreter_of(path: Path) -> str:
    """Return what a program's first line says that runs it; empty: it is none that may be run."""
    try:
        with path.open("rb") as file:
            line = file.readline(_LONGEST_LINE)
    except OSError:
        return ""
    match = _INTERPRETER.match(line)
    return os.fsdecode(match[1]) if match and os.access(path, os.X_OK) else ""


def _encoding_of(inventory: Path, errors: bytes) -> tuple[str, str] | None:
    """Return where and why an inventory's letters cannot be read; None: that is not the cause."""
    for path in files_of(inventory):
        try:
            content = path.read_bytes()
        except OSError:
            continue
        if content.startswith(_BOM) and not _is_yaml(path) and _names(errors, path):
            return f"{path}:1", "it begins with a byte order mark; save it as UTF-8 without one"
        try:
            content.decode()
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            if _UNENCODED in errors:
                return f"{path}:{line}", "it is not UTF-8; save it as that"
    return None


def _is_yaml(path: Path) -> bool:
    """Tell whether Ansible reads a file as YAML, which may begin with a byte order mark."""
    return path.suffix in _YAML or not set(BESIDE).isdisjoint(path.parts)


def _names(errors: bytes, path: Path) -> bool:
    """Tell whether Ansible's words name a file."""
    return re.search(re.escape(os.fsencode(path)) + rb"(?![\w./-])", errors) is not None


def _refusal(path: Path, errors: Sequence[str]) -> tuple[str, str]:
    """Return where and why Ansible stopped, by the plugin that the file's name is for.

    It tries each of its plugins, and says at the end that all of them have failed.
    """
    sources = [Path(match[1]) for line in errors if (match := _SOURCE.search(line))]
    if path.is_dir() and sources and sources[0].is_file():
        return _refusal(sources[0], errors)

    of_yaml = path.suffix in _YAML
    plugins = {"yaml", "auto"} if of_yaml else {path.suffix.removeprefix(".") or "ini", "ini"}
    if path.is_file() and path.read_bytes().startswith(b"#!"):
        if not os.access(path, os.X_OK):
            return str(path), "it is a program that may not be run here: chmod +x"
        plugins = {"script"}
    causes = [match for line in errors if (match := _UNPARSED.search(line))]
    its = [each[2] for each in causes if each[1] in plugins]
    its.sort(key=lambda cause: cause.startswith(_NO_PLUGINS))
    places = [match[1] for line in errors if (match := _ORIGIN.match(line))]

    if plugins == {"script"} and its and (words := _words_of_script(errors)):
        its = [f"{its[0].rstrip('.')}: {words}"]

    summary = [line for line in errors if "ERROR" in line] or list(errors) or ["it said nothing"]
    return (places[0] if places and of_yaml else str(path)), (its[0] if its else summary[-1])


def _words_of_script(errors: Sequence[str]) -> str:
    """Return what a program that is the inventory said last on its error stream."""
    lines = [line.strip() for line in errors]
    if _OF_SCRIPT not in lines:
        return ""
    behind = lines[lines.index(_OF_SCRIPT) + 1 :]
    words = [*takewhile(lambda line: not line.startswith("["), behind)]
    return last_line("\n".join(words)) if any(words) else ""


def _members(groups: dict[str, Any], name: str) -> list[str]:
    members: dict[str, None] = {}
    waiting, visited = [name], {name}
    while waiting:
        group = groups.get(waiting.pop(0), {})
        members.update(dict.fromkeys(group.get("hosts", [])))
        fresh = [child for child in group.get("children", []) if child not in visited]
        visited.update(fresh)
        waiting += fresh

    return list(members)


def _become(
    name: str, variables: dict[str, Any], inventory: Path, password: SecretName | None
) -> str | None:
    """Return as whom Ansible acts by sudo, when it is not the login itself.

    Raises ConfigurationError over what would reach playbooks alone. A password that is encrypted
    or put together may stay where the drill names one: the drill's outranks it.
    """
    if str(variables.get("ansible_become", "")).lower() not in _TRUE:
        return None

    for variable in filter(variables.get, _PASSWORDS):
        if password is None or _is_plain(variables[variable]):
            raise ConfigurationError(
                f"{place_of(variable, inventory)}: {variable} of {name} would reach playbooks "
                "alone: checks, readings and guards need the password, too, as a secret",
                hint="Put it into a file that only this user reads (chmod 600), name that in the "
                "drill, standby: {become_password: file:/etc/pradrill/sudo}, and take the "
                "variable out.",
            )

    for variable in _PROGRAMS:
        if not _SUDO.search(str(variables.get(variable) or "sudo")):
            raise ConfigurationError(
                f"{place_of(variable, inventory)}: {variable} of {name} would reach playbooks "
                "alone: checks, readings and guards become another user by sudo",
                hint="Let the login use sudo on the standby, and take the variable out. Or log in "
                "as root, without ansible_become.",
            )

    for variable in _FLAGS:
        if not _SAME_USER.fullmatch(str(variables.get(variable) or "")):
            raise ConfigurationError(
                f"{place_of(variable, inventory)}: {variable} of {name} would reach playbooks "
                "alone: checks, readings and guards are not given them",
                hint="Name another user in ansible_become_user, and take the variable out.",
            )

    user = str(variables.get("ansible_become_user") or "root")
    return None if user == variables.get("ansible_user") else user


def _is_plain(value: object) -> bool:
    return not isinstance(value, dict) and not is_template(value)


def place_of(variable: str, inventory: Path) -> str:
    """Return where an inventory sets a variable, as file:line; or the inventory alone."""
    assignment = re.compile(rf"(?<!\w){re.escape(variable)}['\"]?\s*[:=]")
    for path in files_of(inventory):
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            if assignment.search(line) and not line.lstrip().startswith("#"):
                return f"{path}:{number}"

    return str(inventory)


def files_of(inventory: Path) -> Iterator[Path]:
    """Yield the files that make up an inventory: itself, and the variables beside it.

    Of a folder those that Ansible looks at, also behind links.
    """
    top = inventory if inventory.is_dir() else inventory.parent
    folders = [inventory] if inventory.is_dir() else [top / each for each in BESIDE]
    if inventory.is_file():
        yield inventory
    visited = set[str]()
    for folder in folders:
        yield from _files_in(folder, visited)


def _files_in(folder: Path, visited: set[str]) -> Iterator[Path]:
    """Yield a folder's files that Ansible looks at; none twice where links lead in a circle."""
    real = os.path.realpath(folder)
    if real in visited:
        return
    visited.add(real)
    try:
        members = sorted(folder.iterdir())
    except OSError:  # it is not there, or closed: then Ansible says so
        return
    for each in members:
        if _PASSED_BY.search(each.name):
            continue
        if each.is_dir():
            yield from _files_in(each, visited)
        elif each.is_file():
            yield each


def _host(
    name: str, variables: dict[str, Any], inventory: Path, password: SecretName | None
) -> Host:
    tmp = variables.get("ansible_remote_tmp")
    key = variables.get("ansible_ssh_private_key_file") or variables.get("ansible_private_key_file")
    for variable in _CONNECTION:
        value = variables.get(variable)
        if not _is_plain(value):
            what = f"the template {value}" if is_template(value) else "encrypted"
            raise ConfigurationError(
                f"{place_of(variable, inventory)}: {variable} of {name} is {what}, which is not "
                "rendered here",
                hint="Write the value itself: what is proven is what is written.",
            )

    try:  # a port that nobody gives may stand in the user's ssh_config
        port = {"port": variables["ansible_port"]} if "ansible_port" in variables else {}
        return Host(
            name=name,
            address=str(variables.get("ansible_host", name)),
            user=variables.get("ansible_user"),
            private_key=Path(inventory.parent, Path(key).expanduser()) if key else None,
            dr_role=variables.get("dr_role"),
            become=_become(name, variables, inventory, password),
            password=password,
            remote_tmp=tmp if isinstance(tmp, str) else None,  # a template is Ansible's, there too
            jump=jump_of(variables.get(ARGUMENTS)) if is_jump(variables.get(ARGUMENTS)) else None,
            **port,
        )
    except (ValidationError, ValueError, TypeError) as error:
        culprits = _culprits(error, variables)
        what = " and ".join(culprits) or "connection variable"
        place = place_of(next(iter(culprits), what), inventory)
        usual = "Look at ansible_host, ansible_port, ansible_user, the key file and dr_role."
        raise ConfigurationError(
            f"{place}: host {name} has an unusable {what}",
            hint=next((_HINTS[each] for each in culprits if each in _HINTS), usual),
        ) from error


def _culprits(error: Exception, variables: dict[str, Any]) -> list[str]:
    """Return what of a host is wrong, as the inventory calls it; its name may be its address."""
    fields = [each["loc"] for each in error.errors()] if isinstance(error, ValidationError) else []
    its = [str(where[0]) for where in fields if where]
    if "ansible_host" not in variables:
        its = ["name" if each == "address" else each for each in its]
    return [*filter(None, dict.fromkeys(_CALLED.get(each, "") for each in its))]
