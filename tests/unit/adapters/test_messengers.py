"""A real Apprise, and a program of the user's: what is delivered, and why it was not."""

from __future__ import annotations

import json
import socket
import socketserver
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from pradrill.adapters.notifications import messengers
from pradrill.adapters.notifications.messengers import AppriseMessenger, ProgramMessenger
from pradrill.adapters.secrets import resolve

TOKEN = "s3cretT0ken"  # noqa: S105 of nothing


class Receiver:
    """Takes JSON by HTTP, and answers as its path says."""

    def __init__(self, server: ThreadingHTTPServer, letters: list[Any], words: list[str]) -> None:
        self.letters = letters
        self.command_lines = words
        self.port: int = server.server_address[1]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Serve on a port of this machine."""
    letters: list[Any] = []
    words: list[str] = []
    slow = Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            words.append(command_lines())
            if "slow" in self.path:
                slow.wait(60)
            letters.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if "broken" in self.path else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield Receiver(server, letters, words)
    finally:
        slow.set()
        server.shutdown()
        server.server_close()


def command_lines() -> str:
    """Return the command line and nothing else of every process of this machine."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return "\n".join(lines)


Keep = Callable[[str], AppriseMessenger]


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """Return what makes a channel of an address, which lies in a file of its own."""

    def keep(address: str) -> AppriseMessenger:
        path = tmp_path / "address"
        path.write_text(f"{address}\n", encoding="utf-8")
        path.chmod(0o600)
        return AppriseMessenger(f"file:{path}", resolve)

    return keep


def test_apprise_delivers_and_no_command_line_has_the_address(
    receiver: Receiver, keep: Keep
) -> None:
    """Subject and text arrive as they are, markup and all."""
    messenger = keep(f"json://user:{TOKEN}@127.0.0.1:{receiver.port}/{TOKEN}")
    assert messenger.deliver("[Été] shop: FAILED", "<b>why</b>\n    # pradrill show") is None
    (letter,) = receiver.letters
    assert letter["title"] == "[Été] shop: FAILED"
    assert letter["message"] == "<b>why</b>\n    # pradrill show"
    assert "apprise_process.py" in receiver.command_lines[0]
    assert TOKEN not in receiver.command_lines[0]


def test_what_apprise_says_of_a_failure_holds_nothing_of_the_address(
    receiver: Receiver, keep: Keep
) -> None:
    """An error of the server, a port that nobody listens at, an address that is none."""
    broken = keep(f"json://127.0.0.1:{receiver.port}/broken/{TOKEN}").deliver("s", "t")
    assert broken == "Failed to send JSON POST notification: Internal server error., error=500"
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    refused = keep(f"json://ops:{TOKEN}@127.0.0.1:{port}/").deliver("s", "t")
    assert refused == "A Connection error occurred sending JSON notification to ********"
    nonsense = keep(f"jsn://{TOKEN}").deliver("s", "t")
    assert nonsense == "what the secret holds is no address that Apprise knows"


def test_a_receiver_that_hangs_is_left_in_time(receiver: Receiver) -> None:
    """The process is ended at its deadline, whatever Apprise would still wait for."""
    start = time.monotonic()
    address = f"json://127.0.0.1:{receiver.port}/slow"
    late = AppriseMessenger("file:address", lambda _name: address, 1.0).deliver("s", "t")
    assert late == "it did not end within 1 s"
    assert time.monotonic() - start < 50


def test_without_apprise_the_answer_installs_it(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the command for the way in which pradrill was installed."""
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")  # Debian's: it has none
    why = keep("json://127.0.0.1:1").deliver("s", "t")
    assert why == "Apprise is not installed: /usr/bin/python3 -m pip install apprise"
    monkeypatch.setattr(sys, "prefix", "/root/.local/share/pipx/venvs/pradrill")
    assert messengers.install_command() == "pipx inject pradrill apprise"
    monkeypatch.setattr(sys, "prefix", "/root/.local/share/uv/tools/pradrill")
    assert messengers.install_command() == "uv tool install --with apprise pradrill"


def test_a_secret_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """A file that others may read is refused, as for every secret."""
    path = tmp_path / "address"
    path.write_text(f"json://127.0.0.1/{TOKEN}", encoding="utf-8")
    path.chmod(0o644)
    why = AppriseMessenger(f"file:{path}", resolve).deliver("s", "t")
    assert why == f"the secret file {path} can be read by others"


@contextmanager
def a_mail_sink() -> Iterator[tuple[int, list[str]]]:
    """Take mails by SMTP on a port of this machine."""
    mails: list[str] = []

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 sink")
            while line := self.rfile.readline().decode().strip():
                match line.split()[0].upper():
                    case "EHLO" | "HELO":
                        self.say("250 sink")
                    case "DATA":
                        self.say("354 go on")
                        lines = iter(self.rfile.readline, b".\r\n")
                        mails.append(b"".join(lines).decode())
                        self.say("250 taken")
                    case "QUIT":
                        self.say("221 bye")
                        return
                    case _:
                        self.say("250 fine")

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1], mails
        server.shutdown()


def test_apprise_sends_a_mail(keep: Keep) -> None:
    """By SMTP, with the subject, and the text as text."""
    with a_mail_sink() as (port, mails):
        where = "from=drills@exemple.fr&to=ops@exemple.fr&mode=insecure&format=text"
        address = f"mailto://127.0.0.1:{port}?{where}"
        assert keep(address).deliver("[Exemple] shop: FAILED", "why\n    pradrill show") is None
    (mail,) = mails
    assert "Subject: [Exemple] shop: FAILED" in mail
    assert "To: ops@exemple.fr" in mail


def test_a_program_gets_subject_and_text(tmp_path: Path) -> None:
    """On its standard input, the subject in its environment, too; its end is what counts."""
    box = tmp_path / "box"
    script = f'{{ echo "$PRADRILL_SUBJECT"; cat; }} > {box}'
    assert ProgramMessenger(["sh", "-c", script]).deliver("it", "why\n") is None
    assert box.read_text(encoding="utf-8") == "it\nit\n\nwhy\n"
    late = tmp_path / "late"
    beside = f"(sleep 0.3; touch {late}) & exit 0"  # as mailx does with sendmail
    assert ProgramMessenger(["sh", "-c", beside]).deliver("it", "why") is None
    deadline = time.monotonic() + 60
    while not late.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert ProgramMessenger(["false"]).deliver("it", "x" * 200_000) == "false ended with 1"
    missing = ProgramMessenger(["/no/such"]).deliver("it", "why")
    assert missing == "/no/such cannot be run: No such file or directory"
