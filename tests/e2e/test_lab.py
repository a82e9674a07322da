"""The lab's machines, really booted."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.command_line import pradrill
from tests.e2e.scenes.scene import inside, say

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.adapters.ssh.files import SshFileWatch
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.adapters.ssh.sessions import Sessions
from pradrill.adapters.standbys.lab import Lab, LabMachines, Machine
from pradrill.domain.run.file_map import FileOrigin
from pradrill.errors import BusyError, NotReadyError

pytestmark = pytest.mark.e2e
# Of the demo's: what another file has booted and frozen is not booted again.
TRIED, OTHER = "standby", "backup"


@pytest.fixture
def machine(lab: Lab) -> Iterator[Machine]:
    """Return a machine that is frozen and down."""
    machine = lab.machine(TRIED)
    machine.down()
    machine.prepare(say)
    yield machine
    machine.down()


def test_a_frozen_machine_has_the_right_time_at_once(
    lab: Lab, machine: Machine, tmp_path: Path
) -> None:
    """What was frozen earlier wakes as itself, and with the time of now."""
    clock = SteadyClock()
    site = LabMachines(lab, [machine.name], {}).start(tmp_path, "a run", say)
    assert inside(machine, "hostname") == TRIED
    probe = SshProbe(clock, resolve)
    try:
        facts = probe.facts(site.hosts[0], site)
    finally:
        probe.close()
    assert facts.skew.worst < 0.5
    assert facts.machine_id == machine.machine_id
    assert facts.host_key == machine.host_key


def test_every_use_starts_from_the_same_disk(machine: Machine) -> None:
    """What one use writes is gone at the next."""
    machine.up(say)
    inside(machine, "echo mine > /root/mine; sync")
    machine.down()
    machine.up(say)
    assert inside(machine, "ls /root") == ""


def test_a_machine_reaches_nothing_but_its_links(lab: Lab, machine: Machine) -> None:
    """Isolation is by construction: not the host, not the internet; only the linked machine."""
    other = lab.machine(OTHER)
    other.up(say)
    machine.up(say, links={"10.0.2.100:22": other.port_file()})
    banner = "timeout 5 bash -c 'exec 3<>/dev/tcp/{}; head -c 4 <&3' 2>/dev/null || echo no"
    assert inside(machine, banner.format("10.0.2.100/22")) == "SSH-"
    port = other.port_file().read_text(encoding="ascii").strip()
    for nowhere in (f"10.0.2.2/{port}", "10.0.2.100/80", "10.0.2.3/53", "192.0.2.10/22"):
        assert inside(machine, banner.format(nowhere)) == "no", nowhere
    other.down()


_UNIT = """\
echo by-hand > /root/by-hand
printf '[Unit]\\n[Service]\\nExecStart=/bin/sh -c "read x < %s; exec sleep 600"\\n' /root/by-hand \
  > /etc/systemd/system/trial.service
"""


@pytest.mark.nightly
def test_what_a_machine_sends_and_its_service_opens_is_seen(
    lab: Lab, machine: Machine, tmp_path: Path
) -> None:
    """Of a unit of systemd; whatever root does inside, the network card's capture has it."""
    lab_machines = LabMachines(lab, [machine.name], {}, capture=True, marks=True)
    site = lab_machines.start(tmp_path, "trial", say)
    (host,) = site.hosts
    sessions = Sessions(resolve)
    files = SshFileWatch(sessions)
    try:
        inside(machine, _UNIT)
        files.watch(host, site)
        inside(machine, "systemctl daemon-reload; systemctl start trial.service; sleep 2")
        inside(machine, "nft flush ruleset; timeout 3 bash -c ': > /dev/tcp/203.0.113.7/5432'; :")
        inside(machine, "timeout 3 getent hosts smtp.exemple.test; true")
        file_map = files.read(host, site, ())
        look = lab_machines.attempts(host)
    finally:
        sessions.close()
    assert file_map.is_whole, file_map
    uses = {each.path: each for each in file_map.files}
    assert uses["/root/by-hand"].origin is FileOrigin.NEITHER
    assert "/etc/systemd/system/trial.service" not in uses
    tries = {(each.protocol, each.address, each.port) for each in look.attempts}
    assert ("tcp", "203.0.113.7", 5432) in tries
    assert lab_machines.stop("trial") == []
    assert not machine.captured.exists()


def test_a_link_leads_to_a_port_of_the_drills_machines_or_to_anothers_ssh(lab: Lab) -> None:
    """Machines of one drill reach any port of each other, and other machines by SSH only."""
    links = {"10.0.2.100:3306": "trial:3306", "10.0.2.101:3306": "other:3306"}
    (problem,) = LabMachines(lab, ["trial"], links).problems()
    assert problem.what.startswith(
        "the link 10.0.2.101:3306 leads to port 3306 of the machine other"
    )


