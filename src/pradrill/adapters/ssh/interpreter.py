"""Have scripts of ours carried out on a host by one Python that is kept there."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import paramiko

from pradrill.domain.values.quotas import ANSWER

KEPT = 262_144  # bytes of each stream of a script, the last ones: several listings in one
TOO_LONG = -2  # no exit code: what was run was ended for what it printed
_LONGEST = 16 * KEPT  # bytes of an answer: two streams, each byte at most six of JSON, and room


class SshReply(NamedTuple):
    """What a command came to; `whole` tells whether `out` is all that it wrote."""

    code: int
    out: str
    err: str
    whole: bool


class Interpreter:
    """A Python on a host that waits for scripts; it ends with its channel."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self.transport = channel.get_transport()
        self._channel = channel
        self._waiting = b""
        self._is_open = False

    def accepts(self, script: str, words: Sequence[str], within: float) -> bool:
        """Give it a script; tell whether it takes it, which one that has gone does not."""
        request = json.dumps({"source": source(script), "words": list(words)})
        self._channel.settimeout(within)
        try:
            self._open()
            self._channel.sendall(request.encode() + b"\n")
            while self._line() != b"+":  # a login's shell may greet before
                continue
        except (paramiko.SSHException, OSError, EOFError):  # also when it is late
            return False
        else:
            return True
        finally:
            self._channel.settimeout(None)

    def reply(self) -> SshReply:
        """Return what came of the script. Raises EOFError when that cannot be read."""
        try:
            payload: dict[str, Any] = json.loads(self._line())
            code = TOO_LONG if payload["code"] is None else int(payload["code"])
            whole = payload["whole"] is True
            return SshReply(code, str(payload["out"]), str(payload["err"]), whole=whole)
        except (ValueError, TypeError, KeyError) as error:
            raise EOFError from error

    def ended(self) -> SshReply:
        """Return what became of one that took nothing."""
        reason = self._channel.makefile_stderr("rb").read(KEPT)
        code = self._channel.recv_exit_status()
        return SshReply(code or 1, "", reason.decode("utf-8", "replace"), whole=True)

    def close(self) -> None:
        """End it, and what it carries out."""
        self._channel.close()

    def _open(self) -> None:
        if not self._is_open:
            script = source("remote_interpreter.py")
            words = ["python3", "-I", "-c", script, str(KEPT), str(ANSWER)]
            self._channel.exec_command(shlex.join(words))
            self._is_open = True

    def _line(self) -> bytes:
        """Read one line; what lies behind it waits for the next call."""
        while b"\n" not in self._waiting:
            chunk = self._channel.recv(KEPT)
            if not chunk or len(self._waiting) > _LONGEST:
                raise EOFError
            self._waiting += chunk

        line, _, self._waiting = self._waiting.partition(b"\n")
        return line


@cache
def source(script: str) -> str:
    """Return a script of ours that is sent to a host and run there."""
    return Path(__file__).with_name(script).read_text(encoding="utf-8")
