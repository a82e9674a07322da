"""Run commands over SSH (paramiko): pinned host keys only, a deadline on everything."""

from __future__ import annotations

import logging
import os
import pwd
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Timer, get_ident
from typing import Any, NamedTuple

import paramiko

from pradrill.adapters.ssh.interpreter import Interpreter, Script, SshReply
from pradrill.domain.run import host_answers as host_words
from pradrill.domain.run.host import Host, Site
from pradrill.errors import UnreachableError

_EACH_PART = 10.0  # seconds for each part of connecting
LOST = (paramiko.SSHException, OSError, EOFError)
Channel = paramiko.Channel

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else tracebacks go to stderr


class LateError(UnreachableError):
    """There was no answer at the deadline."""


class Sessions:
    """One connection a host is kept, and opened again when it has died.

    Each thread has its own: at a deadline a connection is cut with all that goes over it.
    """

    def __init__(self, resolve: Callable[[str], str] | None = None) -> None:
        self._resolve = resolve
        self._connections: dict[tuple[Host, Path, int], Connection] = {}
        self._interpreters: dict[tuple[Host, Path, int], Interpreter] = {}

    def host_key(self, host: Host, site: Site) -> str:
        """Return the key ("type base64") of the connection that the last command went over."""
        return self._connections[host, site.known_hosts, get_ident()].host_key

    def peer(self, host: Host, site: Site) -> str:
        """Return the address that the last command's connection went to, as the kernel has it."""
        if host.via is not None:  # only the jump host knows
            return ""
        transport = self._connections[host, site.known_hosts, get_ident()].client.get_transport()
        try:
            return str(transport.getpeername()[0]) if transport is not None else ""
        except OSError:  # it has just gone
            return ""

    def script(  # noqa: PLR0913 what a script takes
        self,
        host: Host,
        site: Site,
        script: str,
        words: Sequence[str],
        deadline: float,
        *,
        sudo: bool = False,
    ) -> SshReply:
        """Have a script of ours carried out; see `scripts`."""
        return self.scripts(host, site, [Script(script, list(words), sudo)], deadline)[0]

    def scripts(
        self, host: Host, site: Site, scripts: Sequence[Script], deadline: float
    ) -> list[SshReply]:
        """Have scripts of ours carried out at one time by the Python that is kept there.

        One that does not take them has died with its connection, and another is started. Raises
        LateError or UnreachableError.
        """
        key = (host, site.known_hosts, get_ident())
        password = self._password(host, scripts)
        earlier = self._interpreters.pop(key, None)
        if earlier is not None and not _takes(earlier, host, scripts, password, deadline):
            earlier.close()
            earlier = None

        interpreter = earlier or Interpreter(self._channel(host, site))
        with _until(host, interpreter.transport, deadline):
            if earlier is None and not interpreter.accepts(scripts, password):
                return [interpreter.ended()] * len(scripts)
            try:
                replies = interpreter.replies(len(scripts))
            except LOST:  # or no answer to this: nothing else is read from it
                interpreter.close()
                raise

        self._interpreters[key] = interpreter
        return replies

    @contextmanager
    def clock(self, host: Host, site: Site, deadline: float) -> Iterator[Callable[[], str]]:
        """Give what asks the Python there for its time, as often as it is called; raises likewise.

        The time is text, in seconds since 1970.
        """
        key = (host, site.known_hosts, get_ident())
        interpreter = self._interpreters.pop(key, None) or Interpreter(self._channel(host, site))
        try:
            with _until(host, interpreter.transport, deadline):
                yield interpreter.time
        except BaseException:
            interpreter.close()
            raise

        self._interpreters[key] = interpreter

    @contextmanager
    def session(self, host: Host, site: Site, deadline: float) -> Iterator[Channel]:
        """Give a session; at the deadline its connection is cut, whatever waits on it."""
        channel = self._channel(host, site)
        with _until(host, channel.get_transport(), deadline), channel:
            yield channel

    def _channel(self, host: Host, site: Site) -> Channel:
        """Open a session; a connection that has died in the meantime is replaced."""
        key = (host, site.known_hosts, get_ident())
        earlier = self._connections.pop(key, None)
        if earlier is not None:
            try:
                channel = earlier.open_session()
            except LOST:
                earlier.close()
            else:
                self._connections[key] = earlier
                return channel

        self._connections[key] = fresh = connect(host, site.known_hosts)
        try:
            return fresh.open_session()
        except LOST as error:
            raise _silent(host, error) from error

    def _password(self, host: Host, scripts: Sequence[Script]) -> str:
        """Return what sudo asks for there; nothing where no script may call it."""
        if self._resolve is None or host.password is None:
            return ""
        return self._resolve(host.password) if any(each.sudo for each in scripts) else ""

    def close(self) -> None:
        """Close every connection."""
        self._interpreters.clear()
        while self._connections:
            self._connections.popitem()[1].close()


def _takes(
    interpreter: Interpreter,
    host: Host,
    scripts: Sequence[Script],
    password: str,
    deadline: float,
) -> bool:
    """Tell whether an interpreter that was kept takes scripts, in time."""
    try:
        with _until(host, interpreter.transport, min(deadline, _EACH_PART)):
            return interpreter.accepts(scripts, password)
    except (LateError, UnreachableError):
        return False


