"""What is typed on the controller goes the way that a drill goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pradrill.domain.run import mending
from pradrill.domain.run.host import Host

PINS = Path("/etc/pradrill/known_hosts")


def a_host(**fields: Any) -> Host:
    """Return a host of an inventory."""
    return Host(name="web-dr", address="10.0.0.5", user="ops", **fields)


def test_a_command_goes_by_the_same_jump_hosts() -> None:
    """In their order, each with its login and port."""
    outer = Host(name="jump-of-jump", address="192.0.2.1", user="one")
    inner = Host(name="jump-of-web-dr", address="10.0.0.1", port=2222, user="two", via=outer)
    command = mending.ssh(a_host(via=inner), PINS, "id")
    assert " -J one@192.0.2.1:22,two@10.0.0.1:2222 " in command
    assert " -J " not in mending.ssh(a_host(), PINS, "id")
    six = Host(name="jump-of-web-dr", address="2001:db8::1", port=2222, user="two")
    assert " -J 'two@[2001:db8::1]:2222' " in mending.ssh(a_host(via=six), PINS, "id")


def test_a_key_is_taken_to_a_host_and_it_is_marked_by_its_jump_host() -> None:
    """The inventory's own arguments would outrank those of the command line."""
    host = a_host(via=Host(name="jump-of-web-dr", address="192.0.2.1", user="two"))
    copy = mending.new_key(Path("key"), [host])[1]
    assert copy == "ssh-copy-id -i key.pub -o ProxyJump=two@192.0.2.1:22 -p 22 ops@10.0.0.5"
    mark = mending.marking(host, Path("i.yml"), PINS, Path("mark.yml"))
    both = f"-J two@192.0.2.1:22 -o UserKnownHostsFile={PINS}"
    assert f"""-e '{{"ansible_ssh_common_args": "{both}"}}'""" in mark
    assert "--ssh-common-args" not in mark


def test_a_key_behind_a_jump_host_is_fetched_there() -> None:
    """From here its address leads nowhere, or to another machine."""
    inner = Host(name="jump-of-web-dr", address="192.0.2.1", user="two")
    fetch = mending.pinning(a_host(via=inner), PINS)[0]
    assert fetch.startswith("ssh -o BatchMode=yes ")
    assert " two@192.0.2.1 ssh-keyscan -t ed25519 10.0.0.5 > web-dr.key " in fetch
    assert mending.pinning(a_host(), PINS)[0].startswith("ssh-keyscan -t ed25519 10.0.0.5 > ")


def test_where_sudo_asks_there_is_a_terminal_to_answer_on() -> None:
    """A person types it, who may be asked; without a password nothing is."""
    host = a_host(password="file:/etc/pradrill/sudo")  # noqa: S106 a name
    command = mending.marking(host, Path("inventory.yml"), PINS, None)
    assert command.startswith("ssh -o BatchMode=yes -t ")
    assert "sudo -n" not in command
    assert "--ask-become-pass" in mending.marking(host, Path("i.yml"), PINS, Path("mark.yml"))
    assert "sudo -n " in mending.marking(a_host(), Path("inventory.yml"), PINS, None)
