"""Take mail in the place of the servers it was for; started on the standby by remote_egress.py.

Standard library only, Python 3.8 or later, never imported by pradrill. One word, a JSON object:
`socket`, the abstract name at which root may `look` and `end` it. The run's table leads to it what
leaves this machine for a mail server, and it takes every mail and throws it away as it comes:
nothing of it is kept but numbers, the recipients' domains, the server that was meant, and when. It
opens no connection and may write no file. Prints the port on which it answers, on loopback.
"""

from __future__ import annotations

import errno
import json
import os
import pwd
import re
import resource
import select
import socket
import struct
import sys
import time
from threading import Lock, Thread

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from typing import Any

    Destination = tuple[str, int]

MOST_SERVERS, MOST_DOMAINS = 64, 100  # that are told; what is more is a number
MOST_TALKS = 32  # at one time
IDLE, LONGEST_TALK = 60, 600  # seconds
LONGEST_LINE = 2_048  # bytes of a command
LARGEST = 50_000_000  # bytes of a mail
MOST_RECIPIENTS = 1_000  # of a mail
MOST_ERRORS = 20  # in one talk
CHUNK = 65_536
SO_ORIGINAL_DST = 80  # of the kernel, for both families
NOBODY = "nobody"

GREETING = b"220 pradrill.invalid SMTP: takes all mail, keeps none, sends none\r\n"
BUSY = b"421 4.3.2 pradrill.invalid: too many connections\r\n"
EXTENSIONS = (
    "250-pradrill.invalid\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n"
    f"250-ENHANCEDSTATUSCODES\r\n250 SIZE {LARGEST}\r\n"
).encode()
TOO_LARGE = b"552 5.3.4 this mail is too large\r\n"
END = b"\r\n.\r\n"
TLS = b"\x16\x03"  # how a client begins that speaks TLS at once
DOMAIN = re.compile(r"[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*\.?")
SIZE = re.compile(rb" SIZE=([0-9]{1,20})(?: |$)", re.IGNORECASE)


def domain_of(path: bytes) -> str:
    """Return the domain of a recipient; nothing of what is no plain one, whatever stands there."""
    address = path.partition(b"<")[2].partition(b">")[0] if b"<" in path else path.split(b" ")[0]
    domain = address.rpartition(b"@")[2].decode("ascii", "replace").lower()
    if b"@" not in address or len(domain) > 253 or not DOMAIN.fullmatch(domain):  # noqa: PLR2004
        return ""
    return domain.rstrip(".")


