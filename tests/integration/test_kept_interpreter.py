"""One Python is kept on a host for the scripts that are sent there."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.hosts.sshd import Sshd

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.ssh.interpreter import KEPT, TOO_LONG, LoginShellError
from pradrill.adapters.ssh.leases import SshLeases
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.adapters.ssh.sessions import LateError, Sessions
from pradrill.domain.run.host import Site
from pradrill.domain.run.lease import Holder
from pradrill.errors import PradrillError

SEVEN = "7.1234567"  # seconds of a sleep that nobody else sleeps


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    """Give connections, closed at the end."""
    sessions = Sessions()
    yield sessions
    sessions.close()


def running(*words: str) -> list[int]:
    """Return the pids of processes whose command line has all of the words."""
    pids = []
    for folder in Path("/proc").iterdir():
        try:
            line = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:  # no process, or gone
            continue
        if folder.name.isdigit() and all(word in line for word in words):
            pids.append(int(folder.name))
    return pids


def ask(sessions: Sessions, sshd: Sshd, site: Site, *command: str, deadline: float = 20) -> str:
    """Return what a command prints."""
    reply = sessions.script(sshd.host, site, "remote_command.py", command, deadline)
    assert reply.code == 0, reply
    return reply.out


def test_scripts_are_carried_out_by_one_python_and_by_another_when_it_is_gone(
    sessions: Sessions, sshd: Sshd, site: Site
) -> None:
    """Each script is a child of the same process; after a kill -9 of that, of a new one."""
    parents = [ask(sessions, sshd, site, "sh", "-c", "echo $PPID") for _ in range(3)]
    assert len(set(parents)) == 1

    os.kill(int(parents[0]), signal.SIGKILL)
    assert ask(sessions, sshd, site, "sh", "-c", "echo $PPID") != parents[0]


def test_what_one_script_does_is_not_there_for_the_next(
    sessions: Sessions, sshd: Sshd, site: Site
) -> None:
    """Exit code, streams and quotes are each script's own; large answers keep their end."""
    reply = sessions.script(
        sshd.host, site, "remote_command.py", ["sh", "-c", "echo 'a\"b\n'; echo x >&2; exit 3"], 20
    )
    assert reply == (3, 'a"b\n\n', "x\n", True)

    command = ["sh", "-c", "head -c 600000 /dev/zero; printf end"]
    reply = sessions.script(sshd.host, site, "remote_command.py", command, 20)
    assert (len(reply.out), reply.out[-3:], reply.whole) == (KEPT, "end", False)

    reply = sessions.script(sshd.host, site, "remote_command.py", ["yes"], 60)
    assert (reply.code, reply.out) == (TOO_LONG, "")
    assert ask(sessions, sshd, site, "echo", "next") == "next\n"


def test_a_script_ends_with_its_deadline(sessions: Sessions, sshd: Sshd, site: Site) -> None:
    """What is late is ended on the host too, and the next script is carried out."""
    with pytest.raises(LateError):
        ask(sessions, sshd, site, "sleep", SEVEN, deadline=1)

    time.sleep(1)
    assert not running("sleep", SEVEN)
    assert ask(sessions, sshd, site, "echo", "next") == "next\n"


def test_a_shell_that_greets_is_no_answer(
    sessions: Sessions, another_sshd: Callable[..., Sshd], tmp_path: Path, control_folder: Path
) -> None:
    """What a login's shell prints before it obeys is passed over."""
    shell = tmp_path / "greet.sh"
    shell.write_text('echo "Welcome to $(hostname)"\nexec sh -c "$SSH_ORIGINAL_COMMAND"\n')
    server = another_sshd(f"ForceCommand sh {shell}")
    site = server.site(tmp_path, control_folder)
    assert ask(sessions, server, site, "echo", "one") == "one\n"
    assert ask(sessions, server, site, "echo", "two") == "two\n"


def test_a_host_without_python_says_so(
    sessions: Sessions, another_sshd: Callable[..., Sshd], tmp_path: Path, control_folder: Path
) -> None:
    """The shell's own reason, and what mends it."""
    server = another_sshd(f"SetEnv PATH={tmp_path}")
    site = server.site(tmp_path, control_folder)
    with pytest.raises(LoginShellError, match="starts no python3: ") as refusal:
        sessions.script(server.host, site, "remote_command.py", ["true"], 20)
    why = refusal.value.message
    assert "No such file" in why or "not found" in why
    assert "python3" in str(refusal.value.hint)


