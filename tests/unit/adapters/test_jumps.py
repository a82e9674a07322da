"""OpenSSH itself says which way leads to a host."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from pradrill.adapters.standbys.inventory import InventoryHosts
from pradrill.adapters.standbys.ssh_route import hops, route, routes
from pradrill.domain.run.host import Host, Inventory, Site
from pradrill.domain.values.jump_host import hop_of, is_chain
from pradrill.errors import NotReadyError
from pradrill.testing import host_facts

Started = Callable[..., tuple[InventoryHosts, Site]]


def a_host(**fields: Any) -> Host:
    """Return a host that no configuration of this machine speaks of."""
    return Host(name="web-dr", address="192.0.2.20", **fields)


def test_jump_hosts_follow_one_another() -> None:
    """Each has its own login and port, and is reached by the one before."""
    host = route(a_host(user="ops", jump="one@192.0.2.1:2201,[2001:db8::1]:2202"))
    way = [(each.user, each.address, each.port) for each in hops(host)]
    assert way[0] == ("one", "192.0.2.1", 2201)
    assert way[1][1:] == ("2001:db8::1", 2202)
    assert way[2] == ("ops", "192.0.2.20", 22)
    assert len({each.name for each in hops(host)}) == 3


@pytest.mark.parametrize("word", ["-oProxyCommand=touch", "ops@-x", "one two", "[::1", ""])
def test_an_option_is_no_jump_host(word: str) -> None:
    """The inventory's words and those of ssh_config are read by one pattern."""
    assert hop_of(word) is None
    assert not is_chain(f"bastion,{word}")
    assert is_chain("ops@bastion:2222,[2001:db8::1]")


def test_a_way_that_goes_on_for_ever_is_refused() -> None:
    """More jump hosts than anybody has are a circle."""
    with pytest.raises(NotReadyError, match="more than 5 jump hosts"):
        route(a_host(jump=",".join(f"192.0.2.{number}" for number in range(1, 9))))


def test_what_ssh_does_not_read_is_told() -> None:
    """In its own words."""
    with pytest.raises(NotReadyError, match="ssh does not say how it would reach web-dr"):
        route(a_host(jump="192.0.2.1:99999"))


def test_jump_hosts_have_names_of_their_own() -> None:
    """The client's configuration knows each by its name, whatever the hosts are called."""
    two = [a_host(jump="192.0.2.1").model_copy(update={"name": name}) for name in ("a:b", "a-b")]
    real = Host(name="Jump-of-a-b", address="192.0.2.3", jump="192.0.2.1,192.0.2.2")
    names = [each.name.lower() for host in routes([*two, real]) for each in hops(host)]
    assert len(names) == len(set(names)) == 7


def test_a_login_that_is_root_already_becomes_nobody() -> None:
    """Whoever logs in as the user to become needs no sudo there."""
    assert route(a_host(user="root", become="root")).become is None
    assert route(a_host(user="ops", become="root")).become == "root"


def test_no_key_is_no_file_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the user's configuration says `IdentityFile none`."""
    (tmp_path / "config").write_text("IdentityFile None\n")
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\nexec {which("ssh")} -F {tmp_path}/config "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert route(a_host()).private_key is None


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN0rYPuAh3qaMxIhlgU4hzQWIgWsl3/fkUvCtqLL8lZC"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBxcLsLDtaH9GIQrxd9HmErTihwVtgEldR3pfwSgdFyd"
PINS = f"""\
bastion.test {KEY}
127.0.0.2 {OTHER_KEY}
10.0.0.5 {KEY}
10.0.0.5 {OTHER_KEY}
10.0.0.6 {KEY}
10.0.0.6 {OTHER_KEY}
"""


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Started]:
    """Give what makes hosts reachable, where each look-up of a name has another answer."""
    look_up = socket.getaddrinfo
    numbers = count(2)

    def rotating(host: str, *words: Any, **options: Any) -> Any:
        address = f"127.0.0.{next(numbers)}" if host.endswith(".test") else host
        return look_up(address, *words, **options)

    monkeypatch.setattr(socket, "getaddrinfo", rotating)
    (tmp_path / "pins").write_text(PINS)

    def start(*hosts: Host) -> tuple[InventoryHosts, Site]:
        standby = InventoryHosts(hosts, Inventory(content={}), tmp_path / "pins")
        return standby, standby.start(tmp_path, "jumps", lambda _line: None)

    yield start
    InventoryHosts((), Inventory(content={}), tmp_path / "pins").stop("jumps")


def test_a_name_is_looked_up_once(started: Started) -> None:
    """A jump host that hosts share has one address, and its key is pinned under that."""
    hosts = [
        Host(name=f"dr-{number}", address=f"10.0.0.{number}", jump="bastion.test")
        for number in (5, 6)
    ]
    _, site = started(*hosts)
    vias = {host.via.address for host in site.hosts if host.via is not None}
    assert vias == {"127.0.0.2"}
    names = {line.split()[0] for line in site.known_hosts.read_text().splitlines()}
    assert names == {"127.0.0.2", "10.0.0.5", "10.0.0.6"}


def test_a_jump_host_of_the_standbys_address_is_refused(started: Started) -> None:
    """The key of one would be taken for the other's."""
    with pytest.raises(NotReadyError, match=r"jump-of-dr-2 and dr-2 have the address 127.0.0.2"):
        started(Host(name="dr-2", address="127.0.0.2", jump="bastion.test"))


def test_a_standby_on_the_way_keeps_the_key_that_it_has_shown(started: Started) -> None:
    """Of those that were pinned for it no other is taken any more, for another's sake either."""
    first = Host(name="dr-5", address="10.0.0.5")
    behind = Host(name="dr-6", address="10.0.0.6", jump="10.0.0.5")
    standby, site = started(first, behind)
    bound = standby.bind(
        site,
        [host_facts("dr-5", host_key=OTHER_KEY), host_facts("dr-6", host_key=KEY)],
    )
    assert set(bound.known_hosts.read_text().splitlines()) == {
        f"10.0.0.5 {OTHER_KEY}",
        f"10.0.0.6 {KEY}",
    }


def test_the_inventory_outranks_what_is_usual() -> None:
    """Without a word of the user's configuration all is as the inventory has it."""
    host = route(a_host(port=2222, user="ops"))
    assert (host.address, host.port, host.user) == ("192.0.2.20", 2222, "ops")
    assert (host.private_key, host.via) == (None, None)
