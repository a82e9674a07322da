"""Run a tool to its end: its own environment, a deadline, a bound on what it may say."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Thread
from typing import IO, Any, NamedTuple

from pradrill.domain.run.host_answers import last_line
from pradrill.domain.values.quotas import TOOL_PRINTS, megabytes
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds
from pradrill.system import scratch
from pradrill.system.processes import MARKER
from pradrill.system.waiting import wait_of

_TICK = 0.05
_READING = 60.0  # longer than a folder behind SFTP may be silent
_FEW_WORDS = 65_536
_ASKING = 10.0
_PATIENCE = 2.0  # between the polite end and the other one
_SSH_WORDS = "ssh-words"
OF_SSH = "subprocess ssh: "
"""What each line begins with, at the end of a tool's words, that its ssh has said."""
BAD_CONFIGURATION = (
    r"^Bad owner or permissions on |^(?P<file>.+): terminating, \d+ bad configuration options?$"
)
"""What ssh says at its end of a configuration that it does not take; `file` has said why before."""
_FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # cron's PATH has less


class CompletedCommand(NamedTuple):
    """What a tool said and how it ended; `code` is None when it was ended for being late."""

    code: int | None
    out: str
    err: str
    waits: str = ""
    """What it did when it was ended; empty: it was not late, or that was not seen."""

    def late(self, deadline: float) -> str:
        """Say that it was ended for being late, and what for if that was seen."""
        what = f": {last_line(self.waits)}" if self.waits else ""  # names of any letters
        return f"did not answer in {deadline:g} s{what}"


def environment(extra: Mapping[str, str], marker: str = "") -> dict[str, str]:
    """Return a tool's whole environment: nothing of ours leaks in but an SSH agent's socket."""
    base = {
        "PATH": f"{os.environ.get('PATH', '')}:{_FOLDERS}",
        "HOME": pwd.getpwuid(os.getuid()).pw_dir,
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
    }
    if "SSH_AUTH_SOCK" in os.environ:
        base["SSH_AUTH_SOCK"] = os.environ["SSH_AUTH_SOCK"]
    return {**base, **({MARKER: marker} if marker else {}), **extra}


def as_root(command: str) -> str:
    """Return a command as this user has to type it, where only root may."""
    return command if os.geteuid() == 0 else f"sudo {command}"


def run(
    argv: Sequence[str],
    bounds: Bounds,
    *,
    extra: Mapping[str, str],
    package: str,
    fed: Iterable[bytes] | None = None,
) -> CompletedCommand:
    """Run `argv`, feeding it the bytes, if any; `package` is named when the tool is missing.

    Raises NotReadyError when it is missing, late, cancelled, or says more than any catalogue.
    """
    its = environment(extra, bounds.marker)
    tool = shutil.which(argv[0], path=its["PATH"])
    if tool is None:
        raise NotReadyError(
            f"{argv[0]} is not installed on this machine",
            hint=f"Run: {as_root(f'apt-get install {package}')}.",
        )
    if bounds.deadline <= 0:
        return CompletedCommand(None, "", "")  # the calls before took all the time of a reading

    with (
        tempfile.TemporaryDirectory(
            prefix=scratch.prefix(bounds.marker), dir=scratch.base()
        ) as folder,
        tempfile.TemporaryFile(dir=folder) as out,
        tempfile.TemporaryFile(dir=folder) as err,
    ):
        process = subprocess.Popen(
            [tool, *argv[1:]],
            stdin=subprocess.DEVNULL if fed is None else subprocess.PIPE,
            stdout=out,
            stderr=err,
            env={**its, "TMPDIR": folder},
            cwd=folder,
            start_new_session=True,
        )

        feeder = _Feeder(process.stdin, fed) if fed is not None and process.stdin else None
        try:
            code = _wait(process, bounds, (out, err), argv[0])
            waits = wait_of(process.pid) if code is None else ""
        finally:
            _end(process)

        if feeder is not None:
            feeder.finish()

        words = _read(err) + _words_of_ssh(Path(folder))
        return CompletedCommand(code, _read(out), words, waits)


class _Feeder:
    """Writes a stream into a tool beside its run; a tool that stops reading stops it."""

    def __init__(self, pipe: IO[bytes], fed: Iterable[bytes]) -> None:
        self._pipe, self._fed = pipe, fed
        self._failed: Exception | None = None
        self._thread = Thread(target=self._feed, daemon=True)
        self._thread.start()

    def _feed(self) -> None:
        try:
            with suppress(BrokenPipeError), self._pipe:
                for chunk in self._fed:
                    self._pipe.write(chunk)
        except Exception as error:  # noqa: BLE001 told to whoever waits for the tool
            self._failed = error

    def finish(self) -> None:
        """Raise what kept the stream from being read."""
        self._thread.join(_READING)
        if self._thread.is_alive():
            raise NotReadyError("what was to be read gave no answer in time")
        if self._failed is not None:
            raise self._failed


