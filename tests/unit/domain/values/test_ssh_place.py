"""Addresses of folders behind SSH, as OpenSSH and the backup tools take them."""

from __future__ import annotations

import pytest

from pradrill.domain.values.ssh_place import SshPlace, ssh_place


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("sftp://backup@host/srv/dumps", SshPlace("host", None, "backup", "/srv/dumps")),
        ("ssh://u@[2001:db8::1]:2222/./b", SshPlace("2001:db8::1", 2222, "u", "/./b")),
        ("ssh://u@[fe80::1%eth0]/b", SshPlace("fe80::1%eth0", None, "u", "/b")),
        ("sftp://Vault/srv/a #1?/é", SshPlace("Vault", None, None, "/srv/a #1?/é")),
        ("sftp://u@host:65536/b", None),
        ("sftp://u@host:0/b", None),
        ("sftp://u@-oProxyCommand=x/b", None),
        ("ssh://-oProxyCommand=x@h/x", None),
        ("sftp://-l@h/x", None),
        ("sftp://u@host", None),
        ("/srv/dumps", None),
    ],
)
def test_an_address_is_taken_as_it_stands(address: str, place: SshPlace | None) -> None:
    """Capitals of an alias stay, a path is not cut at what means something in a URL."""
    assert ssh_place(address) == place
