"""Keep a file that another process writes from growing past a size, whoever of us still lives."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pradrill.errors import PradrillError

PROGRAMS = ("setsid", "prlimit", "cat")
"""What it takes of this machine."""


@contextmanager
def bounded_file(path: Path, largest: int) -> Iterator[int]:
    """Yield the end of a pipe whose bytes go into the file, made anew; raises PradrillError.

    A `cat` of its own writes them, until the pipe has no writer left or the kernel ends it at the
    size: for its writer that is a pipe that is closed. The size is its alone, and not one of all
    that the writer has, which is what a limit of QEMU's would be: its disk would end, too.
    """
    reader, writer = os.pipe()
    try:
        try:
            with path.open("wb") as file:
                subprocess.run(
                    ["setsid", "--fork", "prlimit", f"--fsize={largest}", "--core=0", "cat"],
                    stdin=reader,
                    stdout=file,
                    stderr=subprocess.DEVNULL,
                    check=True,
                    # No run's marker: it is not ended with the run, but with what writes.
                    env={"PATH": os.environ.get("PATH", os.defpath)},
                    cwd="/",
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise PradrillError(f"{path} cannot be kept small: setsid and prlimit do it") from error
        finally:
            os.close(reader)
        yield writer
    finally:
        os.close(writer)
