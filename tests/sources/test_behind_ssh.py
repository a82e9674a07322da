"""Repositories behind SSH, by every way that OpenSSH knows: all tools take the same."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.hosts.sshd import Sshd
from tests.sources.conftest import (
    PASSWORD,
    BorgShelf,
    DumpsShelf,
    ResticShelf,
    Shelf,
    mostly_nightly,
    secret,
    short_folder,
)

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.app.backups import source_of
from pradrill.domain.declared.backup_source import RecoveryPointSpec
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds, RecoveryPointSource

BOUNDS = Bounds(60.0)
SHELVES: dict[str, tuple[type[Shelf], str]] = {
    "restic": (ResticShelf, "sftp://{login}/{folder}"),  # two slashes: from the root on
    "borg": (BorgShelf, "ssh://{login}{folder}"),
    "dumps": (DumpsShelf, "sftp://{login}{folder}"),
}
Start = Callable[..., Sshd]


@pytest.fixture(scope="module")
def made_shelves() -> Iterator[dict[str, Shelf]]:
    """Return a stocked shelf of each kind that is only read."""
    with short_folder() as folder:
        shelves = {}
        for name, (kind, _) in SHELVES.items():
            (folder / name).mkdir()
            shelves[name] = kind(folder / name)
            shelves[name].stock()
            (folder / name / "nuit é 1").symlink_to("repo")
        yield shelves


@pytest.fixture
def stocked(
    made_shelves: dict[str, Shelf], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Shelf]:
    """Return the shelves; an ssh that lies in bin/ is the one that leads to them."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return made_shelves


def _plain(start: Start, folder: Path) -> tuple[Sshd, str]:
    del folder
    server = start()
    return server, f"{server.host.user}@127.0.0.1:{server.port}"


def _ipv6(start: Start, folder: Path) -> tuple[Sshd, str]:
    del folder
    server = start("ListenAddress ::1")
    server.known_hosts.write_text(f"[::1]:{server.port} {server.host_key}\n")
    return server, f"{server.host.user}@[::1]:{server.port}"


def _hashed(start: Start, folder: Path) -> tuple[Sshd, str]:
    server, login = _plain(start, folder)
    hashing = ["ssh-keygen", "-H", "-f", str(server.known_hosts)]
    subprocess.run(hashing, check=True, capture_output=True)
    return server, login


def _without_port(start: Start, folder: Path) -> tuple[Sshd, str]:
    server, login = _plain(start, folder)
    server.known_hosts.write_text(f"127.0.0.1 {server.host_key}\n")
    return server, login


def _authority(start: Start, folder: Path) -> tuple[Sshd, str]:
    server = start(f"HostCertificate {folder / 'host-cert.pub'}")
    keygen = ["ssh-keygen", "-q"]
    subprocess.run([*keygen, "-t", "ed25519", "-N", "", "-f", folder / "ca"], check=True)
    (folder / "host.pub").write_text(f"{server.host_key}\n")
    signing = ["-s", "ca", "-I", "backup", "-h", "-n", "127.0.0.1", "host.pub"]
    subprocess.run([*keygen, *signing], check=True, capture_output=True, cwd=folder)
    server.restart()
    server.known_hosts.write_text(f"@cert-authority 127.0.0.* {(folder / 'ca.pub').read_text()}")
    return server, f"{server.host.user}@127.0.0.1:{server.port}"


def _alias(start: Start, folder: Path) -> tuple[Sshd, str]:
    """Lead by an alias with capitals, and through a jump host."""
    server = start()
    its = f"HostName 127.0.0.1\n Port {server.port}\n IdentityFile {server.key}\n HostKeyAlias it\n"
    jump = f"Host jump\n {its} UserKnownHostsFile {server.known_hosts}\n"
    (folder / "config").write_text(f"Host Store\n {its} ProxyJump jump\n{jump}")
    _configured(folder)
    server.known_hosts.write_text(f"it {server.host_key}\n")
    return server, "Store"


