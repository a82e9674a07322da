"""Take, renew and give back the lease of a run; sent to the standby and run there.

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
import time
from contextlib import contextmanager, suppress
from itertools import chain

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time, as tempfile and pathlib do
    from collections.abc import Iterator
    from typing import Any

    Words = Any  # a dictionary; Python 3.8 cannot say so outside annotations

MACHINE_ID = "/etc/machine-id"
MARKER = "/etc/pradrill/standby"
BESIDE_MARKER = "/etc/pradrill/lease"
SHARED = ("/run/lock", "/tmp")  # noqa: S108 for logins that are not root; every file is looked at
LONGEST = 4096
LOCK_TRIES, LOCK_PAUSE = 30, 0.1  # seconds
NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def boot() -> tuple[str, float]:
    """Return which boot this is, and the seconds since it."""
    uptime = first_line("/proc/uptime").split()[0]
    return first_line("/proc/sys/kernel/random/boot_id"), float(uptime)


def first_line(path: str) -> str:
    """Return a file's first line; nothing of one that is not there."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 as above
            return file.readline(LONGEST).strip()
    except OSError:
        return ""


def places(machine_id: str) -> list[str]:
    """Return where this login may keep the lease, the best place first; last where it once had to.

    Whoever makes a file of that name first, in a folder for all, must not keep this login from it.
    """
    files = [f"{folder}/{name(machine_id)}" for folder in SHARED]
    spare = [path for path in shared(machine_id) if is_own(path) and path not in files]
    return [BESIDE_MARKER, *files, *spare]


def name(machine_id: str) -> str:
    """Return what this login's lease is called in a folder for all."""
    return f"pradrill-{machine_id}-{os.geteuid()}"


def is_own(path: str) -> bool:
    """Tell whether a file is this login's."""
    try:
        return os.lstat(path).st_uid == os.geteuid()
    except OSError:
        return False


def new_places(machine_id: str) -> Iterator[str]:
    """Make an empty file under a name that nobody could make before."""
    for folder in SHARED:
        with suppress(OSError):
            path = f"{folder}/{name(machine_id)}.{os.urandom(8).hex()}"
            os.close(os.open(path, NEW, 0o600))
            yield path


def shared(machine_id: str) -> list[str]:
    """Return what lies in the folders for all, of whichever login."""
    paths = []
    for folder in SHARED:
        with suppress(OSError):
            paths += [f"{folder}/{each}" for each in os.listdir(folder)]  # noqa: PTH208 as above
    return sorted(path for path in paths if f"/pradrill-{machine_id}-" in path)


def everywhere(machine_id: str) -> list[str]:
    """Return every lease that is there."""
    return [BESIDE_MARKER, *shared(machine_id)]


