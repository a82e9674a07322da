"""Machines that are made for the run by the shipped playbooks: Debian libvirt, QEMU without KVM."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.e2e.scenes.libvirt_host import BASE, LibvirtHost, install, libvirt_host
from tests.e2e.test_own_image import cloud_image
from tests.integration.house import build

from pradrill.errors import ExitCode

pytestmark = [pytest.mark.e2e, pytest.mark.nightly]
PLAYBOOKS = Path(__file__).parents[2] / "playbooks/provision/libvirt"
STANDBY = f"""\
standby:
  machines: [web-dr]
  hypervisor: {{inventory: ../inventory.yml, hosts: kvm, known_hosts: ../known_hosts}}
  provision:
    playbook: {PLAYBOOKS}/provision.yml
    deadline: 40m
    vars: {{base: {BASE}, virt_type: qemu, memory: 1024}}
  destroy: {{playbook: {PLAYBOOKS}/destroy.yml, deadline: 10m}}
  listing: {{playbook: {PLAYBOOKS}/listing.yml, deadline: 10m}}
"""
CLEAN = f"""\
standby:
  machines: [web-dr]
  hypervisor: {{inventory: ../inventory.yml, hosts: kvm, known_hosts: ../known_hosts}}
  provision:
    playbook: {PLAYBOOKS}/provision_from_snapshot.yml
    deadline: 40m
    vars: {{domains: {{web-dr: spare1}}}}
  revert: {{playbook: {PLAYBOOKS}/revert.yml, deadline: 10m}}
  listing: {{playbook: {PLAYBOOKS}/listing.yml, deadline: 10m}}
"""
SPARE = f"""\
<domain type="qemu"><name>spare1</name><memory unit="MiB">1024</memory><vcpu>1</vcpu>
<os><type arch="x86_64">hvm</type></os><features><acpi/></features><devices>
<disk type="file" device="disk"><driver name="qemu" type="qcow2"/>
<source file="{Path(BASE).parent}/spare1.qcow2"/><target dev="vda" bus="virtio"/></disk>
<interface type="network"><source network="default"/><model type="virtio"/></interface>
<rng model="virtio"><backend model="random">/dev/urandom</backend></rng></devices></domain>
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LibvirtHost]:
    """Return a hypervisor with an image, for all tests of the module."""
    folder = tmp_path_factory.mktemp("libvirt")
    install(folder / "root", cloud_image(folder))
    with libvirt_host(folder / "root", folder) as running:
        yield running


@pytest.fixture
def house(host: LibvirtHost, tmp_path: Path) -> Path:
    """Return a house of drills on that hypervisor."""
    build(tmp_path)
    variables = {"ansible_host": "127.0.0.1", "ansible_user": "root"}
    variables["ansible_ssh_private_key_file"] = str(host.login)
    inventory = {"kvm": {"hosts": {"kvm1": variables}}}
    (tmp_path / "inventory.yml").write_text(json.dumps(inventory))
    (tmp_path / "known_hosts").write_text(host.known_hosts)
    on(tmp_path, STANDBY)
    return tmp_path


def on(house: Path, standby: str) -> None:
    """Put the house's drill on another standby."""
    path = house / "drills/shop.yml"
    before, _, _ = path.read_text("utf-8").partition("standby:\n")
    lines = [each for each in before.splitlines() if not each.startswith(("standby:", "teardown:"))]
    text = "\n".join(lines).replace("[100::1]:9", "192.0.2.10:443").replace("-5min", "-50min")
    path.write_text(f"{text.replace('deadline: 1m', 'deadline: 10m')}\n{standby}", "utf-8")


def pradrill(host: LibvirtHost, house: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the command where the hypervisor's guests are reached."""
    command = [sys.executable, "-m", "pradrill", "--state", "state", *words]
    return subprocess.run(
        [*host.inside, *command], cwd=house, capture_output=True, text=True, check=False
    )


def test_a_clone_is_made_drilled_on_and_destroyed(host: LibvirtHost, house: Path) -> None:
    """cloud-init gives it the key that was pinned before; no domain and no volume is left."""
    before = host.volumes()
    result = pradrill(host, house, "run", "shop")
    assert result.returncode in {0, 11}, result.stdout + result.stderr  # an emulated boot is slow
    record = json.loads(pradrill(host, house, "show", "--json").stdout)
    assert record["residue"] == []
    assert record["recovery"]["provisioning"] > 0
    assert "pradrill-" not in host.virsh("list", "--all", "--name")
    assert host.volumes() == before


def test_the_next_command_after_kill_9_destroys_the_clone(host: LibvirtHost, house: Path) -> None:
    """Killed as soon as the domain is defined; it is found by its tag."""
    command = [sys.executable, "-m", "pradrill", "--state", "state", "run", "shop"]
    with subprocess.Popen([*host.inside, *command], cwd=house, start_new_session=True) as run:
        end = time.monotonic() + 600
        while "pradrill-" not in host.virsh("list", "--all", "--name"):
            assert time.monotonic() < end, "nothing was defined"
        run.send_signal(signal.SIGKILL)
    result = pradrill(host, house, "runs")
    assert "was killed; its standby was torn down" in result.stderr
    assert "pradrill-" not in host.virsh("list", "--all", "--name")


def test_a_machine_is_taken_from_its_snapshot_and_put_back(
    host: LibvirtHost, house: Path, tmp_path: Path
) -> None:
    """Also by the next command, of a run killed while it put it back; no second run gets it."""
    disk = f"{Path(BASE).parent}/spare1.qcow2"
    copying = ["cp", str(host.root / BASE[1:]), str(host.root / disk[1:])]
    subprocess.run(copying, check=True)
    (host.root / "root/spare1.xml").write_text(SPARE)
    host.virsh("define", "/root/spare1.xml")
    host.virsh("snapshot-create-as", "spare1", "clean")
    before = host.volumes(), host.virsh("dumpxml", "--inactive", "spare1")
    on(house, CLEAN)
    result = pradrill(host, house, "run", "shop")
    assert result.returncode in {0, 11}, result.stdout + result.stderr
    assert json.loads(pradrill(host, house, "show", "--json").stdout)["residue"] == []
    assert (host.volumes(), host.virsh("dumpxml", "--inactive", "spare1")) == before
    assert host.virsh("domstate", "spare1").strip() == "shut off"

    other = shutil.copytree(house, tmp_path / "other", ignore=shutil.ignore_patterns("state"))
    command = [sys.executable, "-m", "pradrill", "--state", "state", "run", "shop"]
    with subprocess.Popen([*host.inside, *command], cwd=house, start_new_session=True) as run:
        wait_until(lambda: "running" in host.virsh("domstate", "spare1"))
        refused = pradrill(host, other, "run", "shop")
        assert refused.returncode == ExitCode.FAILED, refused.stdout
        assert "spare1 is another run's" in refused.stdout
        wait_until(lambda: "shut off" in host.virsh("domstate", "spare1"))
        assert run.poll() is None, "the second run has ended it, or it is over"
        run.send_signal(signal.SIGKILL)
    result = pradrill(host, house, "runs")
    assert "was killed; its standby was torn down" in result.stderr
    steps = json.loads(pradrill(host, house, "show", "--json").stdout)["steps"]
    assert ("check the service", "passed") in {(each["name"], each["outcome"]) for each in steps}
    assert (host.volumes(), host.virsh("dumpxml", "--inactive", "spare1")) == before


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return once something is so: an emulated boot is slow."""
    end = time.monotonic() + 3_000
    while not is_so():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.2)
