"""Give a tool what must not lie on a disk: through a pipe, or in a folder of memory."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

from pradrill.system import scratch
from pradrill.system.ownership import sign

_TICK = 0.01
_MEMORY = (Path("/dev/shm"), Path("/run"))  # noqa: S108 folders in it are made 0700
_LONGEST_FOLDER = 50  # Ansible 2.20 and newer put a socket below it; a socket's path is short


class Pipe:
    """A file that can be read once, and lies nowhere: offered before its content is known.

    Who opens it waits for the content; when this process dies before, what is read is empty.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path, 0o600)
        both = os.open(path, os.O_RDWR)  # else the next line would wait for a reader
        self._writer = os.open(path, os.O_WRONLY)
        os.close(both)

    @contextmanager
    def fed(self, text: str) -> Iterator[Path]:
        """Give it its content, while it may be read."""
        over = Event()
        feeder = Thread(target=self._feed, args=(text.encode(), over), daemon=True)
        feeder.start()

        try:
            yield self.path
        finally:
            over.set()
            feeder.join(1.0)
            self.close()

    def close(self) -> None:
        """Offer it no longer."""
        self._let_go()
        self.path.unlink(missing_ok=True)

    def _feed(self, content: bytes, over: Event) -> None:
        """Write the content once somebody reads; nobody may ever do."""
        while not over.wait(_TICK):
            try:
                pipe = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno == errno.ENXIO:  # nobody has opened it yet
                    continue
                return

            self._let_go()  # what is read ends with the content
            os.set_blocking(pipe, True)
            with suppress(BrokenPipeError), open(pipe, "wb") as file:  # noqa: PTH123 a descriptor
                file.write(content)

            return

    def _let_go(self) -> None:
        writer, self._writer = self._writer, -1
        if writer >= 0:
            os.close(writer)


@contextmanager
def piped(path: Path, text: str) -> Iterator[Path]:
    """Offer a text as a file that can be read once: the path names a pipe, which holds no data."""
    with Pipe(path).fed(text):
        yield path


@contextmanager
def memory_file(content: bytes) -> Iterator[Path]:
    """Offer a content as a file that lies in memory alone: no disk can be too full for it."""
    file = os.memfd_create("pradrill")
    try:
        with open(file, "wb", closefd=False) as memory:
            memory.write(content)
        yield Path(f"/proc/{os.getpid()}/fd/{file}")
    finally:
        os.close(file)


def folder(marker: str) -> Path:
    """Make a folder for a run: in memory where this machine lets us, private in any case.

    Its name follows from the run's marker, so that the next command finds what a kill left.
    """
    folder = Path(tempfile.mkdtemp(prefix=scratch.prefix(marker), dir=_base()))
    sign(folder)
    return folder


def folders(marker: str) -> list[Path]:
    """Return what is left of a run's folders. Nobody else's folder is among them."""
    paths = []
    for base in scratch.places():
        for path in Path(base).glob(f"{scratch.prefix(marker)}*"):
            with suppress(OSError):
                if not path.is_symlink() and path.stat().st_uid == os.geteuid():
                    paths.append(path)
    return paths


def sweep(marker: str, keep: Path | None = None) -> None:
    """Remove what is left of a run's folders, but for one."""
    for path in folders(marker):
        if path != keep:
            shutil.rmtree(path, ignore_errors=True)


def _base() -> str:
    for base in _MEMORY:
        if base.is_mount() and scratch.has_room(str(base)):
            return str(base)
    usual = scratch.base()
    return usual if len(usual) <= _LONGEST_FOLDER else "/tmp"  # noqa: S108 made 0700
