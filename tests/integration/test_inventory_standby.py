"""Hosts of an inventory as a standby, against a real sshd on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integration.hosts.machines import propagation

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.adapters.standbys.inventory import InventoryHosts
from pradrill.domain.run.host import Site
from pradrill.errors import NotReadyError
from pradrill.system.ssh_sockets import folder_for

if TYPE_CHECKING:
    from tests.integration.hosts.sshd import Sshd

RUN = "20261128T020000Z-shop-a1b2c3"


def quiet(_line: str) -> None:
    """Narrate to nobody."""


@pytest.fixture
def standby(sshd: Sshd) -> Iterator[InventoryHosts]:
    """Return the session's sshd as a standby, stopped at the end."""
    standby_made = InventoryHosts([sshd.host], sshd.inventory(), sshd.known_hosts)
    yield standby_made
    standby_made.stop(RUN)


def through(site: Site, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command over OpenSSH with the site's configuration."""
    return subprocess.run(
        ["ssh", "-F", site.ssh_config, site.hosts[0].name, *command],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def masters(run_id: str = RUN) -> list[Path]:
    """Return the control sockets that a run has there."""
    folder = folder_for(run_id)
    return list(folder.iterdir()) if folder.exists() else []


def test_every_tool_reaches_the_host(standby: InventoryHosts, sshd: Sshd, tmp_path: Path) -> None:
    """The site made by start serves OpenSSH and the probe, with the pinned key."""
    assert standby.problems() == []
    site = standby.start(tmp_path, RUN, quiet)
    result = through(site, "echo", "here")
    assert (result.returncode, result.stdout) == (0, "here\n"), result.stderr
    probe = SshProbe(SteadyClock(), resolve)
    assert probe.facts(sshd.host, site).host_key == " ".join(sshd.host_key.split()[:2])
    probe.close()


def test_stop_leaves_no_connection(standby: InventoryHosts, tmp_path: Path) -> None:
    """A shared connection and its folder are gone after stop, and stop can be repeated."""
    through(standby.start(tmp_path, RUN, quiet), "true")
    assert len(masters()) == 1
    assert standby.stop(RUN) == []
    assert not folder_for(RUN).exists()
    assert standby.stop(RUN) == []


def test_another_process_stops_it(standby: InventoryHosts, tmp_path: Path) -> None:
    """After kill -9 the next command closes the connection that the dead one left."""
    through(standby.start(tmp_path, RUN, quiet), "true")
    host = standby._hosts[0].model_dump_json()
    code = (
        "import sys; from pathlib import Path;"
        "from pradrill.domain.run.host import Host, Inventory;"
        "from pradrill.adapters.standbys.inventory import InventoryHosts;"
        "h = Host.model_validate_json(sys.argv[1]);"
        "print(InventoryHosts([h], Inventory(content={}), Path('/nowhere')).stop(sys.argv[2]))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", code, host, RUN],
        capture_output=True,
        text=True,
        env=environment,
        timeout=30,
        check=True,
    )
    assert result.stdout == "[]\n"
    assert masters() == []


def test_dead_masters_socket_is_no_residue(standby: InventoryHosts, tmp_path: Path) -> None:
    """A socket whose process was killed is removed without a complaint."""
    through(standby.start(tmp_path, RUN, quiet), "true")
    socket = masters()[0]
    result = subprocess.run(
        ["ssh", "-S", socket, "-O", "check", "any"], capture_output=True, text=True, check=True
    )
    os.kill(int(result.stderr.partition("pid=")[2].partition(")")[0]), 9)
    assert standby.stop(RUN) == []
    assert not folder_for(RUN).exists()


def test_wrong_pin_stops_openssh_too(
    sshd: Sshd, tmp_path: Path, another_sshd: Callable[..., Sshd]
) -> None:
    """With another key pinned, OpenSSH refuses through the site's configuration."""
    wrong = tmp_path / "wrong"
    wrong.write_text(f"[127.0.0.1]:{sshd.port} {another_sshd().host_key}\n")
    standby = InventoryHosts([sshd.host], sshd.inventory(), wrong)
    result = through(standby.start(tmp_path, RUN, quiet), "true")
    standby.stop(RUN)
    assert result.returncode == 255
    assert "verification failed" in result.stderr


def test_hashed_and_patterned_pins_count(sshd: Sshd, tmp_path: Path) -> None:
    """Whatever OpenSSH accepts as a pin works for every tool: hashes, patterns."""
    hashed = tmp_path / "hashed"
    hashed.write_text(f"[127.0.0.1]:{sshd.port} {sshd.host_key}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", hashed], capture_output=True, check=True)
    pattern = tmp_path / "pattern"
    pattern.write_text(f"[127.0.0.*]:{sshd.port} {sshd.host_key}\n")
    for known_hosts in (hashed, pattern):
        standby = InventoryHosts([sshd.host], sshd.inventory(), known_hosts)
        assert standby.problems() == []
        probe = SshProbe(SteadyClock(), resolve)
        assert probe.facts(sshd.host, standby.start(tmp_path, RUN, quiet)).host == "standby-1"
        probe.close()
        standby.stop(RUN)


