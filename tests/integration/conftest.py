"""Real SSH servers for tests: on loopback, and on hosts in namespaces."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.integration.hosts.sshd import SSHD, Sshd
from tests.integration.hosts.two_hosts import TwoHosts, two_hosts
from tests.integration.written_suite import WrittenSuite

from pradrill.domain.run.host import Site


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_sent_to_nobody() -> None:
    """Have this machine say at once that it has no way to UNREACHED; else it may wait 3 s."""
    route = ["ip", "-6", "route", "replace", "unreachable", "100::1"]
    with suppress(FileNotFoundError):
        subprocess.run(route, capture_output=True, check=False)


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """Return an sshd that runs for the whole session; whoever stops it starts it again."""
    server = _sshd(tmp_path_factory.mktemp("sshd"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def made_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoHosts]:
    """Make a standby and a production for the session."""
    with two_hosts(tmp_path_factory.mktemp("hosts")) as hosts_pair:
        yield hosts_pair


@pytest.fixture
def hosts(made_hosts: TwoHosts) -> TwoHosts:
    """Return the session's standby and production, as they were made."""
    made_hosts.reset()
    return made_hosts


@pytest.fixture
def another_sshd(tmp_path: Path) -> Iterator[Callable[..., Sshd]]:
    """Return a function that starts one more sshd, with extra lines of configuration."""
    started: list[Sshd] = []

    def start(*extra: str, name: str = "standby-2", sftp: str = "internal-sftp") -> Sshd:
        folder = tmp_path / f"sshd-{len(started)}"
        folder.mkdir()
        started.append(_sshd(folder, *extra, name=name, sftp=sftp))
        started[-1].start()
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def control_folder() -> Iterator[Path]:
    """Return a short folder for control sockets; at the end its masters are told to go."""
    with tempfile.TemporaryDirectory(prefix="pd-", dir="/tmp") as name:
        folder = Path(name)
        yield folder
        for master in folder.iterdir():
            subprocess.run(
                ["ssh", "-F", "/dev/null", "-S", master, "-O", "exit", "gone"],
                capture_output=True,
                timeout=10,
                check=False,
            )


@pytest.fixture
def site(sshd: Sshd, tmp_path: Path, control_folder: Path) -> Site:
    """Return the site that holds the session's sshd."""
    folder = tmp_path / "site"
    folder.mkdir()
    return sshd.site(folder, control_folder)


@pytest.fixture
def suite(tmp_path: Path, site: Site) -> WrittenSuite:
    """Return an empty suite that asks the session's sshd."""
    return WrittenSuite(tmp_path, site)


def _sshd(folder: Path, *extra: str, name: str = "standby-1", sftp: str = "internal-sftp") -> Sshd:
    if SSHD is None:
        pytest.fail("these tests need a real sshd: apt-get install openssh-server")
    return Sshd(folder, *extra, name=name, sftp=sftp)
