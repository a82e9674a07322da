"""Deliver messages through Apprise, or through a program of the user's, each in its own process."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from pradrill.adapters.notifications import apprise_process
from pradrill.domain.values.masking import Masker
from pradrill.domain.values.secret_forms import SHORTEST
from pradrill.errors import UNREADABLE, NotReadyError

DEADLINE = 20.0
"""Seconds for one message; then its process is ended with all that it started."""


class EndedProcess(NamedTuple):
    """How a process ended: None when it was ended for being late."""

    code: int | None
    out: bytes


class AppriseMessenger:
    """Delivers by Apprise; the address is fetched when it is needed, and kept nowhere."""

    def __init__(
        self, address: str, resolve: Callable[[str], str], deadline: float = DEADLINE
    ) -> None:
        self._name, self._resolve = address, resolve
        self._deadline = deadline

    def deliver(self, subject: str, text: str) -> str | None:
        """Deliver it, or return why that was not possible, without any part of the address."""
        try:
            address = self._resolve(self._name).strip()
        except NotReadyError as error:
            return error.message

        given = json.dumps({"address": address, "subject": subject, "text": text})
        # By path: nothing else is imported there, and a broken package of ours does not matter.
        argv = [sys.executable, "-P", str(Path(apprise_process.__file__))]
        ended = _run(argv, given.encode(), {}, self._deadline, reads=True)
        if isinstance(ended, str):
            return ended
        if ended.code == apprise_process.MISSING:
            return f"Apprise is not installed: {install_command()}"
        if ended.code is None:
            return f"it did not end within {self._deadline:g} s"
        return _because(ended, address)


def is_installed() -> bool:
    """Tell whether Apprise is there, without importing it."""
    return find_spec("apprise") is not None


def install_command() -> str:
    """Return what installs Apprise beside pradrill, by how that was installed."""
    parts = Path(sys.prefix).parts
    if "pipx" in parts:
        return "pipx inject pradrill apprise"
    if "uv" in parts and "tools" in parts:
        return "uv tool install --with apprise pradrill"
    if find_spec("pip") is None:  # the .deb and the .rpm bring none along
        return f"pip --python {sys.executable} install apprise"
    return f"{sys.executable} -m pip install apprise"


class ProgramMessenger:
    """Delivers by a program of the user's, which gets the subject and the text."""

    def __init__(self, command: Sequence[str], deadline: float = DEADLINE) -> None:
        self._command, self._deadline = list(command), deadline

    def deliver(self, subject: str, text: str) -> str | None:
        """Start it and wait for its end; it has failed unless that is 0."""
        whole = f"{subject}\n\n{text}"
        extra = {"PRADRILL_SUBJECT": subject}
        ended = _run(self._command, whole.encode("utf-8", "replace"), extra, self._deadline)
        if isinstance(ended, str):
            return ended
        if ended.code is None:
            return f"{self._command[0]} did not end within {self._deadline:g} s"
        return None if ended.code == 0 else f"{self._command[0]} ended with {ended.code}"


def _run(
    argv: Sequence[str],
    fed: bytes,
    extra: Mapping[str, str],
    deadline: float,
    *,
    reads: bool = False,
) -> EndedProcess | str:
    """Run a process in a session of its own; return why it could not be started, if so.

    `reads`: what it prints is an answer; a program of the user's may print what it likes.
    """
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if reads else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **extra},
            start_new_session=True,  # Ctrl-C is for the drill
        )
    except (OSError, ValueError) as error:
        return f"{argv[0]} cannot be run: {getattr(error, 'strerror', None) or error}"

    try:
        out, _ = process.communicate(fed, timeout=deadline)
    except subprocess.TimeoutExpired:
        return EndedProcess(None, b"")
    finally:
        # What a program leaves behind that has ended may send a mail yet.
        if process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
    return EndedProcess(process.returncode, out or b"")


def _because(ended: EndedProcess, address: str) -> str | None:
    """Return why Apprise did not deliver; None when it did."""
    try:
        answer: dict[str, Any] = json.loads(ended.out)
        delivered, remarks = bool(answer["delivered"]), [str(each) for each in answer["remarks"]]
        is_address = bool(answer["address"])
    except UNREADABLE:
        return f"Apprise ended with {ended.code} and gave no answer"
    if delivered:
        return None
    if not is_address:
        return "what the secret holds is no address that Apprise knows"
    return (
        _masker(address).text("; ".join(each.rstrip(".") for each in remarks))
        or "Apprise says that it failed, not why"
    )


def _masker(address: str) -> Masker:
    """Return what takes an address out of a text, with every part of it: any may be a token."""
    _, _, rest = address.partition("://")
    parts = {unquote(part) for part in re.split(r"[/:@?&=,;#\s]+", rest)}
    return Masker([address, *(each for each in parts if len(each) >= SHORTEST)])