def _wait(
    process: subprocess.Popen[bytes], bounds: Bounds, streams: tuple[Any, ...], name: str
) -> int | None:
    for _ in range(max(1, round(bounds.deadline / _TICK))):
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_TICK)
        if bounds.cancelled():
            raise NotReadyError(f"{name} was stopped before its end")
        if any(os.fstat(stream.fileno()).st_size > TOOL_PRINTS for stream in streams):
            raise NotReadyError(
                f"{name} says more than {megabytes(TOOL_PRINTS)}: that is no answer"
            )

    return None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End whatever the tool left of its own session, ssh included."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        if process.poll() is not None:
            return

        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)

    process.wait()


def _read(stream: Any) -> str:
    stream.seek(0)
    text: bytes = stream.read(TOOL_PRINTS)
    return text.decode("utf-8", "replace")


def _words_of_ssh(folder: Path) -> str:
    """Return what `ssh_command` has said: a tool may end before it has heard that."""
    try:
        with Path(folder, _SSH_WORDS).open("r", encoding="utf-8", errors="replace") as file:
            lines = file.read(_FEW_WORDS).splitlines()
    except FileNotFoundError:
        return ""
    return "".join(f"{OF_SSH}{line}\n" for line in lines)


def cause_of_ssh(lines: Sequence[str]) -> str:
    """Return the line of ssh's that tells why it ended: the last one, or what that sums up."""
    match = re.search(BAD_CONFIGURATION, "\n".join(lines), re.MULTILINE)
    if match is None:
        return last_line("\n".join(lines))
    its = re.compile(rf"{re.escape(match['file'] or '')}:? line \d+: ")
    return last_line(next(filter(its.match, lines), match[0]))


def ssh_command(known_hosts: Path | None, private_key: Path | None) -> list[str]:
    """Return the ssh that a tool starts which `run` runs: it says in its folder why it ends."""
    return ["ssh", "-E", _SSH_WORDS, *ssh_options(known_hosts, private_key)]


def ssh_options(known_hosts: Path | None, private_key: Path | None) -> list[str]:
    """Return OpenSSH's options for a repository: pinned keys, no prompt, no stale connection.

    The keys are those of the given file alone, or of the files in which ssh itself looks for them:
    what a command or the name service says pins nothing.
    """
    tool = shutil.which("ssh", path=environment({})["PATH"])
    options = {
        "BatchMode": "yes",
        # What the user's own configuration may want of a session that somebody sits at.
        "RemoteCommand": "none",
        "RequestTTY": "no",
        "ClearAllForwardings": "yes",
        "PermitLocalCommand": "no",
        "ForwardAgent": "no",
        "StrictHostKeyChecking": "yes",
        **{name: value for name, value in _LATER.items() if tool is None or _knows(tool, name)},
        "VerifyHostKeyDNS": "no",
        "NoHostAuthenticationForLocalhost": "no",
        "UpdateHostKeys": "no",
        "ControlMaster": "no",
        "ControlPath": "none",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "5",
        "ServerAliveCountMax": "3",
        "LogLevel": "ERROR",
    }
    if known_hosts is not None:
        options |= {"UserKnownHostsFile": _quoted(known_hosts), "GlobalKnownHostsFile": "/dev/null"}
    if private_key is not None:
        options |= {"IdentityFile": _quoted(private_key), "IdentitiesOnly": "yes"}
    return [word for name, value in options.items() for word in ("-o", f"{name}={value}")]


_LATER = {"KnownHostsCommand": "none", "StdinNull": "no", "ForkAfterAuthentication": "no"}
"""What OpenSSH has since 8.5 and 8.7, and ends over where it is older."""


@cache
def _knows(ssh: str, option: str) -> bool:
    """Tell whether an ssh has an option of those.

    IgnoreUnknown would do, and outrank the user's own: ssh takes the first.
    """
    words = [ssh, "-F", "none", "-G", "-o", f"{option}={_LATER[option]}", "x"]
    try:
        answer = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASKING, check=False
        )
    except (OSError, subprocess.TimeoutExpired):  # unknown: rather refused than led by a command
        return True
    return answer.returncode == 0


def _quoted(path: Path) -> str:
    """Return a path as ssh's options take one; a % would begin a word of its own."""
    return '"{}"'.format(str(path).replace("%", "%%"))
