"""Read a folder behind SFTP, through OpenSSH's own client: its configuration, its known_hosts.

Whatever ssh takes (hashed names, patterns, certificates, aliases, ProxyJump) is taken here, and
nothing else; paramiko only speaks the protocol over it.
"""

from __future__ import annotations

import os
import re
import socket
import stat
import struct
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paramiko

from pradrill.adapters.ssh.connection import LOST
from pradrill.domain.declared.backup_source import Ssh
from pradrill.domain.run.backup_catalogue import LATEST
from pradrill.domain.run.host_answers import last_line
from pradrill.domain.values.ssh_place import SshPlace
from pradrill.errors import ClosedPathError, NotReadyError
from pradrill.ports import FolderEntry
from pradrill.system import scratch
from pradrill.system.command import BAD_CONFIGURATION, cause_of_ssh, environment, ssh_options

_ANSWER = 30.0  # seconds for each answer of the server
_PATIENCE = 2.0  # for ssh to end
_OF_SSH = 255  # the code of its own failures; any other is the login's
_PIECE = 1 << 18
_AT_ONCE = 64  # requests under way
_ASKED = "PRADRILL_SFTP_PASSWORD"
_ASKPASS = f"#!/bin/sh\nprintf '%s\\n' \"${_ASKED}\"\n"
_MEANS = (
    (r"REMOTE HOST IDENTIFICATION|host key .* has changed|revoked host key",
     "the host key of {} is not the pinned one",
     "It is another machine, or one rebuilt: compare the keys before pinning anew."),
    (r"Host key verification failed|No .* host key is known",
     "no host key that {} shows is pinned",
     "Compare the machine's key with its own record, then add it to known_hosts."),
    (BAD_CONFIGURATION,
     "ssh does not take its own configuration, and so does not reach {}",
     "Mend it there; IgnoreUnknown WORD, before it, passes by what other systems know alone."),
    (r"Permission denied|Too many authentication failures",
     "{} refuses the login", "Try by hand: ssh to it as the same user, with the same key."),
    (r"subsystem request failed", "{} offers no SFTP to this login",
     "Let its sshd_config have a Subsystem sftp."),
)  # fmt: skip


class SftpFolder:
    """Reads one host's files. It connects when it is first asked; `close` ends that."""

    def __init__(
        self, place: SshPlace, ssh: Ssh, password: Callable[[], str] | None = None
    ) -> None:
        self._place = place
        self._ssh = ssh
        self._password = password
        self._pipe: _Pipe | None = None
        self._sftp: paramiko.SFTPClient | None = None

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return what a folder holds."""
        with self._telling(path):
            sftp = self._open()
            entries = []
            listing = sorted(sftp.listdir_attr(_sent(path)), key=lambda each: each.filename)
            if not listing:  # a server may leave out what it cannot look at
                sftp.stat(_sent(f"{path.rstrip('/')}/."))
            for each in listing:
                is_link = stat.S_ISLNK(each.st_mode or 0)
                status = _target(sftp, f"{path}/{each.filename}") if is_link else each
                if status and (entry := _entry(each.filename, status)):
                    entries.append(entry._replace(is_link=is_link))

            return entries

    @contextmanager
    def read(self, path: str) -> Iterator[Iterator[bytes]]:
        """Return a file's bytes; one that ends before its size is told."""
        with self._telling(path), self._open().open(_sent(path), "rb") as file:
            size = file.stat().st_size or 0
            # The reader meets a lost connection itself; paramiko's thread would print it, too.
            file._prefetch_thread = _quiet(file._prefetch_thread)  # type: ignore[attr-defined] # noqa: SLF001
            file.prefetch(size, _AT_ONCE)
            yield self._pieces(file, path, size)

    def real(self, path: str) -> str:
        """Return the path without links in it."""
        with self._telling(path):
            return self._open().normalize(_sent(path))

    def local(self, path: str) -> Path | None:
        """Return nothing: it is elsewhere."""
        del path
        return None

    def cut(self) -> None:
        """End ssh: whoever waits for an answer sees that none comes."""
        if (pipe := self._pipe) is not None:
            pipe.cut()

    def close(self) -> None:
        """Close the connection, if there is one."""
        if self._pipe is not None:
            self._pipe.close()
        self._pipe = self._sftp = None

    def _pieces(self, file: paramiko.SFTPFile, path: str, size: int) -> Iterator[bytes]:
        read = 0
        with self._telling(path):
            while piece := file.read(_PIECE):
                read += len(piece)
                yield piece
        if read < size:
            raise NotReadyError(f"{path} on {self._place.host} ended after {read} of {size} bytes")

    def _open(self) -> paramiko.SFTPClient:
        if self._sftp is None:
            password = self._password() if self._password else None
            self._pipe = _Pipe(self._place, self._ssh, password)
            try:
                self._sftp = _Client(self._pipe)  # type: ignore[arg-type]
            except (*LOST, paramiko.SFTPError) as error:  # what ssh says of it is better
                code, words = self._pipe.end()
                self.close()
                if code != _OF_SSH and not isinstance(error, TimeoutError):
                    raise self._speechless(words, error) from error
                raise self._refusal(words or str(error)) from error

        return self._sftp

    def _speechless(self, words: str, error: Exception) -> NotReadyError:
        """Say what came in the place of SFTP from a login that ssh has opened."""
        if isinstance(error, paramiko.SFTPError):
            return NotReadyError(
                f"the login on {self._place.host} prints something before SFTP begins",
                hint="Let its .bashrc, and whatever else its shell reads, print where somebody "
                "looks only: ssh to it with the command true must print nothing.",
            )
        reason = f": {last_line(words)}" if words else ""
        return NotReadyError(
            f"the login on {self._place.host} ends before SFTP begins{reason}",
            hint="Its shell may run nothing, or its .bashrc may end it; with Subsystem sftp "
            "internal-sftp in its sshd_config no shell is asked.",
        )

    def _refusal(self, words: str) -> NotReadyError:
        for pattern, means, hint in _MEANS:
            if re.search(pattern, words, re.IGNORECASE | re.MULTILINE):
                where = means.format(self._place.host)
                cause = cause_of_ssh(words.splitlines())
                return NotReadyError(f"{where}: {cause}", hint=hint)

        return NotReadyError(
            f"{self._place.host} does not answer over SSH: {last_line(words)}",
            hint="Try ssh to it by hand: it must be up, and its port within reach from here.",
        )

    @contextmanager
    def _telling(self, path: str) -> Iterator[None]:
        where = f"{path} on {self._place.host}"
        try:
            yield
        except FileNotFoundError as error:
            raise ClosedPathError(f"{where} does not exist") from error
        except PermissionError as error:
            raise ClosedPathError(f"{where} may not be read by this login") from error
        except (*LOST, paramiko.SFTPError) as error:
            self.close()
            reason = last_line(str(error) or type(error).__name__)
            raise NotReadyError(f"{where} cannot be read: {reason}") from error