class Server:
    """What came for one mail server."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(
            ("connections", "mails", "recipients", "mailless", "broken", "tls", "logins"), 0
        )
        self.domains: dict[str, int] = {}
        self.first = self.last = 0.0


class Sink:
    """All that came, of every server."""

    def __init__(self) -> None:
        self.lock = Lock()
        self.servers: dict[Destination, Server] = {}
        self.rest = Server()  # of those for which there is no room
        self.domains: set[str] = set()
        self.talks = self.turned_away = 0

    def arrive(self, destination: Destination, now: float) -> tuple[Server, bool]:
        """Note a connection; return where it is counted, and whether there is room to talk."""
        with self.lock:
            server = self.servers.get(destination)
            if server is None and len(self.servers) < MOST_SERVERS:
                server = self.servers[destination] = Server()
            server = server or self.rest
            server.counts["connections"] += 1
            server.first = server.first or now
            server.last = now
            is_room = self.talks < MOST_TALKS
            if is_room:
                self.talks += 1
            else:
                self.turned_away += 1
        return server, is_room

    def leave(self) -> None:
        """Note that a talk is over."""
        with self.lock:
            self.talks -= 1

    def count(self, server: Server, what: str) -> None:
        """Count something once more."""
        with self.lock:
            server.counts[what] += 1

    def take(self, server: Server, domains: list[str]) -> None:
        """Count a mail to recipients of these domains."""
        with self.lock:
            server.counts["mails"] += 1
            server.counts["recipients"] += len(domains)
            for domain in domains:
                if domain not in self.domains and len(self.domains) >= MOST_DOMAINS:
                    continue  # the number of recipients tells that there were more
                self.domains.add(domain)
                server.domains[domain] = server.domains.get(domain, 0) + 1

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        with self.lock:
            servers = [
                [*destination, server.counts, server.domains, int(server.first), int(server.last)]
                for destination, server in self.servers.items()
            ]
            unkept = self.rest.counts["connections"]
            return {"servers": servers, "unkept": unkept, "turned_away": self.turned_away}


class Talk:
    """One connection's words: each is answered, counted and forgotten."""

    def __init__(self, sink: Sink, server: Server) -> None:
        self.sink = sink
        self.server = server
        self.pending = b""
        self.skips = self.in_mail = self.over = False
        self.has_sender = False
        self.domains: list[str] = []
        self.mails = self.errors = self.size = 0
        self.is_first = True

    def hear(self, chunk: bytes) -> bytes:
        """Return what is answered to what came."""
        self.pending += chunk
        answers = []
        while not self.over:
            answer = self._mail() if self.in_mail else self._command()
            if answer is None:
                break
            answers.append(answer)
        return b"".join(answers)

    def end(self) -> None:
        """Note how it ended."""
        if self.in_mail:
            self.sink.count(self.server, "broken")
        if not self.mails:
            self.sink.count(self.server, "mailless")
        self.pending = b""

    def _mail(self) -> bytes | None:
        """Drop a mail up to its end; None where more of it is to come."""
        at = self.pending.find(END)
        overlap = len(END) - 1
        self.size += max(0, len(self.pending) - overlap) if at < 0 else at
        if self.size > LARGEST:
            self.over = True
            return TOO_LARGE
        if at < 0:
            self.pending = self.pending[-overlap:]
            return None
        self.pending = self.pending[at + len(END) :]
        self.in_mail = False
        self.mails += 1
        self.sink.take(self.server, self.domains)
        self._reset()
        return b"250 2.0.0 taken, and thrown away\r\n"

    def _command(self) -> bytes | None:
        """Take one line; None where its end is to come."""
        if self.is_first and self.pending.startswith(TLS):
            return self._refuse("tls", b"", over=True)
        line, ending, rest = self.pending.partition(b"\n")
        if not ending:
            if len(self.pending) > LONGEST_LINE:
                self.skips, self.pending = True, b""
            return None
        self.pending, self.is_first = rest, False
        if self.skips or len(line) > LONGEST_LINE:
            self.skips = False
            return self._error(b"500 5.5.2 this line is too long\r\n")
        return self._answer(line.rstrip(b"\r"))

    def _answer(self, line: bytes) -> bytes:
        verb, _, rest = line.partition(b" ")
        does = {
            b"EHLO": self._hello,
            b"HELO": self._hello,
            b"MAIL": self._sender,
            b"RCPT": self._recipient,
            b"DATA": self._data,
            b"RSET": self._again,
            b"NOOP": self._nothing,
            b"QUIT": self._goodbye,
            b"STARTTLS": self._tls,
            b"AUTH": self._login,
        }.get(verb.upper())
        return does(rest) if does else self._error(b"502 5.5.1 this is not done here\r\n")

    def _hello(self, _rest: bytes) -> bytes:
        self._reset()
        return EXTENSIONS

    def _again(self, _rest: bytes) -> bytes:
        self._reset()
        return b"250 2.0.0 as at the beginning\r\n"

    def _nothing(self, _rest: bytes) -> bytes:
        return b"250 2.0.0 nothing done\r\n"

    def _tls(self, _rest: bytes) -> bytes:
        return self._refuse("tls", b"502 5.5.1 there is no TLS here\r\n")

    def _login(self, _rest: bytes) -> bytes:
        return self._refuse("logins", b"502 5.5.1 nobody logs in here\r\n")

    def _goodbye(self, _rest: bytes) -> bytes:
        self.over = True
        return b"221 2.0.0 goodbye\r\n"

    def _sender(self, rest: bytes) -> bytes:
        """Begin a mail; whoever it is from is forgotten at once."""
        if not rest.upper().startswith(b"FROM:"):
            return self._error(b"501 5.5.4 MAIL FROM:<address>\r\n")
        if self.has_sender:
            return self._error(b"503 5.5.1 there is a sender\r\n")
        size = SIZE.search(rest)
        if size is not None and int(size.group(1)) > LARGEST:
            self.sink.count(self.server, "broken")
            return TOO_LARGE
        self.has_sender = True
        return b"250 2.1.0 sender taken\r\n"

    def _recipient(self, rest: bytes) -> bytes:
        """Add a recipient: its domain, and no more."""
        if not rest.upper().startswith(b"TO:"):
            return self._error(b"501 5.5.4 RCPT TO:<address>\r\n")
        if not self.has_sender:
            return self._error(b"503 5.5.1 there is no sender\r\n")
        if len(self.domains) >= MOST_RECIPIENTS:
            return b"452 4.5.3 too many recipients\r\n"
        self.domains.append(domain_of(rest[3:].strip()))
        return b"250 2.1.5 recipient taken\r\n"

    def _data(self, _rest: bytes) -> bytes:
        if not self.domains:
            return self._error(b"503 5.5.1 there is no recipient\r\n")
        self.in_mail, self.size = True, 0
        self.pending = b"\r\n" + self.pending  # the end of a mail without a line
        return b"354 end with a dot\r\n"

    def _reset(self) -> None:
        self.has_sender, self.domains = False, []

    def _refuse(self, what: str, words: bytes, *, over: bool = False) -> bytes:
        """Count what somebody insists on that there is not."""
        self.sink.count(self.server, what)
        self.over = over
        return self._error(words)

    def _error(self, words: bytes) -> bytes:
        self.errors += 1
        if self.errors >= MOST_ERRORS:
            self.over = True
            return words + b"421 4.7.0 too many errors\r\n"
        return words


