"""Give a lab machine its identity before it runs, so that the first contact is pinned too."""

from __future__ import annotations

import io
import os
import tarfile
import uuid
from pathlib import Path

from pradrill.adapters.standbys.files import run, write_private
from pradrill.domain.run.host import MARKER

_MARK = f"""\
bootcmd:
  - - sh
    - -c
    - >-
      umask 022; mkdir -p {Path(MARKER).parent};
      {{ cat /etc/machine-id; echo '%s'; }} > {MARKER}.new && mv {MARKER}.new {MARKER}
"""
"""As early as it can be: before the SSH server has started."""


def make_key(path: Path, comment: str) -> None:
    """Make an SSH key pair, unless it is there."""
    if path.exists():
        return

    new = path.with_name(f".{path.name}.new")
    for leftover in (new, new.with_suffix(".pub")):
        leftover.unlink(missing_ok=True)
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", new])
    new.with_name(f"{new.name}.pub").replace(path.with_suffix(".pub"))
    new.replace(path)


def public_key(path: Path) -> str:
    """Return the public half of a key as "type base64"."""
    return " ".join(path.with_suffix(".pub").read_text(encoding="utf-8").split()[:2])


def make_machine_id(path: Path) -> None:
    """Make a machine-id, unless it is there."""
    if not path.exists():
        write_private(path, f"{uuid.uuid4().hex}\n")


def write_tar(path: Path, host_key: Path, user_key: Path, name: str) -> None:
    """Write the disk that one of our machines unpacks over its root."""
    hosts = f"127.0.0.1 localhost {name}\n10.0.2.2 lab-host\n"
    files = {
        "etc/ssh/ssh_host_ed25519_key": (host_key.read_text(encoding="utf-8"), 0o600),
        "etc/ssh/ssh_host_ed25519_key.pub": (f"{public_key(host_key)}\n", 0o644),
        "root/.ssh/authorized_keys": (f"{public_key(user_key)}\n", 0o600),
        "etc/hosts": (hosts, 0o644),
        "etc/hostname": (f"{name}\n", 0o644),
    }

    write_private(path, "")
    with tarfile.open(path, "w") as tar:
        for where, (text, mode) in files.items():
            info = tarfile.TarInfo(where)
            data = text.encode()
            info.size, info.mode = len(data), mode
            tar.addfile(info, io.BytesIO(data))


def write_cloud_init(
    folder: Path, host_key: Path, user_key: Path, name: str, *, marker: str | None = None
) -> None:
    """Write a NoCloud seed: host key and login, and a standby's marker with a line of ours."""
    folder.mkdir(mode=0o700, exist_ok=True)
    private = "".join(f"    {line}\n" for line in host_key.read_text("utf-8").splitlines())
    write_private(folder / "meta-data", f"instance-id: {os.urandom(8).hex()}\n")
    write_private(
        folder / "user-data",
        "#cloud-config\n"
        f"hostname: {name}\n"
        "disable_root: false\n"
        "ssh_deletekeys: true\n"
        "ssh_genkeytypes: [ed25519]\n"
        f"ssh_keys:\n  ed25519_private: |\n{private}"
        f"  ed25519_public: {public_key(host_key)}\n"
        "users:\n"
        "  - name: root\n"
        f'    ssh_authorized_keys: ["{public_key(user_key)}"]\n'
        f"{_MARK % marker if marker is not None else ''}",
    )
