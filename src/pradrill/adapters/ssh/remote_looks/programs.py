"""Ask programs of the standby; sent with remote_inventory.py."""

from __future__ import annotations

import os
import select
import subprocess
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from collections.abc import Callable

LOOK, ASK = 20, 5  # seconds for each program, and for a database server's answer
MOST_OUTPUT = 16_777_216  # bytes that a program prints


def output_of(
    *words: str,
    within: float = LOOK,
    text: str = "",
    become: Callable[[], None] | None = None,
) -> str:
    """Return what a program prints; raises OSError or SubprocessError when it fails.

    Also when it goes on, or has printed more than is looked at: then it is ended.
    """
    process = subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin"},
        preexec_fn=become,  # noqa: PLW1509 there is no other thread
    )
    assert process.stdin and process.stdout  # noqa: S101, PT018 they are pipes
    deadline = time.monotonic() + within
    try:
        with process.stdin as entry:
            entry.write(text.encode())
    except BrokenPipeError:
        pass  # it reads nothing
    try:
        with process.stdout as exit_:
            output = output_until(deadline, exit_.fileno())
        code = process.wait(max(deadline - time.monotonic(), 0))
    except BaseException:
        stop(process)
        raise
    if code:
        raise subprocess.CalledProcessError(code, words[0])
    return output.decode("utf-8", "replace")


def output_until(deadline: float, handle: int) -> bytes:
    """Return all that comes there; raises SubprocessError of what does not end."""
    output = bytearray()
    while select.select([handle], [], [], max(deadline - time.monotonic(), 0))[0]:
        part = os.read(handle, 65_536)
        if not part:
            return bytes(output)
        output += part
        if len(output) > MOST_OUTPUT:
            raise subprocess.SubprocessError(f"more than {MOST_OUTPUT} bytes were printed")
    raise subprocess.SubprocessError("there was no answer in time")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a program, unless it has become another user, as sudo has; wait for it no longer."""
    try:
        process.kill()
        process.wait(1)
    except (PermissionError, subprocess.TimeoutExpired):
        pass
