"""OpenSSH itself says which way leads to a host."""

from __future__ import annotations

from typing import Any

import pytest

from pradrill.adapters.standbys.ssh_route import hops, route
from pradrill.domain.run.host import Host
from pradrill.errors import NotReadyError


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


def test_a_way_that_goes_on_for_ever_is_refused() -> None:
    """More jump hosts than anybody has are a circle."""
    with pytest.raises(NotReadyError, match="more than 5 jump hosts"):
        route(a_host(jump=",".join(f"192.0.2.{number}" for number in range(1, 9))))


def test_what_ssh_does_not_read_is_told() -> None:
    """In its own words."""
    with pytest.raises(NotReadyError, match="ssh does not say how it would reach web-dr"):
        route(a_host(jump="192.0.2.1:99999"))


def test_the_inventory_outranks_what_is_usual() -> None:
    """Without a word of the user's configuration all is as the inventory has it."""
    host = route(a_host(port=2222, user="ops"))
    assert (host.address, host.port, host.user) == ("192.0.2.20", 2222, "ops")
    assert (host.private_key, host.via) == (None, None)
