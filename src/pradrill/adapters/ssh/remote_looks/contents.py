"""Read files and folders of the standby, and tell one content from another."""

from __future__ import annotations

import hmac
import os
import stat
import zlib

from pradrill.adapters.ssh.remote_looks.answer import cannot, line, why

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from collections.abc import Iterator

MOST = 2_000  # files that are compared
LARGEST = 65_536  # bytes of a file whose content is compared, too
READ = 16_777_216  # bytes of any other, like keys and crontabs: a user's may never end
HOST_KEYS = tuple(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("ed25519", "ecdsa", "rsa"))
BOOT = "/proc/sys/kernel/random/boot_id"  # recorded nowhere
SECRET: list[bytes] = []  # once it was read; it never leaves the machine


def may_be_there(path: str) -> bool:
    """Tell whether something is there, or lies where this login cannot look."""
    try:
        os.stat(path)  # noqa: PTH116 pathlib costs time
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True


def lines_of(path: str) -> list[str]:
    """Return the lines of a file."""
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 pathlib costs time
        return file.read().split("\n")


def names_in(path: str) -> list[str]:
    """Return the names of the files in a folder that can be read; none where there is none."""
    try:
        with os.scandir(path) as entries:
            return [each.name for each in entries if each.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return []


def folders_in(path: str) -> list[str]:
    """Return the names of the folders in a folder; none where there is none."""
    try:
        with os.scandir(path) as entries:
            return sorted(each.name for each in entries if each.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def files_below(top: str) -> Iterator[str]:
    """Yield the path of every file below a folder, or the file's own."""
    if os.path.isfile(top):  # noqa: PTH113 pathlib costs time
        yield top
    for folder, _, names in os.walk(top):
        for name in names:
            yield f"{folder}/{name}"


def content_of(path: str) -> str:
    """Return what tells one content from another; of a pipe nothing."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would hold it up
    except OSError:
        return ""
    with open(file, "rb") as content:  # noqa: PTH123 a descriptor
        status = os.fstat(file)
        most = READ if status.st_size > READ else -1  # the kernel's own files bear no large read
        return digest(path, content.read(most)) if stat.S_ISREG(status.st_mode) else ""


def secret() -> bytes:
    """Return what makes digests tell nothing elsewhere: a key of the machine's, or of this boot's.

    Who may read no private key of the machine can compare until its next start.
    """
    for path in () if SECRET else (*HOST_KEYS, BOOT):
        try:
            with open(path, "rb") as file:  # noqa: PTH123 pathlib costs time
                SECRET.append(hmac.new(file.read(), b"pradrill inventory", "sha256").digest())
            break
        except OSError:
            if path == BOOT:
                raise
    return SECRET[0]


def digest(name: str, content: bytes) -> str:
    """Return what tells one content of a thing from another, after eight digits of its key.

    The same content has another one by another name: nobody learns whose passwords are alike.
    """
    text = name.encode(errors="surrogateescape") + b"\0" + content
    key, state = (hmac.new(secret(), each, "sha256").hexdigest() for each in (b"", text))
    return f"{key[:8]}~{state[:16]}"


def files(*roots: str) -> None:
    """Print the files below declared folders with their state, in an order that stays."""

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            cannot("file", why(error))

    count = 0
    for root in roots:
        if not os.path.isdir(root) and os.path.lexists(root):  # noqa: PTH112 as above
            line("file", state_of(root), root)
        for folder, folders, names in os.walk(root, onerror=refuse):
            links = [each for each in folders if os.path.islink(f"{folder}/{each}")]  # noqa: PTH114
            folders.sort()
            for name in sorted((*names, *links)):
                path = f"{folder}/{name}"
                count += 1
                if count > MOST:
                    cannot("file", f"there are more than {MOST} below {', '.join(roots)}")
                if count > MOST or not line("file", state_of(path), path):
                    return


def state_of(path: str) -> str:
    """Return a file's size, rights and owners, and its content's digest; nothing of one gone."""
    try:
        status = os.lstat(path)
        parts = [str(status.st_size), f"{status.st_mode:o}", str(status.st_uid), str(status.st_gid)]
        if stat.S_ISLNK(status.st_mode):
            parts.append(f"{zlib.crc32(os.readlink(path).encode(errors='surrogateescape')):x}")  # noqa: PTH115 as above
        elif stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST:
            parts.append(content_of(path))
        return ":".join(parts)
    except OSError:
        return ""
