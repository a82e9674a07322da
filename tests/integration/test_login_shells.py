"""Standbys whose login has another shell than sh's kind, or one that spoils what is asked."""

from __future__ import annotations

import base64
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from tests.integration.hosts.sshd import Sshd
from tests.integration.hosts.two_hosts import (
    RESTORE,
    TEARDOWN,
    NamespaceHost,
    free_number,
    namespace_host,
)
from tests.integration.house import build, pradrill, write

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.errors import PradrillError

CHECK = '''\
def test_quotes(host):
    """What a check gives to a command arrives as it is."""
    assert host.run("printf '%s|' a 'b c' '$HOME' 'd!e'").stdout == "a|b c|$HOME|d!e|"
    assert host.file("/etc/passwd").exists
'''


class Login(NamedTuple):
    """A shell, what it reads at a login and what stands there, and what comes of a drill."""

    shell: str
    file: str
    words: str
    code: int = 0
    reason: str = ""


LOGINS = {
    "zsh": Login("/usr/bin/zsh", ".zshenv", "echo hello"),
    "fish": Login("/usr/bin/fish", ".config/fish/config.fish", "echo hello"),
    "dash": Login("/bin/dash", ".profile", "echo hello"),
    "odd settings": Login(
        "/bin/bash", ".bashrc",
        "echo '[1]'; export LC_ALL=xx_YY.KOI8-R TMOUT=1 PYTHONPATH=/no",
    ),
    "a failure": Login("/bin/bash", ".bashrc", "echo careful >&2; false; return 3"),
    "tcsh": Login("/usr/bin/tcsh", ".tcshrc", "echo hello", 4, "shell on web-dr is /usr/bin/tcsh"),
    "csh": Login("/usr/bin/csh", ".cshrc", "echo hello", 4, "shell on web-dr is /usr/bin/csh"),
    "rbash": Login("/bin/rbash", ".bashrc", "", 4, "the login's shell on web-dr is /bin/rbash"),
    "nologin": Login(
        "/usr/sbin/nologin", ".bashrc", "", 4,
        "exit code 1 before Python starts: This account is",
    ),
}  # fmt: skip


class ShellHost:
    """A host whose root has whatever shell is wanted."""

    def __init__(self, host: NamespaceHost) -> None:
        self.host = host
        self._passwd = (host.home / "passwd").read_text("utf-8")

    def house(self, folder: Path, login: Login) -> Path:
        """Give the login its shell; write a house whose standby the host is."""
        lines = self._passwd.splitlines(keepends=True)
        root = f"root:x:0:0:root:/root:{login.shell}\n"
        text = "".join(root if each.startswith("root:") else each for each in lines)
        (self.host.home / "passwd").write_text(text, "utf-8")
        server = self.host.server
        (file := server.folder / login.file).parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{login.words}\n", "utf-8")
        build(folder)
        server.serve(folder, "web-dr")
        write(folder, "drills/checks/shop/test_shop.py", CHECK)
        write(folder, "playbooks/restore.yml", RESTORE)
        write(folder, "playbooks/teardown.yml", TEARDOWN)
        return folder


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ShellHost]:
    """Make the host for this file's tests."""
    home = tmp_path_factory.mktemp("shells") / "web-dr"
    home.mkdir()
    (home / "passwd").write_text(Path("/etc/passwd").read_text("utf-8"), "utf-8")
    with ExitStack() as undo:
        mounts = 'mount --bind "$1/passwd" /etc/passwd\n'
        host = namespace_host(undo, home, free_number(), 21, mounts=mounts)
        host.marker.write_text(f"{host.machine_id}\n")
        yield ShellHost(host)


PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
_CONTENT = re.compile(r"\{\{ lookup\('file', '([\w.-]+)'\)( \| b64encode)? \}\}")


def raw_commands(node: Any) -> Iterator[str]:
    """Yield what raw tasks send, with the contents of the files that they send along."""

    def content(match: re.Match[str]) -> str:
        text = (PLAYBOOKS / "files" / match[1]).read_text("utf-8")
        return base64.b64encode(text.encode()).decode() if match[2] else text

    for each in node if isinstance(node, list) else []:
        if "ansible.builtin.raw" in each:
            yield _CONTENT.sub(content, each["ansible.builtin.raw"])
        for part in ("tasks", "block", "rescue", "always"):
            yield from raw_commands(each.get(part))


def test_what_a_raw_task_sends_reaches_a_login_in_fish_as_it_is() -> None:
    """Ansible quotes it as sh reads it; fish reads a backslash between quotes in another way."""
    commands = [
        command
        for path in sorted([*PLAYBOOKS.glob("*.yml"), *PLAYBOOKS.glob("tasks/*.yml")])
        for command in raw_commands(yaml.safe_load(path.read_text("utf-8")))
    ]
    assert len(commands) > 20
    for command in commands:
        for sent in (command, shlex.quote(command)):  # the latter where it becomes another user
            words = ["fish", "-c", f"printf %s {shlex.quote(sent)}"]
            result = subprocess.run(words, capture_output=True, text=True, check=True)
            assert result.stdout == sent, command


@pytest.mark.nightly
@pytest.mark.parametrize("name", LOGINS)
def test_a_drill_does_with_a_logins_shell_or_says_why_not(
    machine: ShellHost, tmp_path: Path, name: str
) -> None:
    """Whatever it is and prints; one in which nothing runs is refused, and nothing touched."""
    login = LOGINS[name]
    house = machine.house(tmp_path, login)
    result = pradrill(house, "run", "shop")
    (machine.host.server.folder / login.file).unlink()
    output = " ".join((result.stdout + result.stderr).split())
    assert result.returncode == login.code, output
    assert login.reason in output


@pytest.mark.nightly
def test_a_login_that_ends_itself_is_told_in_its_own_words(
    another_sshd: Callable[..., Sshd], tmp_path: Path, control_folder: Path
) -> None:
    """What it printed, and with which code it ended: not that the machine said nothing."""
    server = another_sshd()
    (server.folder / ".bashrc").write_text("echo 'closed for repair'; exit 7\n")
    site = server.site(tmp_path, control_folder)
    probe = SshProbe(SteadyClock(), lambda name: name)
    with pytest.raises(PradrillError) as refusal:
        probe.facts(server.host, site)
    probe.close()
    words = "ends with exit code 7 before Python starts: closed for repair"
    assert words in refusal.value.message
