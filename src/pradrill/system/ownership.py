"""Tell which process this is, and whether another one lives: by boot, pid and start time."""

from __future__ import annotations

import os
import pwd
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from pradrill.domain.run.owner import Doing, Owner

_PROC = Path("/proc")
_BOOT_ID = _PROC / "sys/kernel/random/boot_id"
_SIGNED = ".owner"
_STATE, _START = 0, 19  # fields of /proc/PID/stat behind the name
_DEAD = {"Z", "X"}


def this_process(doing: Doing) -> Owner:
    """Return this process, as another one recognises it."""
    pid = os.getpid()
    start = _start_of(pid) or 0
    return Owner(
        pid=pid,
        start=start,
        boot=boot(),
        pids=_pid_namespace(),
        since=_instant(start),
        user=_user(),
        doing=doing,
    )


def lives(owner: Owner) -> bool:
    """Tell whether it is a process of this boot that is still there, and not this one."""
    if owner.pid == os.getpid() or owner.boot != boot():
        return False
    return _start_of(owner.pid) == owner.start


def is_hidden(owner: Owner) -> bool:
    """Tell whether it may live where nobody here sees it: in a container that shares a folder."""
    return owner.boot == boot() and owner.pids not in {None, _pid_namespace()}


def started(pid: int) -> datetime | None:
    """Return when a living process of this machine began; None of one that is gone."""
    ticks = _start_of(pid)
    return None if ticks is None else _instant(ticks)


def sign(folder: Path) -> None:
    """Leave in a folder whose it is; a full disk changes nothing."""
    with suppress(OSError):
        path = folder / _SIGNED
        path.write_text(this_process(Doing.RUN).model_dump_json(), encoding="utf-8")
        path.chmod(0o600)


def signed(folder: Path) -> Owner | None:
    """Return whose a folder is, as that process has left it there."""
    with suppress(OSError, ValidationError):
        return Owner.model_validate_json((folder / _SIGNED).read_bytes())
    return None


def boot() -> str:
    """Return the id of this boot of the machine."""
    return _BOOT_ID.read_text(encoding="ascii").strip()


def _pid_namespace() -> str | None:
    with suppress(OSError):
        return str((_PROC / "self/ns/pid").readlink())
    return None


def _start_of(pid: int) -> int | None:
    """Return a living process's start in ticks since the boot; None of one that is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[_STATE] in _DEAD else int(fields[_START])


def _instant(ticks: int) -> datetime | None:
    lines = (_PROC / "stat").read_text(encoding="ascii", errors="replace").splitlines()
    booted = next((line.split()[1] for line in lines if line.startswith("btime ")), None)
    if booted is None:
        return None
    return datetime.fromtimestamp(int(booted) + ticks // os.sysconf("SC_CLK_TCK"), UTC)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