def original(connection: socket.socket) -> Destination | None:
    """Return where a connection was going; None where it was going here, or that is not known."""
    try:
        if connection.family == socket.AF_INET6:
            there = connection.getsockopt(socket.IPPROTO_IPV6, SO_ORIGINAL_DST, 28)
            address = socket.inet_ntop(socket.AF_INET6, there[8:24])
        else:
            there = connection.getsockopt(socket.IPPROTO_IP, SO_ORIGINAL_DST, 16)
            address = socket.inet_ntop(socket.AF_INET, there[4:8])
        port = struct.unpack("!H", there[2:4])[0]
        here = connection.getsockname()
    except OSError:
        return None
    return None if (address, port) == here[:2] else (address, port)


def talk(connection: socket.socket, sink: Sink, server: Server) -> None:
    """Answer until the other side has gone, or its time is over."""
    words = Talk(sink, server)
    end = time.monotonic() + LONGEST_TALK
    try:
        with connection:
            connection.settimeout(IDLE)
            connection.sendall(GREETING)
            while not words.over and time.monotonic() < end:
                chunk = connection.recv(CHUNK)
                if not chunk:
                    break
                connection.sendall(words.hear(chunk))
    except OSError:
        pass  # one who goes without a word hinders nobody
    finally:
        words.end()
        sink.leave()


def accept(listener: socket.socket, sink: Sink) -> None:
    """Let one in, that the run's table has led here."""
    connection, _ = listener.accept()
    destination = original(connection)
    if destination is None:
        connection.close()
        return
    server, is_room = sink.arrive(destination, time.time())
    if is_room:
        try:
            Thread(target=talk, args=(connection, sink, server), daemon=True).start()
        except RuntimeError:  # this machine has no room for one more
            sink.leave()
            connection.close()
        return
    with connection:
        connection.settimeout(1)
        connection.sendall(BUSY)


def told_to_end(listener: socket.socket, sink: Sink, root: int) -> bool:
    """Do what root says; tell whether that is to end."""
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(1)
        size = struct.calcsize("3i")
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        if struct.unpack("3i", credentials)[1] != root:
            return False
        word = connection.recv(64).strip()
        connection.settimeout(5)
        connection.sendall(json.dumps(sink.as_json()).encode())
        return word == b"end"


def listeners() -> list[socket.socket]:
    """Return sockets of one port, on loopback; of IPv6 too where this machine has it."""
    for _ in range(50):
        every = [socket.socket(socket.AF_INET)]
        every[0].bind(("127.0.0.1", 0))
        try:
            six = socket.socket(socket.AF_INET6)
            six.bind(("::1", every[0].getsockname()[1]))
            every.append(six)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
        for each in every:
            each.listen(MOST_TALKS)
        return every
    raise OSError("no port is free")


def give_up_rights() -> None:
    """Give up whatever it does not need: to write files, and to be root."""
    for limit in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(limit, (0, 0))
    try:
        nobody = pwd.getpwnam(NOBODY)
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
    except (KeyError, OSError):
        return  # then as root: it reads words, and does nothing else


def main(words: str) -> None:
    """Take mail until somebody says that it is over."""
    with open("/proc/self/comm", "w", encoding="ascii") as file:  # noqa: PTH123
        file.write("pradrill-mail")
    sink, root = Sink(), os.geteuid()
    control = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    control.bind(f"\0{json.loads(words)['socket']}")
    control.listen(4)
    servers = listeners()
    give_up_rights()
    os.write(1, f"{servers[0].getsockname()[1]}\n".encode())
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)

    while True:
        for each in select.select([control, *servers], [], [])[0]:
            try:
                if each is not control:
                    accept(each, sink)
                elif told_to_end(control, sink, root):
                    return
            except OSError:
                continue  # one who comes and goes hinders nobody


if __name__ == "__main__":
    main(sys.argv[1])
