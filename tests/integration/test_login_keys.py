"""A login key that cannot be used is told as that, and not as a host that is silent."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.integration.hosts.sshd import Sshd

from pradrill.adapters.ssh.connection import connect
from pradrill.errors import UnreachableError


def test_a_login_key_that_cannot_be_used_is_named(sshd: Sshd, tmp_path: Path) -> None:
    """Missing, or with a passphrase: the key, why, and not that the host does not answer."""
    locked = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "word", "-f", locked], check=True)
    for key, why in (
        (tmp_path / "missing", "cannot be read: No such file or directory"),
        (locked, "has a passphrase, and nobody is there to type it"),
    ):
        host = sshd.host.model_copy(update={"private_key": key})
        with pytest.raises(UnreachableError) as raised:
            connect(host, sshd.known_hosts)
        assert str(key) in raised.value.message
        assert why in raised.value.message
        assert "does not answer" not in raised.value.message
