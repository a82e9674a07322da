"""One reader of pinned host keys: what OpenSSH takes is taken by every side, and nothing else."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.integration.hosts.sshd import Sshd
from tests.sources.conftest import PASSWORD, mostly_nightly
from tests.sources.restic_crypto import new_repository
from tests.sources.test_dumps_behind_sftp import BOUNDS, DUMP

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.adapters.standbys.inventory import InventoryHosts
from pradrill.app.backups import source_of
from pradrill.app.primary_clocks import clocks
from pradrill.domain.declared.backup_source import RecoveryPointSpec
from pradrill.domain.declared.plan import PrimaryIdentity, SshAddress
from pradrill.domain.run.host import Host, Inventory
from pradrill.errors import PradrillError
from pradrill.system.command import ssh_options

OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
RSA = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7"
NO_PIN = r"no host key|does not exist|is not the pinned one|whose key is not the pinned"


class Case(NamedTuple):
    """What stands in which file, and whether OpenSSH takes the server's key by it."""

    pinned: bool
    lines: str | None = None
    """Of the file that is declared: {at} is [127.0.0.1]:PORT, {key} the server's key."""
    user: str = ""
    """Of the file that ssh_config names."""
    everybodys: str = ""
    config: str = ""
    """More lines of ssh_config."""
    host: str = "127.0.0.1"
    hashed: bool = False


_COMMAND = "KnownHostsCommand /bin/echo {at} {key}"
CASES = {
    "hashed": Case(True, "{at} {key}\n", hashed=True),
    "hashed, without a port": Case(True, "127.0.0.1 {key}\n", hashed=True),
    "wildcard": Case(True, "[127.0.0.*]:{port} {key}\n"),
    "wildcard of one sign": Case(True, "[127.0.0.?]:* {key}\n"),
    "without a port": Case(True, "127.0.0.1 {key}\n"),
    "several names, a comment": Case(True, "# ours\n\nb,127.0.0.1,{at} {key} root@b\n"),
    "CRLF": Case(True, "# ours\r\n{at} {key}\r\n"),
    "CRLF, a comment behind": Case(True, "{at} {key} root@b\r\n"),
    "other letters": Case(True, "# cl\udce9\n{at} {key} root@h\udcf4te\n"),
    "blanks and tabs": Case(True, "  {at}\t{key}\n"),
    "several types": Case(True, f"{{at}} {RSA}\n{{at}} {{key}}\n"),
    "several of one type": Case(True, f"{{at}} {OTHER}\n{{at}} {{key}}\n"),
    "an upper-case name": Case(True, "[LocalHost]:{port} {key}\n", host="LOCALHOST"),
    "negated": Case(False, "!{at},[127.*]:* {key}\n"),
    "another key": Case(False, f"{{at}} {OTHER}\n"),
    "another with its port": Case(False, f"{{at}} {OTHER}\n127.0.0.1 {{key}}\n"),
    "another port": Case(False, "[127.0.0.1]:1 {key}\n"),
    "the name alone": Case(False, "[localhost]:{port} {key}\n"),
    "nothing": Case(False, "# none\n"),
    "revoked": Case(False, "127.0.0.1 {key}\n@revoked * {key}\n"),
    "revoked with its port": Case(False, "127.0.0.1 {key}\n@revoked {at} {key}\n"),
    "revoked without its port": Case(True, "{at} {key}\n@revoked 127.0.0.1 {key}\n"),
    "another one is revoked": Case(True, f"{{at}} {{key}}\n@revoked * {OTHER}\n"),
    "everybody's do not count": Case(False, "# none\n", everybodys="{at} {key}\n"),
    "the user's do not count": Case(False, "# none\n", user="{at} {key}\n"),
    "a command does not count": Case(False, "# none\n", config=_COMMAND),
    "by its alias": Case(True, "It {key}\n", config="HostKeyAlias IT"),
    "by no alias": Case(False, "{at} {key}\n", config="HostKeyAlias it"),
    "ssh_config's file": Case(True, user="{at} {key}\n"),
    "ssh_config of another system": Case(
        True, user="{at} {key}\n", config="IgnoreUnknown UseKeychain\nUseKeychain yes"
    ),
    "ssh_config's second file": Case(True, everybodys="{at} {key}\n"),
    "revoked for everybody": Case(False, user="{at} {key}\n", everybodys="@revoked * {key}\n"),
    "ssh_config's command": Case(False, config=_COMMAND),
    "localhost is no exception": Case(
        False, config="NoHostAuthenticationForLocalhost yes", host="localhost"
    ),
}  # fmt: skip
DAY = (
    *("hashed", "other letters", "revoked with its port", "a command does not count"),
    *("ssh_config's second file", "an upper-case name", "ssh_config of another system"),
)


