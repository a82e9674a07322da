"""Run commands over SSH, on one connection for each host: a deadline on everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, get_ident

import paramiko

from pradrill.adapters.ssh.connection import EACH_PART, LOST, Channel, Connection, connect, silent
from pradrill.adapters.ssh.interpreter import Interpreter, Script, SshReply
from pradrill.domain.run.host import Host, Site
from pradrill.errors import UnreachableError
from pradrill.system.deadline import at_deadline


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
        try:
            with _until(host, interpreter.transport, deadline):
                if earlier is None and not interpreter.accepts(scripts, password):
                    raise interpreter.unstarted(host)
                try:
                    replies = interpreter.replies(len(scripts))
                except LOST:  # or no answer to this: nothing else is read from it
                    interpreter.close()
                    raise
        except LateError as late:
            if (silence := interpreter.silence(host, deadline)) is not None:
                raise silence from late
            raise

        self._interpreters[key] = interpreter
        return replies

    def spoiling(self, host: Host, site: Site) -> str:
        """Return what a login prints there that Ansible takes for an answer; nothing is asked."""
        interpreter = self._interpreters.get((host, site.known_hosts, get_ident()))
        return interpreter.spoiling if interpreter is not None else ""

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
            raise silent(host, error) from error

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
        with _until(host, interpreter.transport, min(deadline, EACH_PART)):
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

    failure: Exception | None = None
    with at_deadline(deadline, cut):
        try:
            yield
        except LOST as error:
            failure = error
    if late.is_set():
        raise LateError(f"{host.name} gave no answer in {deadline:g} s") from failure
    if failure is not None or not transport.is_active():
        raise UnreachableError(f"{host.name} went away during a command") from failure
