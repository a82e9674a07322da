"""Ask programs of the standby; sent with remote_inventory.py."""

from __future__ import annotations

import os
import subprocess

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from collections.abc import Callable

LOOK, ASK = 20, 5  # seconds for each program, and for a database server's answer


def output_of(
    *words: str,
    within: float = LOOK,
    text: str = "",
    become: Callable[[], None] | None = None,
) -> str:
    """Return what a program prints; raises OSError or SubprocessError when it fails."""
    devnull = subprocess.DEVNULL
    result = subprocess.run(
        words,
        input=text.encode(),
        stdout=subprocess.PIPE,
        stderr=devnull,
        timeout=within,
        check=True,
        cwd="/",
        env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin"},
        preexec_fn=become,
    )
    return result.stdout.decode("utf-8", "replace")
