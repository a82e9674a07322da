"""Have scripts of ours carried out on a host by one Python that is kept there."""

from __future__ import annotations

import base64
import json
import re
import secrets
import shlex
import zlib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import paramiko

from pradrill.domain.run.host import Host
from pradrill.domain.run.host_answers import last_line
from pradrill.domain.run.mending import login
from pradrill.domain.values.quotas import ANSWER
from pradrill.errors import UNREADABLE, UnreachableError

KEPT = 524_288  # bytes of each stream of a script, the last ones: several listings in one
TOO_LONG = -2  # no exit code: what was run was ended for what it printed
_OLDEST = (3, 8)  # Python that our scripts are written for
_TOO_OLD = "pradrill-python "  # before its version, where it is older
_NO_CODE = -1  # of paramiko's, where none was received
_ABSENT = {126, 127}  # exit codes of a shell that cannot start a program
_CODES = 256  # that a process can end with
_LONGEST_TEXT = 3 * KEPT  # bytes of a stream: one that was no text is put there by three
_PART = re.compile(r"(?m)^from pradrill\.adapters\.ssh\.(remote_[\w.]+) import (?:\([^)]*\)|.*)\n")
_FOLDER = Path(__file__).parent
_HEAD_END = "from __future__ import annotations\n"
_LONGEST = 16 * KEPT  # bytes of an answer: two streams, each byte at most six of JSON, and room


class LoginShellError(UnreachableError):
    """What a login runs does not come to Python: nothing else can be asked there either."""


class SshReply(NamedTuple):
    """What a command came to; `whole` tells whether `out` is all that it wrote."""

    code: int
    out: str
    err: str
    whole: bool


class Script(NamedTuple):
    """A script of ours, by the name of its file, and its words."""

    name: str
    words: list[str]
    sudo: bool = False
    """It may call sudo, which may ask for a password."""


class Interpreter:
    """A Python on a host that waits for scripts; it ends with its channel."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self.transport = channel.get_transport()
        self._channel = channel
        self._name = ""
        self._waiting = b""
        self._greeting = b""
        self._is_open = False
        self._has_answered = False
        self.spoiling = ""
        """What was said before it started, and Ansible would take for a module's answer."""

    def accepts(self, scripts: Sequence[Script], password: str = "") -> bool:
        """Give it scripts; tell whether it takes them, which one that has gone does not.

        The password is for those that may call sudo.

        Each request has a name that nobody can guess: what was said before is no answer to it. It
        may talk for ever: who asks cuts its connection.
        """
        try:
            self._ask(
                [
                    {
                        "source": source(each.name),
                        "words": each.words,
                        "password": password if each.sudo else "",
                    }
                    for each in scripts
                ]
            )
        except (paramiko.SSHException, OSError, EOFError):
            return False
        return True

    def time(self) -> str:
        """Return its time, in seconds since 1970. Raises what paramiko does, and EOFError."""
        return self._ask([])

    def replies(self, count: int) -> list[SshReply]:
        """Return what came of so many scripts. Raises EOFError when that cannot be read."""
        try:
            payload = json.loads(self._line(count))
            if payload["name"] != self._name or len(payload["answers"]) != count:
                raise ValueError(self._name)
            return [_reply(answer) for answer in payload["answers"]]
        except UNREADABLE as error:
            raise EOFError from error

    def unstarted(self, host: Host) -> LoginShellError:
        """Say why one that took nothing was not started: the login's shell may have ended itself.

        Raises EOFError when the connection has gone.
        """
        reason = self._channel.makefile_stderr("rb").read(KEPT).decode("utf-8", "replace")
        code = self._channel.recv_exit_status()
        if code == _NO_CODE:  # its connection was cut
            raise EOFError
        by_hand = f"ssh {login(host)} python3 -V"
        needs = f"The standby needs Python {'.'.join(map(str, _OLDEST))} or later"
        if code in _ABSENT:
            return LoginShellError(
                f"the login's shell on {host.name} starts no python3: {last_line(reason)}",
                hint=f"{needs} where a login without a terminal finds it: {by_hand}.",
            )
        if (old := reason.rpartition(_TOO_OLD)[2]) != reason:
            return LoginShellError(
                f"python3 on {host.name} is {last_line(old)}, which is too old",
                hint=f"{needs}: {by_hand}.",
            )
        words = reason if reason.strip() else self._greetings(self._channel.recv(KEPT))
        return LoginShellError(
            f"the login's shell on {host.name} ends with exit code {code} before Python starts: "
            f"{last_line(words)}",
            hint=f"See what it says to a login without a terminal: {by_hand}.",
        )

    def silence(self, host: Host, seconds: float) -> LoginShellError | None:
        """Say that one has not even been started in so many seconds; nothing of one that was."""
        if self._has_answered:
            return None
        return LoginShellError(
            f"the login's shell on {host.name} has not started Python in {seconds:g} s: "
            f"{last_line(self._greetings())}",
            hint="What it reads at a login (.bashrc, /etc/profile.d) must neither wait, nor read "
            "what is sent to a command, nor become another shell: "
            f"echo | ssh {login(host)} python3 -V.",
        )

    def _greetings(self, rest: bytes = b"") -> str:
        return b"\n".join((self._greeting, self._waiting, rest)).decode("utf-8", "replace")

    def close(self) -> None:
        """End it, and what it carries out."""
        self._channel.close()

    def _ask(self, scripts: Sequence[Mapping[str, Any]]) -> str:
        """Ask for something; return what is said at once."""
        self._name = secrets.token_hex(8)
        self._open()
        self._channel.sendall(json.dumps({"name": self._name, "scripts": scripts}).encode() + b"\n")
        beginning = f"+{self._name} ".encode()
        while beginning not in (line := self._line()):
            self._greeting = line  # a login's shell may greet before, with a line's end or without
            self.spoiling = self.spoiling or _spoiling(line)
        unended, _, answer = line.partition(beginning)
        self.spoiling = self.spoiling or _spoiling(unended)
        self._has_answered = True
        return answer.decode("ascii", "replace")

    def _open(self) -> None:
        if not self._is_open:
            words = ["python3", "-I", "-S", "-c", _one_line(), str(KEPT), str(ANSWER)]
            self._channel.exec_command(shlex.join(words))
            self._is_open = True

    def _line(self, answers: int = 1) -> bytes:
        """Read one line, of so many answers; what lies behind it waits for the next call."""
        while b"\n" not in self._waiting:
            chunk = self._channel.recv(KEPT)
            if not chunk or len(self._waiting) > answers * _LONGEST:
                raise EOFError
            self._waiting += chunk

        line, _, self._waiting = self._waiting.partition(b"\n")
        return line