def lock(handle: int, path: str) -> None:
    """Wait until no other process of a controller's is at it; whoever holds on to it is none."""
    for _ in range(LOCK_TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(LOCK_PAUSE)
    raise PermissionError(f"{path} is kept locked by somebody")


@contextmanager
def locked(path: str, make: bool) -> Iterator[int]:
    """Open a lease for one process at a time; raises OSError unless the file is this login's."""
    while True:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | (os.O_CREAT if make else 0)
        handle = os.open(path, flags, 0o644)
        try:
            lock(handle, path)
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
                raise PermissionError(f"{path} is not a file of this login")
            os.fchmod(handle, 0o644)  # whatever the login's umask: another's must see it
            if status.st_nlink == 0:  # given back while this one waited for it
                continue

            yield handle
            return
        finally:
            os.close(handle)


def words_in(content: bytes) -> Words | None:
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
        return words_in(os.read(handle, LONGEST))
    except OSError:  # a folder
        return None
    finally:
        os.close(handle)


def over(words: Words, request: Words) -> str:
    """Say why a lease does not hold any more; nothing when it does."""
    which, now = boot()
    if words.get("boot") != which:
        return "rebooted"
    if now >= words["until"]:
        return "expired"
    if not words["until"] <= now + request["term"]:  # so also what is no number
        return "impossible"

    return "ended" if words["run"] in request["over"] else ""


def write(handle: int, request: Words) -> None:
    """Write the asker's lease into an open file; a longer one before it leaves nothing."""
    which, now = boot()
    words = {key: request[key] for key in ("run", "controller", "state")}
    content = json.dumps({**words, "boot": which, "until": now + request["term"]}).encode()
    os.ftruncate(handle, 0)
    os.pwrite(handle, content, 0)
    os.fsync(handle)


def others(request: Words, excluded: str) -> Words | None:
    """Return a lease of somebody else's that holds, wherever it lies."""
    for path in everywhere(request["machine_id"]):
        words = read(path) if path != excluded else None
        if words is not None and words["run"] != request["run"] and not over(words, request):
            return words
    return None


def take(request: Words) -> Words:
    """Take the lease, also from one that does not hold any more; never from one that does."""
    if first_line(MACHINE_ID) != request["machine_id"]:
        return {"came": "unproven", "because": "its machine-id has changed"}
    if first_line(MARKER) != request["machine_id"]:
        return {"came": "unproven", "because": "it does not carry its marker any more"}

    holds = others(request, "")
    if holds is not None:
        return busy(holds)

    closed: dict[str, str] = {}  # folder: why it is none for this login
    for path in chain(places(request["machine_id"]), new_places(request["machine_id"])):
        try:
            return take_at(path, request)
        except OSError as error:
            closed.setdefault(path.rpartition("/")[0], error.strerror or str(error))

    because = ", ".join(f"{folder}: {why}" for folder, why in closed.items())
    return {"came": "unwritable", "because": because}


def take_at(path: str, request: Words) -> Words:
    """Take it in one place; raises OSError where this login cannot write."""
    with locked(path, make=True) as handle:
        before = words_in(os.read(handle, LONGEST))
        is_other = before is not None and before["run"] != request["run"]
        ended = over(before, request) if is_other else ""
        if is_other and not ended:
            return busy(before)

        write(handle, request)

    holds = others(request, path)
    if holds is not None:  # of another login, in the same instant
        release(request)
        return busy(holds)

    return {"came": "held", "other": before if is_other else None, "because": ended}


def busy(holds: Words) -> Words:
    """Return whose lease holds, and for how many seconds more."""
    return {"came": "busy", "other": holds, "left": max(0.0, holds["until"] - boot()[1])}


def renew(request: Words) -> Words:
    """Hold the lease on; it is lost when somebody has taken it, or may have meanwhile."""
    for path in places(request["machine_id"]):
        with suppress(OSError), locked(path, make=False) as handle:
            words = words_in(os.read(handle, LONGEST))
            if words is not None and words["run"] == request["run"]:
                write(handle, request)
                return {"came": "held"}
            if words is not None:
                return {"came": "lost", "other": words}

    holds = others(request, "")
    if holds is not None:
        return {"came": "lost", "other": holds}
    if request["lapsed"]:
        return {"came": "lost", "other": None}

    return take_back(request)


def take_back(request: Words) -> Words:
    """Write a lease that the recovery itself removed, as one of all of /etc does."""
    for path in places(request["machine_id"]):
        with suppress(OSError), locked(path, make=True) as handle:
            write(handle, request)
            return {"came": "held"}
    return {"came": "unwritable", "because": "no place can be written to"}


def release(request: Words) -> Words:
    """Remove the asker's own lease, and no other."""
    for path in places(request["machine_id"]):
        with suppress(OSError), locked(path, make=False) as handle:
            words = words_in(os.read(handle, LONGEST))
            if words is None or words["run"] == request["run"]:
                os.unlink(path)  # noqa: PTH108 as above

    return {"came": "released"}


def look(request: Words) -> Words:
    """Return every lease that is there, with why it does not hold any more, if so."""
    leases = [words for path in everywhere(request["machine_id"]) if (words := read(path))]
    return {"leases": [{**words, "over": over(words, request)} for words in leases]}


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    does = {"take": take, "renew": renew, "release": release, "look": look}
    answer = does[request["do"]](request)
    sys.stdout.write(json.dumps(answer))
