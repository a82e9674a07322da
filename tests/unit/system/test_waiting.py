"""What a tool waits for when it gives no answer, as the kernel has it."""

from __future__ import annotations

import fcntl
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pradrill.ports import Bounds
from pradrill.system.command import CompletedCommand, run

BOUNDS = Bounds(0.3)
_QUEUE = 4  # more than a server takes that answers nobody


def late(*argv: str) -> CompletedCommand:
    """Run a command that does not end in time."""
    answer = run(argv, BOUNDS, extra={}, package="bash")
    assert answer.code is None
    return answer


def test_a_lock_is_told_with_its_holder(tmp_path: Path) -> None:
    """Whose lock a tool waits for stands in the kernel's table."""
    path = tmp_path / "lock"
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = late("flock", str(path), "true")
    wait = f"flock waits for the lock {path} that process {os.getpid()} holds"
    assert answer.waits.startswith(wait)
    assert answer.late(3.0) == f"did not answer in 3 s: {answer.waits}"


def test_a_holder_that_has_ended_is_not_named(tmp_path: Path) -> None:
    """Who took a lock may have left it to another; its number may be anybody's by now."""
    path = tmp_path / "lock"
    with path.open("w") as lock:
        subprocess.run(["flock", str(lock.fileno())], check=True, pass_fds=[lock.fileno()])
        wait = late("flock", str(path), "true").waits
        assert wait in {
            "",
            f"flock waits for the lock {path}",
        }  # "": a container's kernel tells none


@pytest.fixture(params=["127.0.0.1", "::1"])
def server(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """Return a server that answers nobody."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family) as server:
        server.bind((request.param, 0))
        server.listen(1)
        yield server


def test_a_host_is_told_that_does_not_answer(server: socket.socket) -> None:
    """One that lets nobody in is told apart from one that is silent."""
    address, port = server.getsockname()[:2]
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    script = ("bash", "-c", f"exec 3<>/dev/tcp/{address}/{port}; read x <&3")
    assert late(*script).waits == f"bash is still connected with {where}"
    with ExitStack() as others:
        for _ in range(_QUEUE):
            other = others.enter_context(socket.socket(server.family))
            other.setblocking(False)
            other.connect_ex(server.getsockname())
        assert late(*script).waits == f"bash knocks at {where}, which does not let it in"


def test_what_is_not_seen_is_not_told() -> None:
    """A tool that sleeps says nothing of why."""
    answer = late("sleep", "9")
    assert (answer.waits, answer.late(3.0)) == ("", "did not answer in 3 s")
