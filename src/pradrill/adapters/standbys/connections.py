"""Close the SSH connections that a run shares, also those of a process that is gone."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree
from stat import S_ISSOCK

from pradrill.errors import NotReadyError
from pradrill.system import ssh_sockets as sockets

_DEADLINE = 10


def close_connections(run_id: str) -> Sequence[str]:
    """Close a run's connections and remove their folder; say which could not be closed."""
    connections = sockets.folder_for(run_id)
    try:
        sockets.check_private(connections)
    except FileNotFoundError:
        return []
    except NotReadyError as error:
        return [error.message]

    left = [
        f"the SSH connection of {socket} is still open"
        for socket in connections.iterdir()
        if not _closed(socket)
    ]
    if not left:
        rmtree(connections, ignore_errors=True)

    return left


def _closed(socket: Path) -> bool:
    """Tell the connection behind a socket to go; one that nobody serves is gone already."""
    if not S_ISSOCK(socket.lstat().st_mode):
        return True

    command = ["ssh", "-F", "/dev/null", "-S", str(socket), "-O"]
    for order in ("exit", "check"):
        try:
            process = subprocess.run(
                [*command, order, "any"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_DEADLINE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False

    return process.returncode != 0
