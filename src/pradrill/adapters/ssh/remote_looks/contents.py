"""Read files and folders of the standby, and tell one content from another."""

from __future__ import annotations

import errno
import hmac
import os
import stat
import zlib
from heapq import nsmallest
from itertools import islice

from pradrill.adapters.ssh.remote_looks.answer import cannot, line, why

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from collections.abc import Callable, Iterator

MOST = 2_000  # files that are compared
LARGEST = 65_536  # bytes of a file whose content is compared, too
READ = 16_777_216  # bytes of any other, like keys and crontabs: a user's may never end
PART = 65_536  # bytes that are read at once: the kernel's own files bear no large read
MOST_ENTRIES = 50_000  # that are looked at in a folder, and below one
MOST_PASSED = 1_000_000  # that are passed over in a folder, to find others: it may have no end
HOST_KEYS = tuple(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("ed25519", "ecdsa", "rsa"))
MACHINE = "/etc/machine-id"
BOOT = "/proc/sys/kernel/random/boot_id"
TOP = "top"  # a line of what is looked at for a kind
DIGITS = 32  # of a machine-id; its file may hold none
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


def read(path: str) -> bytes:
    """Return what a file holds, as far as it is looked at; raises OSError where none lies.

    A pipe would hold it up, a device never end, or do something on being opened.
    """
    regular(path, os.stat(path))  # noqa: PTH116 pathlib costs time
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        regular(path, os.fstat(file))
        content = bytearray()
        while len(content) <= READ:  # the kernel's own files come a page at a time
            part = os.read(file, PART)
            if not part:
                break
            content += part
    finally:
        os.close(file)
    return bytes(content)


def regular(path: str, status: os.stat_result) -> None:
    """See that what lies there is a file."""
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is not a file", path)


def lines_of(path: str) -> list[str]:
    """Return the lines of a file; raises OSError where none lies, or one too large."""
    content = read(path)
    if len(content) > READ:
        raise OSError(errno.EFBIG, "is too large", path)
    return os.fsdecode(content).split("\n")


def first_entries(path: str) -> list[os.DirEntry[str]]:
    """Return what lies in a folder, by name; of more than are looked at those, and one."""
    with os.scandir(path) as each:
        every = islice(each, MOST_PASSED)
        return nsmallest(MOST_ENTRIES + 1, every, key=lambda one: one.name)


def names_of(path: str, is_one: Callable[[os.DirEntry[str]], bool]) -> list[str]:
    """Return the names of those in a folder, in order; none where there is none.

    Raises OSError where there are too many, or too many others. These are not kept.
    """
    names, count = [], 0
    try:
        with os.scandir(path) as each:
            for count, entry in enumerate(each, 1):
                if is_one(entry):
                    names.append(entry.name)
                if len(names) > MOST_ENTRIES or count > MOST_PASSED:
                    raise OSError(errno.EFBIG, f"has more than {MOST_ENTRIES} entries", path)
    except FileNotFoundError:
        return []
    return sorted(names)


def names_in(path: str) -> list[str]:
    """Return the names of the files in a folder that can be read; none where there is none."""
    return names_of(path, lambda entry: entry.is_file(follow_symlinks=False))


def folders_in(path: str) -> list[str]:
    """Return the names of the folders in a folder; none where there is none."""
    return names_of(path, lambda entry: entry.is_dir(follow_symlinks=False))


def folders_seen(path: str, *kinds: str) -> list[str]:
    """Return the same; that they cannot be told is said of those kinds, and ends no look."""
    try:
        return folders_in(path)
    except OSError as error:
        for kind in kinds:
            cannot(kind, why(error))
        return []


def files_below(kind: str, top: str, most: int = MOST_ENTRIES) -> Iterator[str]:
    """Yield the path of all below a folder that is none, or its own, in an order that stays.

    What cannot be looked into is said, and where there is more. It may lie deeper than Python
    calls itself.
    """
    try:
        if not stat.S_ISDIR(os.stat(top).st_mode):  # noqa: PTH116 pathlib costs time
            yield top
            return
    except (FileNotFoundError, NotADirectoryError):
        if os.path.islink(top):  # noqa: PTH114 likewise
            yield top
        return
    except OSError as error:
        cannot(kind, why(error))
        return

    waiting, count = [top], 0
    while waiting:
        folder = waiting.pop()
        try:
            inside = first_entries(folder)
        except FileNotFoundError:  # it has just gone
            continue
        except OSError as error:
            cannot(kind, why(error))
            continue

        count += 1 + len(inside)
        is_more = count > most or len(inside) > MOST_ENTRIES
        if is_more:
            inside = inside[:MOST]
        folders = {each.name for each in inside if is_folder(each)}
        waiting += [f"{folder}/{each.name}" for each in reversed(inside) if each.name in folders]
        yield from (f"{folder}/{each.name}" for each in inside if each.name not in folders)
        if is_more:
            cannot(kind, f"there are more than {min(most, count - 1)} below {top}")
            return


def paths_below(kind: str, *tops: str) -> Iterator[str]:
    """Yield the same for each of these, which are told, too: other versions look at others."""
    for top in tops:
        line(TOP, kind, top)
        yield from files_below(kind, top)


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Tell whether it is one, and no link to one."""
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def content_of(kind: str, path: str) -> str:
    """Return what tells one content from another; of what is no file nothing.

    What cannot be read is said, and of what only the beginning is compared.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 pathlib costs time
            return ""
        content = read(path)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        cannot(kind, why(error))
        return ""
    if len(content) > READ:
        cannot(kind, f"{path}: of more than {READ} bytes the first are compared")
    return digest(path, content[:READ])


def secret() -> bytes:
    """Return what makes digests tell nothing elsewhere: a key of the machine's, or its number.

    Neither is recorded. Without a number a login that may read no key compares until the next boot.
    """
    for path in () if SECRET else (*HOST_KEYS, MACHINE, BOOT):
        try:
            content = read(path)
        except OSError:
            if path == BOOT:
                raise
            continue
        if path != MACHINE or len(content) >= DIGITS:
            SECRET.append(hmac.new(content, b"pradrill inventory", "sha256").digest())
            break
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
    count = 0
    for root in roots:
        for path in files_below("file", root):
            count += 1
            if count > MOST:
                cannot("file", f"there are more than {MOST} below {', '.join(roots)}")
            if count > MOST or not line("file", state_of("file", path), path):
                return


def state_of(kind: str, path: str) -> str:
    """Return a file's size, rights and owners, and its content's digest; nothing of one gone."""
    try:
        status = os.lstat(path)
        parts = [str(status.st_size), f"{status.st_mode:o}", str(status.st_uid), str(status.st_gid)]
        if stat.S_ISLNK(status.st_mode):
            parts.append(f"{zlib.crc32(os.readlink(path).encode(errors='surrogateescape')):x}")  # noqa: PTH115 as above
    except FileNotFoundError:
        return ""
    except OSError as error:
        cannot(kind, why(error))
        return ""
    if stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST:
        parts.append(content_of(kind, path))
    return ":".join(parts)