class Scene(NamedTuple):
    """An sshd, and what is pinned of it where."""

    server: Sshd
    pins: Path | None
    host: str
    folder: Path

    @property
    def ssh(self) -> dict[str, str]:
        """Return how a drill declares the way."""
        pins = {"known_hosts": str(self.pins)} if self.pins else {}
        return {**pins, "private_key": str(self.server.key)}

    @property
    def place(self) -> str:
        """Return where the server is, in an address."""
        return f"root@{self.host}:{self.server.port}"


def _openssh(scene: Scene) -> None:
    """Ask ssh itself, from keys in files alone."""
    options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "KnownHostsCommand=none"]
    options += ["NoHostAuthenticationForLocalhost=no", f"IdentityFile={scene.server.key}"]
    if scene.pins:
        options += [f"UserKnownHostsFile={scene.pins}", "GlobalKnownHostsFile=/dev/null"]
    words = [word for each in options for word in ("-o", each)]
    login = f"root@{scene.host}"
    command = ["ssh", *words, "-p", str(scene.server.port), login, "true"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode != 0:
        raise PradrillError(f"no host key: {process.stderr}")


def _declared(scene: Scene, kind: str, **fields: Any) -> None:
    declared = {kind: {"ssh": scene.ssh, **fields}}
    spec = RecoveryPointSpec.model_validate(declared, context={"folder": scene.folder})
    assert source_of(spec, SteadyClock(), lambda _name: PASSWORD).catalogue(BOUNDS).source == kind


def _dumps(scene: Scene) -> None:
    (scene.folder / DUMP).write_text("CREATE TABLE t (n int);\n")
    folder = f"sftp://{scene.place}{scene.folder}"
    _declared(scene, "dumps", folder=folder, names="moodle-%Y%m%d-%H%M%S.sql", timezone="UTC")


def _restic(scene: Scene) -> None:
    repository = scene.folder / "restic"
    new_repository(repository, PASSWORD)
    _declared(scene, "restic", repository=f"sftp://{scene.place}/{repository}", password="env:P")  # noqa: S106 a name


def _borg(scene: Scene) -> None:
    repository = scene.folder / "borg"
    subprocess.run(["borg", "init", "-e", "none", repository], check=True, capture_output=True)
    _declared(scene, "borg", repository=f"ssh://{scene.place}{repository}")


def _standby(scene: Scene) -> None:
    host = scene.server.host.model_copy(update={"address": scene.host})
    standby = InventoryHosts([host], Inventory(content={}), scene.pins)
    for problem in standby.problems():
        raise PradrillError(problem.what)
    (folder := scene.folder / "site").mkdir()
    site = standby.start(folder, "pins", lambda _line: None)
    probe = SshProbe(SteadyClock(), lambda name: name)
    try:
        probe.skew(site.hosts[0], site)
    finally:
        probe.close()
        standby.stop("pins")


def _primary(scene: Scene) -> None:
    server = scene.server
    address = SshAddress.model_construct(
        host=scene.host, port=server.port, user="root", key=server.key, known_hosts=scene.pins
    )
    reasons: list[str] = []
    identity = PrimaryIdentity.model_construct(ssh=address)
    if not clocks({"shop": identity}, SteadyClock(), reasons.append):
        raise PradrillError(reasons[0])


SIDES: dict[str, Callable[[Scene], None]] = {
    "ssh": _openssh,
    "dumps": _dumps,
    "standby": _standby,
    "primary": _primary,
    "restic": _restic,
    "borg": _borg,
}


@pytest.fixture
def ssh_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a file that every ssh of this test reads as its user's configuration."""
    config, wrapper = tmp_path / "config", tmp_path / "bin/ssh"
    wrapper.parent.mkdir()
    wrapper.write_text(
        f'#!/bin/sh\ncase " $* " in *" -F "*) exec /usr/bin/ssh "$@";; esac\n'
        f'exec /usr/bin/ssh -F {config} "$@"\n'
    )
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    yield config
    with suppress(FileNotFoundError):
        config.unlink()


def scene_of(case: Case, server: Sshd, config: Path, folder: Path) -> Scene:
    """Write what a case says; return what the sides are asked with."""
    at = f"[127.0.0.1]:{server.port}"
    words = {"at": at, "port": server.port, "key": server.host_key}

    def put(name: str, text: str) -> Path:
        path = folder / name
        path.write_bytes(os.fsencode(text.format(**words)))
        return path

    files = (put("the user's", case.user), put("everybody's", case.everybodys))
    user, everybodys = (f'"{each}"' for each in files)
    lines = f"UserKnownHostsFile {user}\nGlobalKnownHostsFile {everybodys}\n{case.config}\n"
    config.write_text(lines.format(**words))
    pins = None if case.lines is None else put("pins", case.lines)
    if case.hashed and pins:
        subprocess.run(["ssh-keygen", "-H", "-f", pins], check=True, capture_output=True)
        assert pins.read_text().startswith("|1|")
    return Scene(server, pins, case.host, folder)


@pytest.mark.parametrize(
    "sides",
    [
        ("ssh", "dumps", "standby", "primary"),
        pytest.param(("restic", "borg"), marks=pytest.mark.nightly),
    ],
    ids="-".join,
)
@pytest.mark.parametrize("name", mostly_nightly(CASES, *DAY))
def test_each_side_takes_the_pinned_keys_that_openssh_takes(
    sshd: Sshd, tmp_path: Path, ssh_config: Path, name: str, sides: tuple[str, ...]
) -> None:
    """Dumps, standby, primary, restic, borg: each does as ssh, and says that it is for the key."""
    case = CASES[name]
    answers = {}
    for side in sides:
        (folder := tmp_path / side).mkdir()
        scene = scene_of(case, sshd, ssh_config, folder)
        try:
            SIDES[side](scene)
        except PradrillError as error:
            answers[side] = error.message
        else:
            answers[side] = ""

    wrong = {
        side: words or "taken"
        for side, words in answers.items()
        if bool(words) is case.pinned or (words and not re.search(NO_PIN, words))
    }
    assert not wrong


@pytest.mark.parametrize("word", ["/dev/null", "none"])
def test_keys_that_ssh_config_keeps_nowhere_are_not_put_there(
    tmp_path: Path, ssh_config: Path, word: str
) -> None:
    """The line that has ssh forget them is named; a file for everybody counts all the same."""
    everybodys = tmp_path / "everybody's"
    ssh_config.write_text(f'UserKnownHostsFile {word}\nGlobalKnownHostsFile "{everybodys}"\n')
    host = Host(name="web-dr", address="192.0.2.20")
    for content in (None, f"192.0.2.21 {OTHER}\n"):
        if content:
            everybodys.write_text(content)
        (problem,) = InventoryHosts([host], Inventory(content={})).problems()
        assert problem.what.endswith("192.0.2.20 (web-dr): UserKnownHostsFile is /dev/null")
        assert "UserKnownHostsFile ~/.ssh/known_hosts" in str(problem.hint)
        assert problem.mend[-1].endswith("/.ssh/known_hosts")
    everybodys.write_text(f"192.0.2.20 {OTHER}\n")
    assert InventoryHosts([host], Inventory(content={})).problems() == []
    everybodys.unlink()
    (tmp_path / "pins").write_text(f"192.0.2.20 {OTHER}\n")
    assert InventoryHosts([host], Inventory(content={}), tmp_path / "pins").problems() == []


@pytest.mark.parametrize("old", [True, False])
def test_an_ssh_without_known_hosts_command_is_not_given_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bool
) -> None:
    """OpenSSH before 8.5 ends over an option that it does not know."""
    refusal = 'case "$*" in *KnownHostsCommand*) exit 255;; esac\n' if old else ""
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\n{refusal}exec /usr/bin/ssh "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert ("KnownHostsCommand=none" in ssh_options(None, None)) is not old


