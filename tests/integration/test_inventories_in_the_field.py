"""Inventories as they are in the field, read by the real ansible-inventory: programs, encodings."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from tests.sources.conftest import mostly_nightly

from pradrill.config.inventory import freeze, read_inventory, variables_of
from pradrill.errors import ConfigurationError

_JSON = (
    '{"standby": {"hosts": ["web-dr"]},'
    ' "_meta": {"hostvars": {"web-dr": {"ansible_host": "192.0.2.20"}}}}'
)
_HOST = b"standby: {hosts: {web-dr: {ansible_host: 192.0.2.20, note: \xe9}}}\n"
_INI = b"[standby]\nweb-dr ansible_host=192.0.2.20\n"


class Refused(NamedTuple):
    """An inventory that gives no hosts, and the cause that is to be told."""

    content: bytes
    reason: str
    mode: int = 0o755
    name: str = "inventory"


def _program(*lines: str) -> bytes:
    return "\n".join(("#!/bin/sh", *lines, "")).encode()


REFUSED = {
    "a program that fails": Refused(
        _program("echo 'cannot reach netbox: 401' >&2", "exit 1"), "code 1: cannot reach netbox"
    ),
    "a program that fails after its answer": Refused(
        _program(f"echo '{_JSON}'", "exit 1"), "non-zero exit code 1"
    ),
    "a program that prints before its answer": Refused(
        _program("echo warning: old token", f"echo '{_JSON}'"), "JSON"
    ),
    "a program whose answer is cut": Refused(_program(f"echo '{_JSON[:40]}'"), "JSON"),
    "a program with another answer": Refused(_program("echo '[1]'"), "'list'"),
    "a program that may not be run": Refused(
        _program(f"echo '{_JSON}'"), "may not be run here: chmod +x", mode=0o644
    ),
    "a program whose interpreter is missing, and that reads as INI": Refused(
        b"#!/usr/bin/python2\nhosts\n", "is a program for /usr/bin/python2, which is not here"
    ),
    "a program for what env does not find, and that reads as INI": Refused(
        b"#!/usr/bin/env python2.4\nhosts\n", "code 127: "
    ),
    "a program that says nothing, and reads as INI": Refused(b"#!/bin/sh\ntrue\n", "JSON"),
    "a program of Windows' lines": Refused(
        _program(f"echo '{_JSON}'").replace(b"\n", b"\r\n"), "lines end as Windows writes them"
    ),
    "Latin-1": Refused(b"---\n" + _HOST, ".yml:2: it is not UTF-8", 0o644, "inventory.yml"),
    "YAML of Notepad's, with a fault of its own": Refused(
        b"\xef\xbb\xbf" + _HOST.replace(b"\xe9", b"{"), "YAML parsing failed", 0o644, "i.yml"
    ),
    "Notepad's INI": Refused(b"\xef\xbb\xbf" + _INI, "inventory:1: it begins with a byte", 0o644),
}  # fmt: skip


REFUSED |= {
    "a list of hosts": Refused(
        b"standby:\n  hosts:\n    - a\n", "requires a dictionary", 0o644, "i.yml"
    ),
    "a number for a host": Refused(
        b"standby: {hosts: {10: {}}}\n", "10 must be a string", 0o644, "i.yml"
    ),
}

IN_A_FOLDER = {
    "a program that reads as INI": Refused(
        b"#!/usr/bin/env python2.4\nhosts\n", "prog: Inventory script returned", name="prog"
    ),
    "YAML with a fault": Refused(b"standby: {hosts: {\n", "YAML parsing failed", 0o644, "b.yml"),
}


@pytest.mark.parametrize("title", mostly_nightly(IN_A_FOLDER, "a program that reads as INI"))
def test_what_fails_in_a_folder_is_named_and_not_passed_over(tmp_path: Path, title: str) -> None:
    """Its neighbours can be read; what it would have told is missing."""
    refused, folder = IN_A_FOLDER[title], tmp_path / "inventory"
    folder.mkdir()
    (folder / "01.ini").write_bytes(_INI)
    (folder / refused.name).write_bytes(refused.content)
    (folder / refused.name).chmod(refused.mode)
    with pytest.raises(ConfigurationError) as refusal:
        read_inventory(folder, "standby")
    assert refused.reason in refusal.value.message
    assert refused.name in refusal.value.message


def test_what_a_plugin_makes_of_variables_is_no_secret(tmp_path: Path) -> None:
    """Ansible marks it in its listing as it marks what is encrypted; braces in it stay refused."""
    folder = tmp_path / "inventory"
    folder.mkdir()
    (folder / "10.yml").write_text("standby: {hosts: {web-dr: {addr: 192.0.2.20}}}\n")
    compose = "{ansible_host: addr, ansible_port: \"'2222'\", dr_role: \"'standby'\"}"
    plugin = folder / "20.yml"
    plugin.write_text(f"plugin: ansible.builtin.constructed\nstrict: true\ncompose: {compose}\n")
    (host,) = read_inventory(folder, "standby")
    assert (host.address, host.port, host.dr_role) == ("192.0.2.20", 2222, "standby")
    variables = variables_of(folder, ["web-dr"])["web-dr"]
    assert variables["ansible_host"] == "192.0.2.20"
    assert "__ansible_unsafe" in str(freeze(folder, []).content)

    plugin.write_text(plugin.read_text().replace(": addr", ": \"'{' ~ '{ x }' ~ '}'\""))
    with pytest.raises(ConfigurationError, match="web-dr is the template"):
        read_inventory(folder, "standby")


def test_a_folders_programs_are_run_where_ansible_runs_them(tmp_path: Path) -> None:
    """A repository's hooks and an editor's copies are none of its; what a link leads to is."""
    folder, ran = tmp_path / "inventory", tmp_path / "ran"
    passed_by = (".git/hooks/pre-commit.sample", "prog~", "prog.bak", "vars_plugins/prog")
    for name in (*passed_by, "../elsewhere/prog"):
        program = folder / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_bytes(_program(f"touch {ran}", "exit 1"))
        program.chmod(0o755)
    (folder / "hosts.ini").write_bytes(_INI)
    (host,) = read_inventory(folder, "standby")
    assert host.address == "192.0.2.20"
    assert not ran.exists()

    (folder / "around").symlink_to(folder)
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigurationError, match="linked/prog: Inventory script returned"):
        read_inventory(folder, "standby")


@pytest.mark.parametrize(
    "title", mostly_nightly(REFUSED, "a program that fails", "a program of Windows' lines")
)
def test_an_inventory_that_gives_no_hosts_is_told_by_its_own_cause(
    tmp_path: Path, title: str
) -> None:
    """What another of Ansible's plugins makes of its lines is no cause."""
    refused = REFUSED[title]
    path = tmp_path / refused.name
    path.write_bytes(refused.content)
    path.chmod(refused.mode)
    with pytest.raises(ConfigurationError) as refusal:
        read_inventory(path, "standby")
    assert refused.reason in refusal.value.message


READ = {
    "a program that warns": (_program("echo warning: old token >&2", f"echo '{_JSON}'"), 0o755),
    "an INI that may be run, as from a share": (_INI, 0o755),
    "a port and a login that are empty": (
        b"standby: {hosts: {web-dr: {ansible_host: 192.0.2.20, ansible_port: , ansible_user: }}}",
        0o644,
    ),
    "an empty address": (b"standby: {hosts: {192.0.2.20: {ansible_host: }}}", 0o644),
}


@pytest.mark.parametrize("title", mostly_nightly(READ, "an empty address"))
def test_an_inventory_that_ansible_takes_is_taken(tmp_path: Path, title: str) -> None:
    """Words beside the answer, and variables without a value, change nothing."""
    content, mode = READ[title]
    path = tmp_path / ("inventory" if content.startswith((b"#!", b"[")) else "inventory.yml")
    path.write_bytes(content)
    path.chmod(mode)
    (host,) = read_inventory(path, "standby")
    assert (host.address, host.port, host.user) == ("192.0.2.20", 22, None)
