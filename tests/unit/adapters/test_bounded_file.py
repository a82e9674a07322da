"""What another process writes stays small, and goes on being small when nobody of ours lives."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pradrill.adapters.standbys.lab.bounded_file import bounded_file

LARGEST = 200
_KILLED = """
import os, subprocess, sys
from pathlib import Path
from pradrill.adapters.standbys.lab.bounded_file import bounded_file
with bounded_file(Path(sys.argv[1]), int(sys.argv[2])) as pipe:
    subprocess.Popen(sys.argv[3:] + [f"/dev/fd/{pipe}"], pass_fds=[pipe], start_new_session=True)
    os.kill(os.getpid(), 9)
"""
_WRITER = "import sys;to=open(sys.argv[1],'wb',0)\nwhile True: to.write(b'a frame ' * 10)"


def _write_on(pipe: int) -> None:
    for _ in range(1_000):
        os.write(pipe, b"a frame " * 10)
        time.sleep(0.01)


def test_a_file_ends_at_its_size_and_its_writer_is_told(tmp_path: Path) -> None:
    """To the byte; the pipe is closed, which a program like QEMU takes for a failed write."""
    with bounded_file(tmp_path / "sent", LARGEST) as pipe, pytest.raises(BrokenPipeError):
        _write_on(pipe)
    assert (tmp_path / "sent").read_bytes() == (b"a frame " * 25)


def test_a_file_ends_at_its_size_when_who_started_it_was_killed(tmp_path: Path) -> None:
    """By kill -9, before the writer had begun."""
    words = [sys.executable, "-c", _KILLED, str(tmp_path / "sent"), str(LARGEST)]
    subprocess.run([*words, sys.executable, "-c", _WRITER], check=False, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while (tmp_path / "sent").stat().st_size < LARGEST and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.2)
    assert (tmp_path / "sent").stat().st_size == LARGEST
