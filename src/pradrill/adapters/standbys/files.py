"""Do the small file work that every part of the lab needs."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from pradrill.domain.run.host_answers import last_line
from pradrill.errors import BusyError, NotReadyError, PradrillError
from pradrill.system.command import as_root

PACKAGES = {
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "fakeroot": "fakeroot",
    "newuidmap": "uidmap",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "setsid": "util-linux",
    "prlimit": "util-linux",
    "cat": "coreutils",
}
_SYSTEM = "/usr/sbin:/sbin"
"""Debian keeps mke2fs where an unprivileged user's PATH does not look."""


def search_path() -> str:
    """Return PATH with the system's own programs in it."""
    return f"{os.environ.get('PATH', '/usr/bin:/bin')}:{_SYSTEM}"


def missing(programs: Sequence[str]) -> list[str]:
    """Return the Debian packages of the programs that are not installed."""
    return sorted({PACKAGES[each] for each in programs if which(each, path=search_path()) is None})


def require(programs: Sequence[str]) -> None:
    """Raise NotReadyError naming the Debian packages to install."""
    packages = missing(programs)
    if packages:
        words = " ".join(packages)
        raise NotReadyError(
            f"the lab needs programs that are not installed: {', '.join(packages)}",
            hint=f"Install them: {as_root(f'apt-get install --no-install-recommends {words}')}.",
        )


def run(
    command: Sequence[str | Path],
    *,
    deadline: float = 60,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    pipes: Sequence[int] = (),
) -> str:
    """Run a program and return what it prints; raises PradrillError with its last words.

    `pipes`: descriptors that it has, too, under the same numbers.
    """
    base = os.environ if environment is None else environment
    try:
        process = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=deadline,
            check=False,
            env={**base, "PATH": search_path(), "LC_ALL": "C.UTF-8"},
            cwd=folder,
            pass_fds=pipes,
        )
    except subprocess.TimeoutExpired as error:
        raise PradrillError(f"{command[0]} did not end within {deadline:g} s") from error
    if process.returncode != 0:
        reason = last_line(process.stderr) or f"exit code {process.returncode}"
        raise PradrillError(f"{command[0]} failed: {reason}")

    return process.stdout


@contextmanager
def lock_file(path: Path, what: str) -> Iterator[None]:
    """Hold a lock; raises BusyError when another process holds it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(
                f"another pradrill is working on {what}", hint="Wait until it is done."
            ) from None

        yield
    finally:
        os.close(handle)


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read; it appears whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 a descriptor, not a path
        file.write(text)
    new.replace(path)