def test_the_host_key_is_pinned_before_first_contact(machine: Machine) -> None:
    """A machine that shows another key than the lab made for it is not spoken to."""
    machine.up(say)
    key = machine.folder / "host_key.pub"
    before = key.read_text(encoding="utf-8")
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", machine.folder / "wrong"], check=True
    )
    try:
        key.write_text((machine.folder / "wrong.pub").read_text("utf-8"), encoding="utf-8")
        result = subprocess.run(
            [*machine.ssh_command(), "true"], capture_output=True, text=True, check=False
        )
    finally:
        key.write_text(before, encoding="utf-8")
    assert result.returncode == 255
    assert "Host key verification failed" in result.stderr


def test_a_process_that_is_not_the_machine_is_left_alone(machine: Machine) -> None:
    """A pid file whose number now belongs to another process means that the machine is down."""
    with subprocess.Popen(["sleep", "60"]) as other:
        run = machine.folder / "run"
        run.mkdir(exist_ok=True)
        (run / "pid").write_text(f"{other.pid}\n", encoding="ascii")
        assert not machine.running
        assert machine.down() is False
        assert other.poll() is None
        other.terminate()


def test_the_power_cut_is_an_instant(machine: Machine) -> None:
    """T0 lies between two readings that are less than half a second apart."""
    machine.up(say)
    before, after = machine.kill()
    assert 0 <= (after - before).total_seconds() < 0.5
    assert not machine.running
    with pytest.raises(NotReadyError):
        machine.kill()


def test_one_at_a_time_works_on_a_machine(lab: Lab, machine: Machine) -> None:
    """A second command that wants the machine meanwhile is refused, not mixed in."""
    holding = subprocess.Popen(
        # --close: the lock is flock's alone, and gone with it; not with its last child.
        ["flock", "--close", machine.folder / "lock", "sh", "-c", "echo held; sleep 30"],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert holding.stdout is not None
        holding.stdout.readline()
        with pytest.raises(BusyError):
            lab.machine(machine.name).up(say)
    finally:
        subprocess.run(["kill", "--", f"-{holding.pid}"], check=False)
        holding.wait()


def test_the_commands_of_the_lab(lab: Lab, machine: Machine, state: Path) -> None:
    """`up`, `status`, `ssh` and `down` do what their help says, each in its own process."""
    assert lab.built
    up = pradrill("lab", "up", machine.name, state=state)
    assert (up.returncode, up.stdout) == (0, ""), up.stderr
    status = pradrill("lab", "status", state=state)
    assert "image: built" in status.stdout
    assert f"{TRIED}: running under {machine.accelerator}, pid {machine.pid}" in status.stdout
    ssh = pradrill("lab", "ssh", machine.name, "cat", "/etc/machine-id", state=state)
    assert ssh.stdout.strip() == machine.machine_id
    assert pradrill("lab", "down", machine.name, state=state).returncode == 0
    assert f"{TRIED}: down" in pradrill("lab", "status", state=state).stdout
    process = pradrill("lab", "ssh", machine.name, "true", state=state)
    assert process.returncode == 4
    assert f"HINT: Start it: pradrill lab up {TRIED}." in process.stderr


@pytest.mark.nightly
def test_machines_that_are_linked_on_the_command_line_reach_each_other(
    lab: Lab, machine: Machine, state: Path
) -> None:
    """Each reaches the other's SSH where `lab up` says, before and after the other was killed."""
    first = pradrill("lab", "up", TRIED, "--link", OTHER, state=state)
    assert first.returncode == 0, first.stderr
    (near,) = machine.links
    assert machine.links == {near: OTHER}
    assert f"{TRIED} reaches {OTHER} at {near}" in first.stderr
    assert f"{OTHER} is down: nobody answers there before pradrill lab up {OTHER}" in first.stderr
    assert pradrill("lab", "up", TRIED, "--link", OTHER, state=state).returncode == 0
    refused = pradrill("lab", "up", TRIED, "--link", "third", state=state)
    assert refused.returncode == 4

    second = pradrill("lab", "up", OTHER, "--link", TRIED, state=state)
    assert second.returncode == 0, second.stderr
    other = lab.machine(OTHER)
    assert inside(machine, _banner(near)) == "SSH-"
    (back,) = other.links
    assert inside(other, _banner(back)) == "SSH-"
    status = pradrill("lab", "status", state=state).stdout
    assert f"; reaches {OTHER} at {near}" in status

    other.kill()  # as a machine that is lost; what it leaves is no machine that runs
    assert inside(machine, _banner(near)) != "SSH-"
    assert f"{OTHER}: down" in pradrill("lab", "status", state=state).stdout
    again = pradrill("lab", "up", OTHER, "--link", TRIED, state=state)
    assert again.returncode == 0, again.stderr
    assert inside(machine, _banner(near)) == "SSH-"

    assert pradrill("lab", "down", state=state).returncode == 0
    assert not machine.running
    assert not other.running


@pytest.mark.nightly
def test_a_start_that_was_killed_midway_is_begun_anew(machine: Machine) -> None:
    """A machine whose process is there, and which was never thawed, is not up."""
    machine.up(say)
    machine._qemu._ask("stop")
    machine.up(say)
    assert inside(machine, "hostname") == TRIED


def _banner(near: str) -> str:
    address = near.replace(":", "/")
    return f"timeout 5 bash -c 'exec 3<>/dev/tcp/{address}; head -c 4 <&3' 2>/dev/null || echo no"