def _configured(folder: Path) -> None:
    """Let the ssh in bin/ read a configuration of this folder."""
    (folder / "bin").mkdir()
    wrapper = folder / "bin/ssh"
    wrapper.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {folder / "config"} "$@"\n')
    wrapper.chmod(0o755)


def _interactive(start: Start, folder: Path) -> tuple[Sshd, str]:
    """Set what somebody wants who sits at a session: another command, ways, a terminal."""
    server, login = _plain(start, folder)
    (folder / "config").write_text(
        "Host *\n RemoteCommand tmux new -A\n RequestTTY force\n ForwardAgent yes\n"
        f" LocalForward {server.port} localhost:9\n ExitOnForwardFailure yes\n"
        " PermitLocalCommand yes\n LocalCommand echo connected\n"
        " IgnoreUnknown StdinNull,ForkAfterAuthentication\n"  # of OpenSSH 8.7
        " StdinNull yes\n ForkAfterAuthentication yes\n"
    )
    _configured(folder)
    return server, login


def _banner(start: Start, folder: Path) -> tuple[Sshd, str]:
    (folder / "banner").write_text('{"archives": []}\n[]\nAuthorised use only\n')
    server = start(f"Banner {folder / 'banner'}", "PrintMotd yes")
    return server, f"{server.host.user}@127.0.0.1:{server.port}"


WAYS = {
    "IPv6": _ipv6,
    "hashed": _hashed,
    "without a port": _without_port,
    "an authority's certificate": _authority,
    "an alias with capitals, and a jump host": _alias,
    "a banner like an answer": _banner,
    "a configuration for somebody who sits there": _interactive,
}
CASES = [(tool, way) for way in WAYS for tool in SHELVES]
BY_DAY = [
    ("borg", "IPv6"),
    ("restic", "an alias with capitals, and a jump host"),
    ("dumps", "a configuration for somebody who sits there"),
]


@pytest.mark.parametrize(("tool", "way"), mostly_nightly(CASES, *BY_DAY))
def test_a_repository_is_reached_by_every_way_of_openssh(
    stocked: dict[str, Shelf], another_sshd: Start, tmp_path: Path, tool: str, way: str
) -> None:
    """As the tool's users reach it, to a folder with a blank and an accent in its name."""
    shelf = stocked[tool]
    server, login = WAYS[way](another_sshd, tmp_path)
    points = _reached(tool, shelf, server, login, tmp_path).catalogue(BOUNDS).points
    assert [point.id for point in points] == shelf.ids


def _reached(
    tool: str, shelf: Shelf, server: Sshd, login: str, folder: Path
) -> RecoveryPointSource:
    """Return a shelf behind a server, as a drill declares it."""
    place = SHELVES[tool][1].format(login=login, folder=f"{shelf.folder}/nuit é 1")
    ssh = {"known_hosts": str(server.known_hosts), "private_key": str(server.key)}
    password = {"password": secret(folder, PASSWORD)}
    names = {"names": "moodle-%Y%m%d-%H%M%S.sql.gz", "timezone": "UTC"}
    where = {"folder": place, **names} if tool == "dumps" else {"repository": place, **password}
    spec = RecoveryPointSpec.model_validate(
        {tool: {**where, "ssh": ssh}}, context={"folder": folder}
    )
    return source_of(spec, SteadyClock(), resolve)


@pytest.mark.parametrize("tool", mostly_nightly(SHELVES, "dumps"))
def test_a_configuration_that_ssh_does_not_take_is_the_cause(
    stocked: dict[str, Shelf], another_sshd: Start, tmp_path: Path, tool: str
) -> None:
    """An option that another system knows is told with its line, and not that it sums up."""
    server, login = _plain(another_sshd, tmp_path)
    (tmp_path / "config").write_text("Host *\n UseKeychain yes\n")
    _configured(tmp_path)
    with pytest.raises(NotReadyError, match=r"config: line 2: Bad configuration option: usekeyc"):
        _reached(tool, stocked[tool], server, login, tmp_path).catalogue(BOUNDS)