def test_revoked_or_certified_is_not_pinned(sshd: Sshd, tmp_path: Path) -> None:
    """A revoked key is no pin, nor is an authority that could certify any key."""
    key = " ".join(sshd.host_key.split()[:2])
    for lines in (
        f"[127.0.0.1]:{sshd.port} {key}\n@revoked * {key}\n",
        f"@cert-authority * {key}\n",
    ):
        known_hosts = tmp_path / "known"
        known_hosts.write_text(lines)
        standby = InventoryHosts([sshd.host], sshd.inventory(), known_hosts)
        assert "pins no host key" in standby.problems()[0].what


def test_every_problem_is_told(sshd: Sshd, tmp_path: Path) -> None:
    """Missing pins and unusable login keys are all named at once, and nothing is made."""
    open_key, locked = tmp_path / "open", tmp_path / "locked"
    open_key.write_bytes(sshd.key.read_bytes())
    open_key.chmod(0o644)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "word", "-f", locked], check=True)
    hosts = [
        sshd.host.model_copy(update={"name": name, "private_key": key, "address": "127.0.0.2"})
        for name, key in (("a", open_key), ("b", locked), ("c", tmp_path / "absent"))
    ]
    standby = InventoryHosts(hosts, sshd.inventory(), sshd.known_hosts)
    problems = [str(each.reason()) for each in standby.problems()]
    assert [p for p in problems if "pins no host key for [127.0.0.2]" in p] == problems[:3]
    assert "No such file" in problems[3]
    assert "passphrase" in problems[4]
    assert "can be read by others" in problems[5]
    assert len(problems) == 6
    assert not folder_for(RUN).exists()
    nowhere = InventoryHosts(hosts[:1], sshd.inventory(), tmp_path / "nowhere")
    assert "does not exist" in nowhere.problems()[0].what
    with pytest.raises(NotReadyError):
        nowhere.start(tmp_path, RUN, quiet)


def test_a_folder_that_somebody_else_made_before_blocks_no_run(
    standby: InventoryHosts, tmp_path: Path
) -> None:
    """What another user, or a link, has put where the sockets would go is left alone."""
    foreign, link = folder_for(RUN), folder_for(RUN).with_name(f"{folder_for(RUN).name}-1")
    foreign.mkdir(mode=0o700)
    os.chown(foreign, 65_534, 65_534)
    link.symlink_to(tmp_path)
    try:
        through(standby.start(tmp_path, RUN, quiet), "true")
        assert folder_for(RUN) not in {foreign, link}
        assert len(masters()) == 1
        assert standby.stop(RUN) == []
        assert foreign.stat().st_uid == 65_534
        assert link.is_symlink()
    finally:
        foreign.rmdir()
        link.unlink()


def test_a_run_leaves_the_connection_of_another_alone(
    standby: InventoryHosts, sshd: Sshd, tmp_path: Path
) -> None:
    """Start and stop of one run cut nothing of another that works on the same host."""
    other = "20261128T020001Z-shop-d4e5f6"
    through(standby.start(tmp_path, RUN, quiet), "true")
    beside = InventoryHosts([sshd.host], sshd.inventory(), sshd.known_hosts)
    beside.start(tmp_path, other, quiet)
    assert beside.stop(other) == []
    assert len(masters()) == 1
    assert masters(other) == []


def test_socket_paths_are_short() -> None:
    """However long a run's id is, a control socket's path fits into a Unix socket's."""
    folder = folder_for("x" * 200)
    assert len(f"{folder}/{'f' * 40}.{'r' * 16}") < 104


@pytest.mark.skipif(os.geteuid() != 0, reason="a mount namespace takes root")
def test_connections_are_kept_where_a_hardened_service_can_write() -> None:
    """Where systemd shows /run read-only to root, they go into its /tmp."""
    program = "from pradrill.system.ssh_sockets import folder_for; print(folder_for('a run'))"
    script = 'mount --bind /run /run && mount -o remount,bind,ro /run && exec "$@"'
    apart = ["unshare", "--mount", *propagation()]
    words = [*apart, "sh", "-c", script, "sh", sys.executable, "-c", program]
    result = subprocess.run(words, capture_output=True, text=True, check=True)
    assert Path(result.stdout.strip()).parent == Path("/tmp")
    assert folder_for("a run").parent == Path("/run")