class _Client(paramiko.SFTPClient):
    """Takes names as the bytes that they are: not every server's are UTF-8.

    What a server counts is no more than what it sends: paramiko reads nought after the end of an
    answer, as often as the answer says.
    """

    def _send_version(self) -> Any:
        try:
            return super()._send_version()  # type: ignore[misc]
        except struct.error as error:
            raise paramiko.SFTPError("its version is none") from error

    def _request(self, t: Any, *arg: Any) -> Any:
        kind, message = super()._request(t, *arg)  # type: ignore[misc]
        message.get_text = lambda: os.fsdecode(message.get_string())
        message.get_bytes = lambda size: _part(message, size)
        return kind, message

    def _convert_status(self, msg: Any) -> None:
        msg.get_text = lambda: os.fsdecode(msg.get_string())
        super()._convert_status(msg)  # type: ignore[misc]


class _Pipe:
    """OpenSSH's client with its SFTP subsystem, as paramiko wants a channel; each wait ends."""

    def __init__(self, place: SshPlace, ssh: Ssh, password: str | None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix=scratch.prefix(""), dir=scratch.base())
        self._words = Path(self._folder.name, "words")
        asking = {}
        if password is not None:
            askpass = Path(self._folder.name, "askpass")
            askpass.write_text(_ASKPASS)
            askpass.chmod(0o700)
            asking = {
                "SSH_ASKPASS": str(askpass),
                "SSH_ASKPASS_REQUIRE": "force",
                "DISPLAY": "none",
                _ASKED: password,
            }

        self._socket, its = socket.socketpair()
        self._socket.settimeout(_ANSWER)
        with its, self._words.open("wb") as words:
            self._process = subprocess.Popen(
                _ssh(place, ssh, asks=password is not None),
                stdin=its.fileno(),
                stdout=its.fileno(),
                stderr=words,
                env=environment(asking),
                start_new_session=True,
            )

    def get_name(self) -> str:
        """Return what paramiko calls it in its log."""
        return "ssh"

    def send(self, data: bytes) -> int:
        """Send some of it."""
        return self._socket.send(data)

    def recv(self, size: int) -> bytes:
        """Return what came; nothing at the end."""
        return self._socket.recv(size)

    def end(self) -> tuple[int, str]:
        """End it; return with what code, and what ssh has said."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

        return self._process.returncode, self._words.read_text("utf-8", "replace").strip()

    def cut(self) -> None:
        """End ssh at once."""
        self._process.kill()

    def close(self) -> None:
        """Close it and leave nothing."""
        self.end()
        self._socket.close()
        self._folder.cleanup()


def _ssh(place: SshPlace, ssh: Ssh, *, asks: bool) -> list[str]:
    options = ssh_options(ssh.known_hosts, ssh.private_key)
    if asks:
        prompting = (
            "BatchMode=no",
            "NumberOfPasswordPrompts=1",
            "PreferredAuthentications=password,keyboard-interactive",
        )
        # Of an option named twice the first counts.
        options = [*(word for each in prompting for word in ("-o", each)), *options]

    return ["ssh", *options, "-x", *place.port_option, "-s", "--", place.login, "sftp"]


def _part(message: paramiko.Message, size: int) -> bytes:
    """Return the next bytes of an answer; raises SFTPError where it has fewer."""
    part = message.packet.read(size)
    if len(part) < size:
        raise paramiko.SFTPError("the answer ends before what it says")
    return part


def _sent(path: str) -> str:
    """Return a path for paramiko, which sends bytes as they are and would encode text strictly."""
    return os.fsencode(path)  # type: ignore[return-value]


def _target(sftp: paramiko.SFTPClient, path: str) -> paramiko.SFTPAttributes | None:
    """Return what a link leads to; None when that is nowhere, in a circle, or too far."""
    try:
        return sftp.stat(_sent(path))
    except (TimeoutError, ConnectionError):
        raise
    except OSError:  # servers have many words for it
        return None


def _quiet(work: Callable[..., None]) -> Callable[..., None]:
    def quietly(*args: Any) -> None:
        with suppress(*LOST):
            work(*args)

    return quietly


def _entry(name: str, status: paramiko.SFTPAttributes) -> FolderEntry | None:
    mode = status.st_mode or 0
    if not name or "/" in name or not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        return None
    modified = datetime.fromtimestamp(min(status.st_mtime or 0, LATEST), UTC)
    return FolderEntry(name, stat.S_ISDIR(mode), status.st_size or 0, modified)
