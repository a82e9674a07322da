"""What another process writes stays small, and goes on being small when nobody of ours lives."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import pytest

from pradrill.adapters.standbys.lab.bounded_file import bounded_file
from pradrill.adapters.standbys.lab.capture import is_written

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


@contextmanager
def _machine(pipe: int) -> Iterator[int]:
    """Give the port of something that speaks first, as sshd does, and whose words go to a pipe."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                with line, suppress(BrokenPipeError):
                    line.sendall(b"SSH-2.0-\r\n")
                    os.write(pipe, b"a frame")

        speaker = Thread(target=speak)
        speaker.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            speaker.join()


def _writer(path: Path) -> int:
    """Return what writes the file, by its open descriptor."""
    for each in Path("/proc").glob("[0-9]*/fd/1"):
        with suppress(OSError):
            if each.readlink() == path and (each.parents[1] / "comm").read_text() == "cat\n":
                return int(each.parts[2])
    raise AssertionError(path)


def test_a_capture_whose_writer_is_ended_or_stopped_is_told(tmp_path: Path) -> None:
    """The machine is made to send, and the file is looked at: whatever keeps it from growing."""
    path = tmp_path / "sent"
    with bounded_file(path, 10_000) as pipe, _machine(pipe) as port:
        assert is_written(path, port, time.sleep)
        os.kill(_writer(path), signal.SIGSTOP)
        assert not is_written(path, port, time.sleep)
        os.kill(_writer(path), signal.SIGCONT)
        assert is_written(path, port, time.sleep)
        os.kill(_writer(path), signal.SIGKILL)
        assert not is_written(path, port, time.sleep)
    assert not is_written(path, 1, time.sleep)  # a machine that is gone


def test_a_file_ends_at_its_size_when_who_started_it_was_killed(tmp_path: Path) -> None:
    """By kill -9, before the writer had begun."""
    words = [sys.executable, "-c", _KILLED, str(tmp_path / "sent"), str(LARGEST)]
    subprocess.run([*words, sys.executable, "-c", _WRITER], check=False, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while (tmp_path / "sent").stat().st_size < LARGEST and time.monotonic() < end:
        time.sleep(0.02)
    time.sleep(0.2)
    assert (tmp_path / "sent").stat().st_size == LARGEST