@contextmanager
def _until(host: Host, transport: paramiko.Transport, deadline: float) -> Iterator[None]:
    """Cut a connection at the deadline; raises LateError or UnreachableError."""
    late = Event()

    def cut() -> None:
        late.set()
        transport.close()

    timer = Timer(deadline, cut)
    timer.daemon = True
    timer.start()

    failure: Exception | None = None
    try:
        yield
    except LOST as error:
        failure = error
    finally:
        timer.cancel()
    if late.is_set():
        raise LateError(f"{host.name} gave no answer in {deadline:g} s") from failure
    if failure is not None or not transport.is_active():
        raise UnreachableError(f"{host.name} went away during a command") from failure


class _WrongKeyError(paramiko.SSHException):
    """The host showed a key that is not pinned."""


class Connection(NamedTuple):
    """A connection, and the key that its host showed."""

    client: paramiko.SSHClient
    host_key: str
    via: Connection | None = None
    """What it goes over: that of the jump host."""

    def close(self) -> None:
        """Close it, and what it goes over."""
        self.client.close()
        if self.via is not None:
            self.via.close()

    def way_to(self, host: Host) -> Channel:
        """Open a way from its host to another one."""
        transport = self.client.get_transport()
        if transport is None:
            raise EOFError
        there = (host.address, host.port)
        return transport.open_channel("direct-tcpip", there, ("127.0.0.1", 0), timeout=_EACH_PART)

    def open_session(self) -> Channel:
        """Open a session on it."""
        transport = self.client.get_transport()
        if transport is None:
            raise EOFError
        return transport.open_session(timeout=_EACH_PART)


class _PinnedOnly(paramiko.MissingHostKeyPolicy):
    """Rejects every key that is not pinned. Paramiko's own look-up knows one key a type."""

    def __init__(self, pinned: set[str]) -> None:
        self.pinned = pinned
        self.host_key = ""

    def missing_host_key(
        self,
        client: paramiko.SSHClient,  # noqa: ARG002 paramiko's signature
        hostname: str,
        key: paramiko.PKey,
    ) -> None:
        """Compare; the client knows no key by itself, so this decides for every host."""
        self.host_key = f"{key.get_name()} {key.get_base64()}"
        if self.host_key not in self.pinned:
            raise _WrongKeyError(hostname)

    def transport(self, sock: Any, **options: Any) -> paramiko.Transport:
        """Make a transport that asks for a key of a pinned type first."""
        transport = paramiko.Transport(sock, **options)
        types = {key.split()[0] for key in self.pinned}
        types |= {"rsa-sha2-512", "rsa-sha2-256"} if "ssh-rsa" in types else set()
        security = transport.get_security_options()
        security.key_types = sorted(security.key_types, key=lambda name: name not in types)

        return transport


def connect(host: Host, known_hosts: Path) -> Connection:
    """Connect with a key, by its jump host if it has one; raises UnreachableError."""
    name = host_words.known_hosts_name(host)
    try:
        text = known_hosts.read_text("utf-8", "replace")
    except OSError as error:
        raise UnreachableError(
            f"the pinned host keys {known_hosts} cannot be read: {error.strerror}"
        ) from error

    policy = _PinnedOnly(host_words.pinned_keys(text, name))
    if not policy.pinned:
        raise UnreachableError(
            f"no host key is pinned for {name} ({host.name})",
            hint="Compare the machine's key with its own record, then add it to known_hosts.",
        )

    user = host.user or pwd.getpwuid(os.getuid()).pw_name
    via = connect(host.via, known_hosts) if host.via is not None else None
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(policy)

    try:
        way = via.way_to(host) if via is not None else None
        client.connect(
            host.address,
            host.port,
            user,
            key_filename=str(host.private_key) if host.private_key else None,
            allow_agent=host.private_key is None,
            look_for_keys=host.private_key is None,
            timeout=_EACH_PART,
            banner_timeout=_EACH_PART,
            auth_timeout=_EACH_PART,
            channel_timeout=_EACH_PART,
            sock=way,
            transport_factory=policy.transport,
        )
    except (*LOST, ValueError) as error:
        Connection(client, "", via).close()
        raise _refused(host, user, error) from error

    return Connection(client, policy.host_key, via)


def _refused(host: Host, user: str, error: Exception) -> UnreachableError:
    where = f"{host.name} ({host_words.known_hosts_name(host)})"
    if (unusable := _unusable_key(host, error)) is not None:
        return UnreachableError(
            f"the login key {host.private_key} for {where} {unusable}",
            hint="Name a key that this user can read and that has no passphrase.",
        )
    if isinstance(error, _WrongKeyError):
        return UnreachableError(
            f"the host key of {where} is not the pinned one",
            hint="It is another machine, or one rebuilt: compare the keys before pinning anew.",
        )
    if isinstance(error, paramiko.AuthenticationException):
        return UnreachableError(
            f"{where} refuses the login of {user}: {host_words.last_line(str(error))}",
            hint="Only keys are tried: the inventory's private key, or else the agent's.",
        )
    return _silent(host, error)


def _unusable_key(host: Host, error: Exception) -> str | None:
    """Say what is wrong with the login key, when that is what kept us out."""
    if host.private_key is None:
        return None
    if isinstance(error, paramiko.PasswordRequiredException):
        return "has a passphrase, and nobody is there to type it"
    try:
        host.private_key.open("rb").close()
    except OSError as unread:
        return f"cannot be read: {unread.strerror}"
    return None


def _silent(host: Host, error: Exception) -> UnreachableError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return UnreachableError(
        f"{host.name} ({host_words.known_hosts_name(host)}) does not answer over SSH: "
        f"{host_words.last_line(reason)}",
        hint="See that the machine is up and that its port can be reached from "
        f"{'its jump host' if host.via is not None else 'here'}.",
    )
