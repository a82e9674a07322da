"""Try whether a login lets somebody delete borg's backups, by asking for what is not there.

In append-only mode `borg delete` and `borg prune` end with 0 although the server keeps every byte:
their exit code tells nothing. What borg's server refuses then is to destroy a repository. It looks
at its mode before it looks at the repository, so it is asked to destroy one that there is not.

That proves little if the same login opens a shell or SFTP, so both are tried before.
"""

from __future__ import annotations

import re
import secrets
import shlex
from typing import NamedTuple

from pradrill.domain.declared.backup_source import BorgSource
from pradrill.domain.run.host_answers import last_line
from pradrill.domain.values.ssh_place import SshPlace, ssh_place
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds
from pradrill.system.command import CompletedCommand, run, ssh_options

_REMOTE_PATH = "--remote-path="
_CLASS = re.compile(r"exception_class[^A-Za-z]+([A-Za-z]+)")
_APPEND_ONLY = "is in append-only mode"
_OF_SSH = 255
"""What ssh ends with when it did not come so far as a command."""

_LOGGED_IN = "Authenticated to "
"""What ssh says of itself once it is let in; what comes after it is the server's doing."""

_SHORT = 32
_FORCED = (
    'Put it into authorized_keys: command="borg serve --append-only --restrict-to-path FOLDER",'
    "restrict KEY; keep elsewhere what borg key export prints."
)


class _Server(NamedTuple):
    """How a repository's server is called."""

    repository: str
    place: SshPlace
    options: tuple[str, ...]
    borg: str
    folder: str
    """One below the repository, which is not there."""


def refuse_deletion(declared: BorgSource, bounds: Bounds) -> None:
    """Raise NotReadyError unless the login reaches nothing but a borg that is append-only."""
    server = _server(declared)
    _refuse_shell(server, bounds)
    _refuse_sftp(server, bounds)

    opened = _serve(server, bounds, destroy=False)
    if _CLASS.findall(opened.out) != ["DoesNotExist"]:
        raise _not_known(server.repository, _why_not_opened(opened))

    destroyed = _serve(server, bounds, destroy=True)
    match _CLASS.findall(destroyed.out):
        case ["DoesNotExist", "ValueError"] if _APPEND_ONLY in destroyed.out:
            return
        case ["DoesNotExist", "FileNotFoundError"]:
            why = "borg serve is not --append-only there, and what the repository itself is set to"
            raise _not_known(server.repository, f"{why} cannot be asked")
        case _:
            raise _not_known(server.repository, _why_not_opened(destroyed))


def _server(declared: BorgSource) -> _Server:
    place, options = ssh_place(declared.repository), declared.options
    if place is None:
        raise _not_known(declared.repository, "it is not ssh://USER@HOST:PORT/PATH")

    borgs = [each.removeprefix(_REMOTE_PATH) for each in options if each.startswith(_REMOTE_PATH)]
    return _Server(
        repository=declared.repository,
        place=place,
        options=tuple(ssh_options(declared.ssh.known_hosts, declared.ssh.private_key)),
        borg=shlex.quote((borgs or ["borg"])[-1]),
        folder=f"{place.path.rstrip('/')}/pradrill-{secrets.token_hex(32)}",
    )


def _refuse_shell(server: _Server, bounds: Bounds) -> None:
    """Raise NotReadyError if a command of ours runs there, or if that is not certain."""
    one, two = (10**8 + secrets.randbelow(10**8) for _ in range(2))
    # Every shell has echo of its own and takes the quotes away, as nothing does that repeats a
    # command; what starts a command's words without a shell starts expr.
    for command, its_answer in (
        (f'echo {one}""{two}', f"{one}{two}"),
        (f"expr {one} + {two}", f"{one + two}"),
    ):
        answer = _ssh(server, command, bounds)
        if its_answer in answer.out:
            raise _can_delete(server.repository, "runs other commands")
        if answer.code in (None, _OF_SSH):
            why = last_line(answer.err) or "a shell was not refused in time"
            raise _not_known(server.repository, why)


def _refuse_sftp(server: _Server, bounds: Bounds) -> None:
    """Raise NotReadyError if SFTP is served to the login, or if that is not certain."""
    its = server.place
    host = f"[{its.host}]" if ":" in its.host else its.host
    login = f"{its.user}@{host}" if its.user else host
    port = ["-P", str(its.port)] if its.port else []
    options = ["-o", "LogLevel=VERBOSE", *server.options, *port]
    answer = run(
        ["sftp", "-S", "ssh", *options, "-b", "-", "--", login],
        bounds,
        extra={},
        package="openssh-client",
    )
    if answer.code == 0:
        raise _can_delete(server.repository, "opens SFTP")
    if answer.code is None or _LOGGED_IN not in answer.err:
        why = last_line(answer.err) or "SFTP was not refused in time"
        raise _not_known(server.repository, why)


def _serve(server: _Server, bounds: Bounds, *, destroy: bool) -> CompletedCommand:
    """Ask borg's server to open a repository that is not there, and then to destroy it."""
    questions = [_request("open", path=server.folder), *([_request("destroy")] if destroy else [])]
    return _ssh(server, f"{server.borg} serve", bounds, *questions)


def _ssh(server: _Server, command: str, bounds: Bounds, *questions: bytes) -> CompletedCommand:
    words = [*server.options, *server.place.port_option, "--", server.place.login, command]
    return run(["ssh", *words], bounds, extra={}, package="openssh-client", fed=questions)


def _why_not_opened(answer: CompletedCommand) -> str:
    classes = _CLASS.findall(answer.out)
    if "PathNotAllowed" in classes:
        return (
            "borg serve answers for no folder below it (--restrict-to-repository; "
            "--restrict-to-path is as narrow there)"
        )
    if answer.code is None:
        return "its server did not answer in time"
    words = last_line(answer.err) or (classes[-1] if classes else "nothing that borg says")
    return f"its server answered {words}"


def _can_delete(repository: str, opens: str) -> NotReadyError:
    return NotReadyError(
        f"the credentials for {repository} can delete backups: the same login {opens} there, "
        "whatever borg refuses",
        hint=_FORCED,
    )


def _not_known(repository: str, why: str) -> NotReadyError:
    return NotReadyError(
        f"whether the credentials for {repository} can delete backups is not known: {why}",
        hint=f"{_FORCED} Or leave append_only out.",
    )


def _request(method: str, **arguments: str) -> bytes:
    """Return a call as borg's servers of 1.x take it: a map in MessagePack, all of it text."""
    head = b"\x83" + _text("i") + b"\1" + _text("m") + _text(method) + _text("a")
    words = b"".join(_text(word) for pair in arguments.items() for word in pair)
    return head + bytes([0x80 | len(arguments)]) + words


def _text(text: str) -> bytes:
    content = text.encode()
    if len(content) < _SHORT:
        return bytes([0xA0 | len(content)]) + content
    return b"\xda" + len(content).to_bytes(2, "big") + content
