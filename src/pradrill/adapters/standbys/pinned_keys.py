"""Ask OpenSSH which host keys its files pin: hashes, patterns and revocations are its own."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pradrill.domain.run.host import Host
from pradrill.domain.run.host_answers import known_hosts_name
from pradrill.errors import NotReadyError

_DEADLINE = 10


class PinnedKeys(NamedTuple):
    """Files in OpenSSH's form, which it reads as if they were one."""

    files: Sequence[Path]

    def of(self, host: Host) -> list[str]:
        """Return the keys ("type base64") that are pinned for a host and were not revoked.

        As OpenSSH does, an entry without a port is taken when there is none with the host's.
        """
        revoked: set[str] = set()
        for name in _names(host):
            lines = self._lines(name)
            revoked |= {
                " ".join(line.split()[2:4]) for line in lines if line.startswith("@revoked")
            }
            plain = (" ".join(line.split()[1:3]) for line in lines if line[0] not in "#@")
            if keys := dict.fromkeys(plain):
                return [key for key in keys if key not in revoked]

        return []

    def certifies(self, host: Host) -> bool:
        """Tell whether an authority is pinned that may certify the host's key."""
        return any(
            line.startswith("@cert-authority")
            for name in _names(host)
            for line in self._lines(name)
        )

    def unreadable(self) -> str:
        """Say why a file that is there cannot be read; empty: each can."""
        for path in self.files:
            try:
                path.open("rb").close()
            except FileNotFoundError:
                continue
            except OSError as error:
                return f"the file of pinned host keys {path} cannot be read: {error.strerror}"
        return ""

    def _lines(self, name: str) -> list[str]:
        lines: list[str] = []
        for path in self.files:
            try:
                process = subprocess.run(
                    ["ssh-keygen", "-F", name, "-f", str(path)],
                    capture_output=True,
                    text=True,
                    errors="replace",  # a comment may be in any letters
                    timeout=_DEADLINE,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:  # it lies on a file system that hangs
                message = f"{path} was not read in {_DEADLINE} s"
                raise NotReadyError(message, hint="See where it lies: df there.") from error
            lines += filter(None, process.stdout.splitlines())
        return lines


def _names(host: Host) -> list[str]:
    """Return the names under which OpenSSH looks, one after the other."""
    if host.key_alias:
        return [host.key_alias.lower()]
    return list(dict.fromkeys([known_hosts_name(host), host.address.lower()]))
