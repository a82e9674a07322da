"""One Python is kept on a host for the scripts that are sent there."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.sshd import Sshd

from pradrill.adapters.ssh.interpreter import KEPT, TOO_LONG
from pradrill.adapters.ssh.sessions import LateError, Sessions
from pradrill.domain.run.host import Site

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

    command = ["sh", "-c", "head -c 500000 /dev/zero; printf end"]
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
    """The shell's own reason and exit code are the answer."""
    server = another_sshd(f"SetEnv PATH={tmp_path}")
    site = server.site(tmp_path, control_folder)
    reply = sessions.script(server.host, site, "remote_command.py", ["true"], 20)
    assert reply.code == 127
    assert "No such file" in reply.err or "not found" in reply.err
