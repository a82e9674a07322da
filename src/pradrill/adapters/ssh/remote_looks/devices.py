"""Look at what is attached, and at what processes hold open."""

from __future__ import annotations

import os

from pradrill.adapters.ssh.remote_looks.answer import begin, cannot, line, why
from pradrill.adapters.ssh.remote_looks.contents import MACHINE, folders_in, lines_of

BLOCK, DEV = "/sys/block", "/dev"  # a container sees all devices of its host in the first alone
SWAPS, MOUNTS = "/proc/swaps", "/proc/self/mounts"
PROC = "/proc"
SNAPS = "/var/lib/snapd/"  # whose files come and go
DELETED = " (deleted)"


def devices() -> None:
    """Print files that are devices, volumes that are open, and where is swapped."""
    begin("device")
    for name in folders_in(BLOCK):
        if not os.path.exists(f"{DEV}/{name.replace('!', '/')}"):  # noqa: PTH110 pathlib costs time
            continue
        for file in ("loop/backing_file", "dm/name"):
            try:
                content = lines_of(f"{BLOCK}/{name}/{file}")[0]
            except (FileNotFoundError, NotADirectoryError):  # it is none
                continue
            except OSError as error:
                cannot("device", why(error))
                continue
            if not content.startswith(SNAPS):
                line("device", "", content)
    for path in (each.split(None, 1)[0] for each in lines_of(SWAPS)[1:] if each.strip()):
        if not path.startswith("/dev/") or os.path.exists(path):  # noqa: PTH110
            line("device", "", f"{path} (swap)")


def mounts() -> None:
    """Print mount points with the kind of their file system, each as often as it is there."""
    for fields in (each.split(" ") for each in lines_of(MOUNTS)):
        if len(fields) > 2:  # noqa: PLR2004 what, where, kind
            line("mount", fields[2], fields[1])


def open_files(*roots: str) -> None:
    """Print what processes of this machine hold of paths that must be gone, and who does."""
    begin("open_file")
    if not roots:
        return
    if os.geteuid() != 0:
        cannot("open_file", "only root sees what others hold")
    tops = {
        (f"{path.rstrip('/')}/", each.rstrip("/"))
        for each in roots
        for path in (each, os.path.realpath(each))
    }
    for pid in filter(str.isdigit, folders_in(PROC)):
        try:
            links = {f"{each.replace(DELETED, '')}/" for each in held_by(pid)}
            below = {
                f"{declared}/{each[len(top) :]}".rstrip("/")
                for each in links
                for top, declared in tops
                if each.startswith(top)
            }
            if below and is_here(pid):
                name = lines_of(f"{PROC}/{pid}/comm")[0]
                for each in sorted(below):
                    line("open_file", "", f"{each}, held by {name}")
        except PermissionError as error:
            if pid != "1":  # it opens no data, and may be a container engine's
                cannot("open_file", why(error))
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            continue
        except OSError as error:
            cannot("open_file", why(error))


def held_by(pid: str) -> set[str]:
    """Return what a process holds; what it closes meanwhile is none of it."""
    links = ["exe", "cwd", "root", *(f"fd/{each}" for each in os.listdir(f"{PROC}/{pid}/fd"))]  # noqa: PTH208 as above
    paths = set()
    for each in links:
        try:
            paths.add(os.readlink(f"{PROC}/{pid}/{each}"))  # noqa: PTH115 quick
        except (FileNotFoundError, ProcessLookupError):
            continue
    return paths


def is_here(pid: str) -> bool:
    """Tell whether a process sees this machine's files, and not a container's of the same names."""
    if os.path.samefile(f"{PROC}/{pid}/ns/mnt", f"{PROC}/self/ns/mnt"):  # noqa: PTH121
        return True
    return os.path.samefile(f"{PROC}/{pid}/root{MACHINE}", MACHINE)  # noqa: PTH121
