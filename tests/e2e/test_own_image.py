"""A lab machine from an image that its user brought: BIOS boot, cloud-init, nothing of ours."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from tests.e2e.scenes.scene import say

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.standbys.lab import Lab

pytestmark = [pytest.mark.e2e, pytest.mark.nightly]
PACKAGES = "linux-image-cloud-amd64,systemd-sysv,udev,openssh-server,cloud-init,iproute2"
BOOT = """\
default linux
label linux
  kernel /vmlinuz
  append initrd=/initrd.img root=/dev/vda2 ro console=ttyS0
"""


def test_a_brought_image_becomes_a_machine_with_a_pinned_key(tmp_path: Path) -> None:
    """An ordinary cloud image gets its host key and our login from the seed, and freezes."""
    image = cloud_image(tmp_path)
    lab = Lab(tmp_path / "lab", SteadyClock())
    lab.build(say, image=image)
    machine = lab.machine("brought")
    try:
        machine.up(say)
        result = subprocess.run(
            [*machine.ssh_command(), "hostname; cat /etc/machine-id; date +%s"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        name, machine_id, _ = result.stdout.split()
        assert name == "brought"
        assert machine_id == machine.machine_id
        assert machine.frozen
    finally:
        lab.destroy()


def cloud_image(folder: Path) -> Path:
    """Build a disk as a cloud provider ships it: boot loader, Debian, cloud-init."""
    root, disk = folder / "root", folder / "disk.img"
    tar = folder / "root.tar"
    _run(
        "mmdebstrap",
        "--variant=minbase",
        f"--include={PACKAGES}",
        "--customize-hook=printf '/dev/vda2 / ext4 defaults 0 1\\n' > $1/etc/fstab",
        "--customize-hook=printf '[Match]\\nType=ether\\n[Network]\\nDHCP=yes\\n' "
        "> $1/etc/systemd/network/any.network",
        "--customize-hook=chroot $1 systemctl enable systemd-networkd ssh",
        "--customize-hook=rm -f $1/etc/ssh/ssh_host_*",
        "--customize-hook=printf 'datasource_list: [NoCloud, None]\\n' "
        "> $1/etc/cloud/cloud.cfg.d/90-lab.cfg",
        "bookworm",
        tar,
    )
    root.mkdir()
    _run("tar", "-x", "--numeric-owner", "-f", tar, "-C", root, "--exclude=./dev/*")
    tar.unlink()
    boot, system = folder / "boot.img", folder / "system.img"
    _run("truncate", "-s", "96M", boot)
    _run("mkfs.vfat", "-n", "BOOT", boot)
    (folder / "syslinux.cfg").write_text(BOOT, encoding="utf-8")
    for source in (folder / "syslinux.cfg", root / "vmlinuz", root / "initrd.img"):
        _run("mcopy", "-i", boot, source.resolve(), f"::{source.name}")
    _run("syslinux", "--install", boot)
    _run("mke2fs", "-q", "-t", "ext4", "-d", root, system, "1800M")
    _run("truncate", "-s", "1900M", disk)
    table = "label: dos\n1MiB,96MiB,c,*\n97MiB,1800MiB,83\n"
    subprocess.run(["sfdisk", "-q", disk], input=table, text=True, check=True)
    _place(Path("/usr/lib/syslinux/mbr/mbr.bin"), disk, 0)
    _place(boot, disk, 1)
    _place(system, disk, 97)
    image = folder / "mine.qcow2"
    _run("qemu-img", "convert", "-O", "qcow2", disk, image)
    for spent in (disk, boot, system):
        spent.unlink()
    _run("rm", "-rf", root)
    return image


def _place(part: Path, disk: Path, at_mib: int) -> None:
    _run("dd", f"if={part}", f"of={disk}", "bs=1M", f"seek={at_mib}", "conv=notrunc,sparse")


def _run(*words: str | Path) -> None:
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{words[0]}: {result.stderr[-2000:]}"
