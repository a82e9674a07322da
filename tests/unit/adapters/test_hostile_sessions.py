"""Whatever a login's shell, the Python behind it, or an sshd says, it is an answer or a reason."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import paramiko
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts

from pradrill.adapters.ssh import connection
from pradrill.adapters.ssh.damage import SshDamager
from pradrill.adapters.ssh.interpreter import TOO_LONG, Interpreter, Script, SshReply
from pradrill.adapters.ssh.sessions import Sessions
from pradrill.adapters.testinfra.commands import FENCE, behind_fence, has_begun
from pradrill.domain.run.host import Host, Site
from pradrill.errors import PradrillError, UnreachableError

HOST = Host(name="web-dr", address="192.0.2.20", user="root", dr_role="standby")
SITE = Site(
    hosts=(HOST,), inventory=Path("inventory"), known_hosts=Path("known_hosts"),
    ssh_config=Path("ssh_config"), run_id="20260310T020000Z-moodle-abcdef",
)  # fmt: skip
REPLY = {"name": "NAME", "answers": [{"code": 0, "out": "a", "err": "", "whole": True}]}
BEGINNING = "+NAME 1773108000.123456789\n"
greetings = st.sampled_from(["", "Welcome\n", "no feed", "{\n", '{"a": 1}\n', "+NAME", "\n" * 50])


class Channel:
    """A channel over which so much is said, with the request's name in it, and then no more."""

    def __init__(self, parts: list[str], code: int) -> None:
        self._parts = [part.encode("utf-8", "surrogatepass") for part in parts]
        self._code = code
        self._name = b""

    def get_transport(self) -> None:
        """Return none."""

    def exec_command(self, command: str) -> None:
        """Start it."""

    def sendall(self, request: bytes) -> None:
        """Take a request, and note its name."""
        self._name = json.loads(request)["name"].encode()

    def recv(self, _most: int) -> bytes:
        """Return the next part."""
        return self._parts.pop(0).replace(b"NAME", self._name) if self._parts else b""

    def makefile_stderr(self, _mode: str) -> io.BytesIO:
        """Return what was said of errors."""
        return io.BytesIO(b"\xffpradrill-python 2.7\n")

    def recv_exit_status(self) -> int:
        """Return how it ended."""
        return self._code


@settings(max_examples=4 * EXAMPLES)
@given(
    greetings | texts, st.sampled_from([BEGINNING, "+NAME \xff\n", ""]), documents(REPLY),
    st.sampled_from(["\n", ""]), st.sampled_from([-1, 0, 1, 127]),
)  # fmt: skip
def test_what_a_kept_python_says_is_a_reply_or_none(
    greeting: str, beginning: str, answer: str, end: str, code: int
) -> None:
    """A reply has an exit code, two texts and whether they are whole; all else is a lost host."""
    channel = cast("paramiko.Channel", Channel([greeting, beginning, answer, end], code))
    interpreter = Interpreter(channel)
    with suppress(EOFError):
        if not interpreter.accepts([Script("remote_command.py", ["true"])]):
            assert interpreter.unstarted(HOST).message.isprintable()
            return
        (reply,) = interpreter.replies(1)
        assert reply.code == TOO_LONG or 0 <= reply.code < 256
        json.dumps(reply).encode()
        assert reply.whole in {True, False}
    assert interpreter.spoiling.isprintable()


replies = st.builds(SshReply, st.sampled_from([0, 1, TOO_LONG]), texts, texts, st.booleans())


@settings(max_examples=2 * EXAMPLES)
@given(replies)
def test_what_a_command_of_a_sabotage_prints_is_a_value_or_a_reason(reply: SshReply) -> None:
    """A reason is one line; a value is one that was printed."""

    class SameReply:
        def script(self, *_words: Any, **_options: Any) -> SshReply:
            return reply

    damager = SshDamager(cast("Sessions", SameReply()))
    asks: list[Callable[[], str | None]] = [
        lambda: damager.ask(HOST, SITE, "true", {}, 1.0),
        lambda: damager.damage(HOST, SITE, "true", {}, 1.0).reason,
    ]
    for ask in asks:
        with suppress(PradrillError):
            assert "\n" not in str(ask())


refusals = st.sampled_from(
    [paramiko.AuthenticationException, paramiko.SSHException, OSError, ValueError, EOFError]
)


@settings(max_examples=2 * EXAMPLES)
@given(refusals, texts, texts)
def test_why_an_sshd_refuses_is_one_line(refusal: type[Exception], words: str, banner: str) -> None:
    """Whatever its banner and its reason are, a terminal shows them as they are."""
    error = connection._refused(HOST, "root", refusal(words), banner)
    assert isinstance(error, UnreachableError)
    assert error.message.isprintable()


@settings(max_examples=2 * EXAMPLES)
@given(st.binary(max_size=60), st.binary(max_size=60), st.booleans())
def test_what_a_checks_command_prints_begins_behind_its_fence(
    before: bytes, output: bytes, is_fenced: bool
) -> None:
    """Whatever a shell greets with, a command's own output is all that counts."""
    fence = f"\n{FENCE}\n".encode()
    printed = before + (fence if is_fenced else b"") + output
    assert has_begun(printed) or not is_fenced
    if is_fenced and fence not in output:
        assert behind_fence(printed) == output
