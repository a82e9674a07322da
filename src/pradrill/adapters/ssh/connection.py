"""Connect over SSH (paramiko): pinned host keys only, by jump hosts, a deadline on everything."""

from __future__ import annotations

import logging
import os
import pwd
import re
import time
from pathlib import Path
from typing import Any, NamedTuple

import paramiko

from pradrill.domain.run import host_answers as host_words
from pradrill.domain.run.host import Host
from pradrill.errors import UnreachableError

EACH_PART = 10.0
"""Seconds for each part of connecting."""

LOST = (paramiko.SSHException, OSError, EOFError)
Channel = paramiko.Channel

logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else tracebacks go to stderr


_PAUSES = (0.5, 1.5, 3.0)
"""Seconds before one more try, where an sshd drops logins at random (MaxStartups)."""


_WORD = re.compile(r"[^\W\d_]{2}")
_ENCRYPTION = re.compile(r"\b(kex|cipher|mac)", re.IGNORECASE)


class CrowdedError(UnreachableError):
    """A host closes connections before it says what it is."""


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
        return transport.open_channel("direct-tcpip", there, ("127.0.0.1", 0), timeout=EACH_PART)

    def open_session(self) -> Channel:
        """Open a session on it."""
        transport = self.client.get_transport()
        if transport is None:
            raise EOFError
        return transport.open_session(timeout=EACH_PART)


class _PinnedOnly(paramiko.MissingHostKeyPolicy):
    """Rejects every key that is not pinned. Paramiko's own look-up knows one key a type."""

    def __init__(self, pinned: set[str]) -> None:
        self.pinned = pinned
        self.host_key = ""
        self._transport: paramiko.Transport | None = None

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
        self._transport = transport

        return transport

    def banner(self) -> str:
        """Return what the host said last of the login itself: why it is refused may stand there."""
        # A transport that has ended gives it no more.
        banner = getattr(getattr(self._transport, "auth_handler", None), "banner", None)
        return banner.decode("utf-8", "replace") if banner else ""


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
    # A jump host is tried again by itself: what is behind it is not the reason that it is crowded.
    via = connect(host.via, known_hosts) if host.via is not None else None
    try:
        for pause in _PAUSES:
            try:
                return _login(host, user, policy, via)
            except CrowdedError:
                time.sleep(pause)
        return _login(host, user, policy, via)
    except BaseException:
        if via is not None:
            via.close()
        raise


def _login(host: Host, user: str, policy: _PinnedOnly, via: Connection | None) -> Connection:
    """Connect and log in once; the way there stays open when that fails."""
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
            timeout=EACH_PART,
            banner_timeout=EACH_PART,
            auth_timeout=EACH_PART,
            channel_timeout=EACH_PART,
            sock=way,
            transport_factory=policy.transport,
        )
    except (*LOST, ValueError) as error:
        refusal = _refused(host, user, error, policy.banner())
        client.close()
        raise refusal from error

    return Connection(client, policy.host_key, via)


def _refused(host: Host, user: str, error: Exception, banner: str) -> UnreachableError:
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
        words = "\n".join(line for line in banner.splitlines() if _WORD.search(line))  # no frame
        says = f"; it says: {host_words.last_line(words)}" if words else ""
        why = host_words.last_line(str(error)).removesuffix(".")
        return UnreachableError(
            f"{where} refuses the login of {user}: {why}{says}",
            hint="Only keys are tried: the inventory's private key, or else the agent's. "
            "The reason stands in the host's own log: journalctl -u ssh.",
        )
    if isinstance(error, paramiko.ssh_exception.IncompatiblePeer):
        return UnreachableError(
            f"{where} and pradrill have no way to speak in common: "
            f"{host_words.last_line(str(error))}",
            hint="Let its sshd accept one more: Ciphers aes256-gcm@openssh.com, "
            "KexAlgorithms curve25519-sha256, MACs hmac-sha2-256-etm@openssh.com."
            if _ENCRYPTION.search(str(error))
            else "Compare what both offer: ssh -vv to it by hand, from here.",
        )
    if isinstance(error.__context__, EOFError | ConnectionResetError):  # before its version
        return CrowdedError(
            f"{where} closes connections before a login",
            hint="Its sshd may have too many logins under way (MaxStartups), or a rule against "
            "this machine (fail2ban, PerSourcePenalties): journalctl -u ssh, there.",
        )
    return silent(host, error)


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


def silent(host: Host, error: Exception) -> UnreachableError:
    """Return what is to be said of a host that does not answer."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return UnreachableError(
        f"{host.name} ({host_words.known_hosts_name(host)}) does not answer over SSH: "
        f"{host_words.last_line(reason)}",
        hint="See that the machine is up and that its port can be reached from "
        f"{'its jump host' if host.via is not None else 'here'}.",
    )