@pytest.fixture
def link_local() -> Iterator[str]:
    """Return a link-local address of this machine, with its zone. Takes root."""
    link = f"pdz{os.getpid() % 100_000}"
    add = ["ip", "link", "add", link, "type", "veth", "peer", "name", f"{link}p"]
    subprocess.run(add, check=True, capture_output=True)
    try:
        for words in (
            "link set {}p up",
            "link set {} up",
            "-6 address add fe80::7/64 dev {} nodad",
        ):
            subprocess.run(["ip", *words.format(link).split()], check=True, capture_output=True)
        yield f"fe80::7%{link}"
    finally:
        subprocess.run(["ip", "link", "delete", link], check=True, capture_output=True)


def test_an_address_with_a_zone_is_one_on_each_side(
    link_local: str, tmp_path: Path, ssh_config: Path
) -> None:
    """A % is a word's beginning to ssh_config, and an escape in an address: not here."""
    (tmp_path / "sshd").mkdir()
    ssh_config.touch()
    server = Sshd(tmp_path / "sshd", address=link_local)
    server.start()
    try:
        for side, host in (
            *(("ssh", link_local), ("standby", link_local), ("primary", link_local)),
            *(("dumps", f"[{link_local}]"), ("dumps", f"[{link_local.replace('%', '%25')}]")),
            ("restic", f"[{link_local.replace('%', '%25')}]"),
        ):
            (folder := tmp_path / f"{side}-{len(host)}").mkdir()
            SIDES[side](Scene(server, server.known_hosts, host, folder))
        site = InventoryHosts([server.host], Inventory(content={}), server.known_hosts)
        config = site.start(tmp_path, "zone", lambda _line: None).ssh_config
        command = ["ssh", "-F", str(config), server.host.name, "echo reached"]
        assert subprocess.run(command, capture_output=True, check=True).stdout == b"reached\n"
        site.stop("zone")
    finally:
        server.stop()
