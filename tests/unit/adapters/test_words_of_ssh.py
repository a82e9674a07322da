"""What ssh and those on its way print: each line is who says it, and no other's."""

from __future__ import annotations

from pathlib import Path

import pytest

from pradrill.adapters.ssh.sftp import SftpFolder
from pradrill.domain.declared.backup_source import Ssh
from pradrill.domain.values.ssh_place import ssh_place
from pradrill.errors import NotReadyError
from pradrill.system.command import cause_of_ssh

SHELL = "/etc/ssh/way: line 3: nc: command not found"
CONFIGURATION = (
    '/root/.ssh/config line 2: unsupported option "maybe".',
    "/root/.ssh/config: terminating, 1 bad configuration options",
)


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ((SHELL, "Host key verification failed."), "Host key verification failed."),
        ((SHELL, *CONFIGURATION), CONFIGURATION[0]),
        (("Bad owner or permissions on /root/.ssh/config",) * 2, "Bad owner or permissions on"),
        (("bash: line 1: Bad owner or permissions", "Connection closed"), "Connection closed"),
    ],
)
def test_a_shell_on_the_way_is_no_configuration_of_ssh(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: tuple[str, ...], cause: str
) -> None:
    """A ProxyCommand's own words hide no other cause."""
    assert cause_of_ssh(lines).startswith(cause)
    tool = tmp_path / "ssh"
    words = "\n".join(lines)
    tool.write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{words}\nEND\nexit 255\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    place = ssh_place("sftp://backup@host/srv")
    assert place is not None
    with pytest.raises(NotReadyError) as refusal:
        SftpFolder(place, Ssh()).entries("/srv")
    assert cause in refusal.value.message
    is_pinned = "no host key that host shows is pinned" in refusal.value.message
    assert is_pinned is cause.startswith("Host key")
    is_configuration = "ssh does not take its own" in refusal.value.message
    assert is_configuration is (cause in CONFIGURATION or cause.startswith("Bad owner"))
