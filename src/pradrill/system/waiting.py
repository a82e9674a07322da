"""Tell what a tool waits for that gives no answer, as the kernel has it: a lock, a host, a disk."""

from __future__ import annotations

import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_SESSION, _STATE = 3, 0  # among the words behind the name in a process's stat
_CONNECTED, _KNOCKING = "01", "02"  # states of a socket of TCP
_ASLEEP = "D"
_LOOKS, _PAUSE = 5, 0.1
_HELD = re.compile(r"(\d+): (-> )?\S+\s+\S+\s+\S+\s+(-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+)")
_SOCKET = re.compile(r"socket:\[(\d+)\]")
_V4 = 8  # digits of an address


def wait_of(session: int) -> str:
    """Return what a process of a session does that has not ended; empty: that is not seen."""
    for pid, name, _ in _members(session):
        if wait := _lock(pid) or _disk(session, pid) or _host(pid):
            return f"{name} {wait}"
    return ""


def _members(session: int) -> Iterator[tuple[int, str, str]]:
    """Yield the id, name and state of each process of a session, the youngest first."""
    pids = sorted(
        (int(each.name) for each in _PROC.iterdir() if each.name.isdecimal()), reverse=True
    )
    for pid in pids:
        with suppress(OSError, ValueError, IndexError):
            text = (_PROC / str(pid) / "stat").read_text("utf-8", "replace")
            words = text.rpartition(") ")[2].split()
            if int(words[_SESSION]) == session:
                yield pid, text.partition("(")[2].rpartition(")")[0], words[_STATE]


def _lock(pid: int) -> str:
    """Return the lock that a process waits for, and whose it is."""
    holders: dict[str, int] = {}
    with suppress(OSError):
        for line in (_PROC / "locks").read_text().splitlines():
            match = _HELD.match(line.strip())
            if match is None:
                continue
            number, waits, owner, *_, inode = match.groups()
            if not waits:
                holders[number] = int(owner)
            elif int(owner) == pid:
                paths = {str(path) for path, _ in _open_files(pid, inode)}
                path = paths.pop() if len(paths) == 1 else "of a file"
                return f"waits for the lock {path}{_holder(holders.get(number, 0), inode)}"
    return ""


def _open_files(pid: int, inode: str) -> Iterator[tuple[Path, str]]:
    """Yield each descriptor of a file that a process has: its path, and what the kernel tells.

    The file itself is not looked at: its mount may not answer.
    """
    with suppress(OSError):
        for each in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                facts = (_PROC / str(pid) / "fdinfo" / each.name).read_text("utf-8", "replace")
                if re.search(rf"(?m)^ino:\s*{inode}$", facts):
                    yield each.readlink(), facts


def _holder(pid: int, inode: str) -> str:
    """Return who holds a lock: who took it may have ended, and left it to those it had begun."""
    with suppress(OSError):
        if pid > 0 and any("\nlock:" in facts for _, facts in _open_files(pid, inode)):
            name = (_PROC / str(pid) / "comm").read_text("utf-8", "replace").strip()
            return f" that process {pid} holds ({name})"
    return ""


def _disk(session: int, pid: int) -> str:
    """Tell of a process that sleeps in the kernel all along: one look may meet any that reads."""
    for _ in range(_LOOKS):
        if (pid, _ASLEEP) not in [(each, state) for each, _, state in _members(session)]:
            return ""
        time.sleep(_PAUSE)
    return "sleeps in the kernel, as over a disk or a mount that does not answer"


def _host(pid: int) -> str:
    """Return the host that a process is connected with, or knocks at."""
    sockets = set()
    with suppress(OSError):
        for each in (_PROC / str(pid) / "fd").iterdir():
            with suppress(OSError):
                if match := _SOCKET.fullmatch(str(each.readlink())):
                    sockets.add(match[1])
    for protocol in ("tcp", "tcp6"):
        with suppress(OSError, ValueError):
            table = (_PROC / str(pid) / "net" / protocol).read_text().splitlines()[1:]
            for _, _, remote, state, *words in (line.split() for line in table):
                if words[5] not in sockets:
                    continue
                if state == _KNOCKING:
                    return f"knocks at {_address(remote)}, which does not let it in"
                if state == _CONNECTED:
                    return f"is still connected with {_address(remote)}"
    return ""


def _address(text: str) -> str:
    """Return ADDRESS:PORT of what the kernel writes in words of its own order."""
    digits, _, port = text.partition(":")
    words = [digits[at : at + 8] for at in range(0, len(digits), 8)]
    raw = b"".join(struct.pack("=I", int(word, 16)) for word in words)
    if len(digits) == _V4:
        return f"{socket.inet_ntop(socket.AF_INET, raw)}:{int(port, 16)}"
    return f"[{socket.inet_ntop(socket.AF_INET6, raw)}]:{int(port, 16)}"
