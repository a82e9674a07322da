"""Find what dead processes have left on this machine: folders, sockets, processes of ours alone."""

from __future__ import annotations

import os
import re
import shutil
import socket
import stat
from collections import defaultdict
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pradrill.system import processes, scratch
from pradrill.system.ownership import is_hidden, lives, signed

_PLACES = ("/run", "/dev/shm", "/tmp")  # noqa: S108 looked at only; beside those of `scratch`
_OF_A_RUN = re.compile(r"pradrill-(?:\d+-)?([0-9a-f]{12})(?:-\w+)?")
_OF_A_COMMAND = re.compile(r"pradrill-(?:plays|inventory|demo)-\w{8}")
_DAY = 86_400.0
_ARGUMENTS = 4  # in which the program's name stands, behind an interpreter and its options


def folders() -> dict[Path, str]:
    """Return every folder of ours outside the state → what its name tells of whose it is, if any.

    A name of another form, a link, or a folder that others may enter is not one that was made here.
    """
    whose = {}
    for base in dict.fromkeys([*scratch.places(), *_PLACES]):
        for path in sorted(Path(base).glob("pradrill-*")):
            of_run = _OF_A_RUN.fullmatch(path.name)
            if (of_run or _OF_A_COMMAND.fullmatch(path.name)) and _is_private(path):
                whose[path] = of_run[1] if of_run else ""
    return whose


def run_processes() -> dict[str, list[int]]:
    """Return run → our processes that carry its mark, this one aside."""
    pids: dict[str, list[int]] = defaultdict(list)
    ours = {*_our_processes()}
    for pid, marker in sorted(processes.marked()):
        if pid in ours:
            pids[marker.partition("/")[0]].append(pid)
    return dict(pids)


def _others_live() -> bool:
    """Tell whether another process of ours is pradrill: what is nobody's may be its."""
    above = _above(os.getpid())
    return any(_is_pradrill(pid) for pid in _our_processes() if pid not in above)


def is_deserted(folder: Path, now: datetime) -> bool:
    """Tell whether a folder that no run of this state has made is of nobody who lives.

    Its process has signed it; without that, it must be a day old, and nobody here be pradrill.
    """
    owner = signed(folder)
    if _is_served(folder):
        return False
    if owner is not None and (lives(owner) or is_hidden(owner) or owner.pid == os.getpid()):
        return False
    return owner is not None or (_is_old(folder, now) and not _others_live())


def _is_old(folder: Path, now: datetime) -> bool:
    try:
        return folder.stat().st_mtime < now.timestamp() - _DAY
    except OSError:
        return False


def _is_served(folder: Path) -> bool:
    """Tell whether somebody answers at a socket in a folder."""
    with suppress(OSError):  # it may be gone by now, as its owner is
        for path in folder.iterdir():
            with suppress(OSError), socket.socket(socket.AF_UNIX) as one:
                one.connect(str(path))
                return True
    return False


def remove(folder: Path) -> bool:
    """Remove a folder; tell whether it is gone."""
    if _is_private(folder):
        shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _is_private(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
    return ours and not status.st_mode & 0o077


def _our_processes() -> list[int]:
    pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with suppress(OSError):
                if entry.stat().st_uid == os.geteuid():
                    pids.append(int(entry.name))
    return sorted(pids)


def _is_pradrill(pid: int) -> bool:
    words = _read(pid, "cmdline").split(b"\0")[:_ARGUMENTS]
    return any(Path(os.fsdecode(word)).name == "pradrill" for word in words)


def _above(pid: int) -> set[int]:
    """Return a process's ancestors: a shell or sudo that started this command is no other one."""
    ancestors: set[int] = set()
    while pid > 0 and pid not in ancestors:
        ancestors.add(pid)
        fields = _read(pid, "stat").rpartition(b")")[2].split()
        pid = int(fields[1]) if fields else 0
    return ancestors


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:  # gone
        return b""