LIAR = """
import json, sys, time
answered = 0
for line in sys.stdin:
    name = json.loads(line)["name"]
    if answered and MODE == "dribbles":
        while True:
            print("x", flush=True)
            time.sleep(0.1)
    print("+" + name, "1.000000000")
    one = dict(code=0, out=f"answer {answered}", err="", whole=True)
    ahead = dict(name=name, answers=[{**one, "out": "answered ahead"}])
    print(json.dumps(dict(name=name, answers=[one])), flush=True)
    answered += 1
    if MODE == "answers ahead":
        print("+" + name, "1.000000000")
        print(json.dumps(ahead), flush=True)
    if MODE == "names nothing":
        print("+", "1.000000000")
        del ahead["name"]
        print(json.dumps(ahead), flush=True)
"""

Liar = Callable[[str], tuple[Sshd, Site]]


@pytest.fixture
def liar(another_sshd: Callable[..., Sshd], tmp_path: Path, control_folder: Path) -> Liar:
    """Return what starts a host that has no Python, but a program that answers as it likes."""

    def start(source: str) -> tuple[Sshd, Site]:
        program = tmp_path / "liar.py"
        program.write_text(source)
        server = another_sshd(f"ForceCommand {sys.executable} -u {program}")
        return server, server.site(tmp_path, control_folder)

    return start


@pytest.mark.parametrize("mode", ["dribbles", "answers ahead", "names nothing"])
def test_an_answer_is_of_the_script_that_was_asked_for(
    sessions: Sessions, liar: Liar, mode: str
) -> None:
    """What was said before it was asked is passed over, and chatter holds nobody up for ever."""
    server, site = liar(f"MODE = {mode!r}\n{LIAR}")
    assert ask(sessions, server, site, "true", deadline=3) == "answer 0"
    start = time.monotonic()
    assert ask(sessions, server, site, "true", deadline=3).startswith("answer ")
    assert time.monotonic() - start < 8


@pytest.mark.parametrize(
    "answer",
    [
        "'[' * 100000",
        "dict(code=0, out='[' * 100000, err='', whole=True)",
        "dict(code=float('inf'), out='', err='', whole=True)",
        "dict(code=0, out='{}', err=chr(0xd800), whole=True)",
        "dict(code=0, out='[[1]]', err='', whole=True)",
        "dict(code=0, out=chr(0) * 4, err='', whole=True)",
        "dict(code=0, out='a ' * 900000, err='', whole=True)",
    ],
    ids=["nesting", "nested output", "infinity", "surrogate", "other shape", "empty", "size"],
)
def test_no_answer_of_a_hostile_host_is_a_crash(liar: Liar, answer: str) -> None:
    """Whatever it says where a script's answer is awaited is an error of ours, with a sentence."""
    server, site = liar(f"""
import json, sys
for line in sys.stdin:
    request, answer = json.loads(line), {answer}
    print("+" + request["name"], "1.000000000")
    answers = [answer] * len(request["scripts"])
    whole = json.dumps(dict(name=request["name"], answers=answers))
    print(answer if isinstance(answer, str) else whole, flush=True)
""")
    probe, leases = SshProbe(SteadyClock(), str), SshLeases()
    holder = Holder(run="r", controller="c", state="s")
    try:
        for ask_for in (
            lambda: probe.facts(server.host, site),
            lambda: probe.state(server.host, site, ["/srv"]),
            lambda: probe.marked(server.host, site),
            lambda: probe.end_strays(server.host, site, None, commands=True),
            lambda: leases.take(server.host, site, holder, machine_id="0" * 32, over=()),
            lambda: leases.look(server.host, site, holder, machine_id="0" * 32),
        ):
            with pytest.raises(PradrillError) as failure:
                ask_for()
            failure.value.message.encode()
    finally:
        probe.close()
        leases.close()


def test_the_use_of_a_filesystem_is_told_once(sessions: Sessions, sshd: Sshd, site: Site) -> None:
    """Two paths on one filesystem are one figure, the kernel's; one may not be there yet."""
    probe = SshProbe(SteadyClock(), str, sessions)
    used = probe.used(sshd.host, site, ("/", "/nowhere/deeper"))
    there = os.statvfs("/")
    assert [*used.values()] == [
        pytest.approx((there.f_blocks - there.f_bfree) * there.f_frsize, 0.02)
    ]