def _spoiling(words: bytes) -> str:
    """Return the line that a module's answer would begin with, as Ansible reads it; or nothing."""
    lines = map(str.strip, words.decode("utf-8", "replace").splitlines())
    return next((last_line(each) for each in lines if each.startswith("{")), "")


def _reply(payload: dict[str, Any]) -> SshReply:
    """Read an answer: of a stream no more than the last bytes, and text that can be written."""
    code = TOO_LONG if payload["code"] is None else int(payload["code"]) % _CODES
    out, err = (str(payload[stream]).encode("utf-8", "replace") for stream in ("out", "err"))
    whole = payload["whole"] is True and len(out) <= _LONGEST_TEXT
    return SshReply(code, _tail(out), _tail(err), whole=whole)


def _tail(text: bytes) -> str:
    return text[-_LONGEST_TEXT:].decode("utf-8", "replace")


@cache
def _one_line() -> str:
    """Return the Python that is kept there in one line: csh's kind takes no more in quotes."""
    packed = base64.b64encode(zlib.compress(source("remote_interpreter.py").encode())).decode()
    check = f'sys.version_info>={_OLDEST} or sys.exit("{_TOO_OLD}"+sys.version.split()[0])'
    run = f'exec(zlib.decompress(binascii.a2b_base64("{packed}")))'
    return f"import binascii,sys,zlib;{check};{run}"


@cache
def source(script: str) -> str:
    """Return a script of ours that is sent to a host and run there, as one text.

    What it imports of ours stands in that import's place, once.
    """
    return _whole(_FOLDER / script, set())


def _whole(path: Path, parts: set[Path]) -> str:
    def text_of(line: re.Match[str]) -> str:
        part = _FOLDER.joinpath(*line[1].split(".")).with_suffix(".py")
        if part in parts:
            return ""
        parts.add(part)
        return _whole(part, parts).partition(_HEAD_END)[2]

    return _PART.sub(text_of, path.read_text(encoding="utf-8"))
