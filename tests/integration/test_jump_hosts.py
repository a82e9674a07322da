"""A standby behind a jump host, or an alias of the user's, is reached by every tool alike."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.integration.hosts.daemon_hosts import link
from tests.integration.hosts.machines import propagation
from tests.integration.hosts.sudo_host import LOGIN, SudoHost, sudo_host
from tests.integration.hosts.two_hosts import NamespaceHost, free_number, namespace_host
from tests.integration.house import edit

_BASTION, _STANDBY = "10.218.77.1", "10.218.77.2"
_MOUNT = 'mount --bind "$1" /etc/ssh/ssh_config; shift; exec "$@"'


class BehindBastion(NamedTuple):
    """The standby, which only the bastion reaches at its address, and the bastion."""

    standby: SudoHost
    bastion: NamespaceHost

    def house(self, folder: Path) -> Path:
        """Write a house whose inventory knows the inner address of the standby alone."""
        house = self.standby.house(folder)
        server = self.standby.host.server
        edit(house, "inventory.yml", f"ansible_host: {server.address}", f"ansible_host: {_STANDBY}")
        pins = [
            f"[{_STANDBY}]:{server.port} {server.host_key}\n",
            self.bastion.server.known_hosts.read_text("utf-8"),
        ]
        (house / "known_hosts").write_text("".join(pins), "utf-8")
        (house / "ssh_config").write_text(
            f"Host bastion\n  HostName {self.bastion.server.address}\n"
            f"  Port {self.bastion.server.port}\n  User root\n"
            f"  IdentityFile {self.bastion.server.key}\n  StrictHostKeyChecking no\n",
            "utf-8",
        )
        return house

    def jumping(self, folder: Path, arguments: str) -> Path:
        """Write a house whose inventory gives ssh arguments."""
        house = self.house(folder)
        line = f"ansible_ssh_common_args: {arguments}\n      dr_role: standby"
        edit(house, "inventory.yml", "dr_role: standby", line)
        return house


def pradrill(house: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command where the house's ssh_config is that of the machine."""
    mounting = ["sh", "-ec", _MOUNT, "sh", str(house / "ssh_config")]
    command = [sys.executable, "-m", "pradrill", "--state", str(house / "state"), *words]
    return subprocess.run(
        ["unshare", "--mount", *propagation(), *mounting, *command],
        cwd=house,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def flat(result: subprocess.CompletedProcess[str]) -> str:
    """Return what a command has told, without its line breaks."""
    return " ".join((result.stdout + result.stderr).split())


@pytest.fixture(scope="module")
def inner() -> Iterator[BehindBastion]:
    """Make both for this file's tests."""
    with ExitStack() as undo:
        standby = undo.enter_context(sudo_host())
        home = standby.host.home.parent / "bastion"
        home.mkdir()
        bastion = namespace_host(undo, home, free_number(), 13)
        link((bastion, _BASTION), (standby.host, _STANDBY))
        yield BehindBastion(standby, bastion)


def test_a_jump_host_of_the_inventory_leads_every_tool(
    inner: BehindBastion, tmp_path: Path
) -> None:
    """Guards, playbooks, checks, readings and teardown come by it; its own key is pinned."""
    house = inner.jumping(tmp_path, "-J bastion")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.nightly
def test_an_alias_of_the_users_own_leads_every_tool(inner: BehindBastion, tmp_path: Path) -> None:
    """Address, port, login, key, its pin's name and jump host may all stand in ssh_config."""
    house = inner.house(tmp_path)
    server = inner.standby.host.server
    text = (house / "inventory.yml").read_text("utf-8")
    names = ("ansible_port", "ansible_user", "ansible_ssh_private_key_file")
    lines = [line for line in text.splitlines() if not line.strip().startswith(names)]
    text = "\n".join(lines).replace(_STANDBY, "inside") + "\n"
    (house / "inventory.yml").write_text(text, "utf-8")
    with (house / "ssh_config").open("a") as config:
        config.write(
            f"Host inside\n  HostName {_STANDBY}\n  Port {server.port}\n  User {LOGIN}\n"
            f"  IdentityFile {server.key}\n  ProxyJump bastion\n  HostKeyAlias Inside.Key\n"
        )
    pins = (house / "known_hosts").read_text("utf-8")
    pins = pins.replace(f"[{_STANDBY}]:{server.port} ", "inside.key ")
    (house / "known_hosts").write_text(pins, "utf-8")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    result = pradrill(house, "doctor", "shop")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("pin", ["", "another"])
def test_a_jump_host_that_is_not_the_pinned_one_leads_nowhere(
    inner: BehindBastion, tmp_path: Path, pin: str
) -> None:
    """Its key must be pinned, as the standby's must; whatever the user's ssh_config says."""
    house = inner.jumping(tmp_path, "-o ProxyJump=bastion")
    server = inner.bastion.server
    other = inner.standby.host.server.host_key
    line = f"[{server.address}]:{server.port} {other}\n" if pin else ""
    (house / "known_hosts").write_text(
        f"[{_STANDBY}]:{inner.standby.host.server.port} {other}\n{line}", "utf-8"
    )
    result = pradrill(house, "run", "shop")
    assert result.returncode == 4, result.stdout + result.stderr
    place = f"[{server.address}]:{server.port} (jump-of-ops-dr)"
    why = f"pins no host key for {place}" if not pin else "is not the pinned one"
    assert why in flat(result)


def test_two_standbys_of_one_inner_address_are_refused(
    inner: BehindBastion, tmp_path: Path
) -> None:
    """Behind different jump hosts these are two machines with one name for their keys."""
    house = inner.jumping(tmp_path, "-J bastion")
    text = (house / "inventory.yml").read_text("utf-8")
    entry = text[text.index("    ops-dr") :]
    other = entry.replace("ops-dr:", "ops-two:").replace("-J bastion", "-J other")
    (house / "inventory.yml").write_text(text + other, "utf-8")
    with (house / "ssh_config").open("a") as config:
        config.write(f"Host other\n  HostName 127.0.0.1\n  Port {inner.bastion.server.port}\n")
    with (house / "known_hosts").open("a") as pins:
        pins.write(f"[127.0.0.1]:{inner.bastion.server.port} {inner.bastion.server.host_key}\n")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 4
    assert "different jump hosts lead there" in flat(result)


@pytest.mark.nightly
def test_a_command_of_the_users_own_is_no_way(inner: BehindBastion, tmp_path: Path) -> None:
    """What ProxyCommand leads to cannot be proven, so it is refused before anything starts."""
    house = inner.house(tmp_path)
    with (house / "ssh_config").open("a") as config:
        config.write(f"Host {_STANDBY}\n  ProxyCommand ssh -W %h:%p bastion\n")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 4, result.stdout + result.stderr
    assert f"leads to ops-dr ({_STANDBY}) by a ProxyCommand" in flat(result)


@pytest.mark.nightly
def test_a_jump_host_that_leads_nowhere_is_told(inner: BehindBastion, tmp_path: Path) -> None:
    """The standby does not answer, and it is its jump host from which that is to be seen."""
    house = inner.jumping(tmp_path, "-J bastion")
    port = inner.standby.host.server.port
    edit(house, "inventory.yml", f"ansible_port: {port}", f"ansible_port: {port % 60_000 + 1}")
    with (house / "known_hosts").open("a") as pins:
        pins.write(f"[{_STANDBY}]:{port % 60_000 + 1} {inner.standby.host.server.host_key}\n")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 4, result.stdout + result.stderr
    assert "does not answer over SSH" in flat(result)
