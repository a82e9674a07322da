"""Sent to the host and run there: reads the standby marker, and tells whether it can be one.

Standard library only, Python 3.8 or later, never imported by pradrill. Argument: the marker's
path. Each folder on the way is opened from the one above it, so that what was looked at is what is
read. Prints a JSON object: the file's "content" (null: there is none), or the "fault" and the path
("at") that it is about.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import sys

LONGEST = 4_096
OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class NoMarker(Exception):  # noqa: N818 not an error: an answer
    """What lies there is no marker."""


def opened(name: str, above: int | None, at: str, *, folder: bool) -> int:
    """Open one part of the path without following a link; refuse what others can change."""
    try:
        found = os.open(name, LOOK | (os.O_DIRECTORY if folder else 0), dir_fd=above)
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise
        is_link = stat.S_ISLNK(os.lstat(at).st_mode)
        wrong = "not a file" if error.errno in {errno.ENOTDIR, errno.ENXIO} else "unreadable"
        raise NoMarker("link" if is_link else wrong, at) from error
    status = os.fstat(found)
    if not (stat.S_ISDIR(status.st_mode) if folder else stat.S_ISREG(status.st_mode)):
        raise NoMarker("not a file", at)
    if status.st_uid != 0:
        raise NoMarker("owner", at)
    sticky = folder and status.st_mode & stat.S_ISVTX  # nobody replaces a file of root's in it
    if status.st_mode & OTHERS_MAY_WRITE and not sticky:
        raise NoMarker("writable", at)
    return found


def content_of(path: str) -> str | None:
    """Return what the marker holds; None when there is none. Raises NoMarker."""
    at, here = "/", None
    parts = path.strip("/").split("/")
    try:
        here = opened("/", None, "/", folder=True)
        for number, part in enumerate(parts, 1):
            at = os.path.join(at, part)  # noqa: PTH118 sent alone, and short
            here = opened(part, here, at, folder=number < len(parts))
    except FileNotFoundError:
        return None
    status = os.fstat(here)
    if status.st_nlink != 1 or is_machine_id(status):
        raise NoMarker("shared", path)
    return os.read(here, LONGEST).decode("utf-8", "replace")


def is_machine_id(status: os.stat_result) -> bool:
    """Tell whether a file is /etc/machine-id itself, mounted elsewhere."""
    try:
        return os.path.samestat(status, os.stat("/etc/machine-id"))  # noqa: PTH116 as above
    except OSError:
        return False


def main(path: str) -> None:
    """Look, and tell."""
    try:
        told = {"content": content_of(path)}
    except NoMarker as fault:
        told = {"fault": fault.args[0], "at": fault.args[1]}
    except OSError:
        told = {"fault": "unreadable", "at": path}
    print(json.dumps(told))  # noqa: T201 this is the answer


if __name__ == "__main__":
    main(sys.argv[1])
