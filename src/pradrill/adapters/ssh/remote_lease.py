"""Sent to the standby and run there: takes, renews and gives back the lease of a run.

Standard library only, Python 3.8 or later, never imported by pradrill. One argument, JSON: what
to do (take, renew, release, look), the holder's words (`run`, `controller`, `state`), `term` in
seconds, the `machine_id` that was proven, `over` (runs that have ended) and `lapsed`
(the holder's own lease may have run out unseen). Prints one JSON object: `came`, and what belongs
to it.

The lease is a file beside the marker, or, where the login may not write there, one of its own in a
folder that every login can write to; all of them count. Its end is told in seconds since boot,
beside the boot's id: no clock that is set moves it, and no reboot keeps it.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

MACHINE_ID = "/etc/machine-id"
MARKER = "/etc/pradrill/standby"
BESIDE_MARKER = "/etc/pradrill/lease"
SHARED = ("/run/lock", "/tmp")  # noqa: S108 for logins that are not root; every file is looked at
LONGEST = 4096

Words = Any  # a dictionary; Python 3.8 cannot say so outside annotations


def boot() -> tuple[str, float]:
    """Return which boot this is, and the seconds since it."""
    uptime = Path("/proc/uptime").read_text(encoding="ascii").split()[0]
    return first_line("/proc/sys/kernel/random/boot_id"), float(uptime)


def first_line(path: str) -> str:
    """Return a file's first line; nothing of one that is not there."""
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            return file.readline(LONGEST).strip()
    except OSError:
        return ""


def places(machine_id: str) -> list[str]:
    """Return where this login may keep the lease, the best place first."""
    own = [f"{folder}/pradrill-{machine_id}-{os.geteuid()}" for folder in SHARED]
    return [BESIDE_MARKER, *own]


def everywhere(machine_id: str) -> list[str]:
    """Return every lease that is there, of whichever login."""
    found = [path for folder in SHARED for path in Path(folder).glob(f"pradrill-{machine_id}-*")]
    return [BESIDE_MARKER, *sorted(str(path) for path in found)]


@contextmanager
def locked(path: str, make: bool) -> Iterator[int]:
    """Open a lease for one process at a time; raises OSError for what is no file of this login."""
    while True:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT if make else 0)
        handle = os.open(path, flags, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise PermissionError(f"{path} is not a file of this login")
            if status.st_nlink == 0:  # given back while this one waited for it
                continue
            yield handle
            return
        finally:
            os.close(handle)


def told(content: bytes) -> Words | None:
    """Return what a lease says; None for an empty one or one that cannot be read."""
    try:
        words = json.loads(content)
        return {**words, "until": float(words["until"]), "run": str(words["run"])}
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None


def read(path: str) -> Words | None:
    """Return what a lease says, without holding it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return told(os.read(handle, LONGEST))
    except OSError:  # a folder
        return None
    finally:
        os.close(handle)


def over(words: Words, asked: Words) -> str:
    """Say why a lease does not hold any more; nothing when it does."""
    which, now = boot()
    if words.get("boot") != which:
        return "rebooted"
    if now >= words["until"]:
        return "expired"
    if not words["until"] <= now + asked["term"]:  # so also what is no number
        return "impossible"
    return "ended" if words["run"] in asked["over"] else ""


def write(handle: int, asked: Words) -> None:
    """Write the asker's lease into an open file; a longer one before it leaves nothing."""
    which, now = boot()
    words = {key: asked[key] for key in ("run", "controller", "state")}
    content = json.dumps({**words, "boot": which, "until": now + asked["term"]}).encode()
    os.ftruncate(handle, 0)
    os.pwrite(handle, content, 0)
    os.fsync(handle)


def others(asked: Words, mine: str) -> Words | None:
    """Return a lease of somebody else's that holds, wherever it lies."""
    for path in everywhere(asked["machine_id"]):
        words = read(path) if path != mine else None
        if words is not None and words["run"] != asked["run"] and not over(words, asked):
            return words
    return None


def take(asked: Words) -> Words:
    """Take the lease, also from one that does not hold any more; never from one that does."""
    if first_line(MACHINE_ID) != asked["machine_id"]:
        return {"came": "unproven", "because": "its machine-id has changed"}
    if first_line(MARKER) != asked["machine_id"]:
        return {"came": "unproven", "because": "it does not carry its marker any more"}
    holds = others(asked, "")
    if holds is not None:
        return busy(holds)
    because = ""
    for path in places(asked["machine_id"]):
        try:
            return take_at(path, asked)
        except OSError as error:
            because = because or f"{path}: {error.strerror or error}"
    return {"came": "unwritable", "because": because}


def take_at(path: str, asked: Words) -> Words:
    """Take it in one place; raises OSError where this login cannot write."""
    with locked(path, make=True) as handle:
        before = told(os.read(handle, LONGEST))
        is_other = before is not None and before["run"] != asked["run"]
        ended = over(before, asked) if is_other else ""
        if is_other and not ended:
            return busy(before)
        write(handle, asked)
    holds = others(asked, path)
    if holds is not None:  # of another login, in the same instant
        release(asked)
        return busy(holds)
    return {"came": "held", "other": before if is_other else None, "because": ended}


def busy(holds: Words) -> Words:
    """Return whose lease holds, and for how many seconds more."""
    return {"came": "busy", "other": holds, "left": max(0.0, holds["until"] - boot()[1])}


def renew(asked: Words) -> Words:
    """Hold the lease on; it is lost when somebody has taken it, or may have meanwhile."""
    for path in places(asked["machine_id"]):
        with suppress(OSError), locked(path, make=False) as handle:
            words = told(os.read(handle, LONGEST))
            if words is not None and words["run"] == asked["run"]:
                write(handle, asked)
                return {"came": "held"}
            if words is not None:
                return {"came": "lost", "other": words}
    holds = others(asked, "")
    if holds is not None:
        return {"came": "lost", "other": holds}
    if asked["lapsed"]:
        return {"came": "lost", "other": None}
    return take_back(asked)


def take_back(asked: Words) -> Words:
    """Write a lease that the recovery itself removed, as one of all of /etc does."""
    for path in places(asked["machine_id"]):
        with suppress(OSError), locked(path, make=True) as handle:
            write(handle, asked)
            return {"came": "held"}
    return {"came": "unwritable", "because": "no place can be written to"}


def release(asked: Words) -> Words:
    """Remove the asker's own lease, and no other."""
    for path in places(asked["machine_id"]):
        with suppress(OSError), locked(path, make=False) as handle:
            words = told(os.read(handle, LONGEST))
            if words is None or words["run"] == asked["run"]:
                Path(path).unlink()
    return {"came": "released"}


def look(asked: Words) -> Words:
    """Return every lease that is there, with why it does not hold any more, if so."""
    leases = [words for path in everywhere(asked["machine_id"]) if (words := read(path))]
    return {"leases": [{**words, "over": over(words, asked)} for words in leases]}


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    does = {"take": take, "renew": renew, "release": release, "look": look}
    answer = does[request["do"]](request)
    sys.stdout.write(json.dumps(answer))
