"""The packages of Debian and Red Hat, as src/packaging builds them."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(os.geteuid() != 0, reason="a bare Debian is made as root"),
]


def test_the_deb_is_installed_upgraded_and_removed(dist: Path) -> None:
    """On a bare Debian: command, drills, man pages, completion, units; state and settings stay."""
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    deb = max(dist.glob("pradrill_*.deb"), key=lambda path: path.stat().st_mtime)
    output = _run(
        *("mmdebstrap", "--quiet", "--variant=apt", "--format=null"),
        f"--customize-hook=copy-in {deb} {REPOSITORY}/src/packaging/trial /root",
        f'--customize-hook=chroot "$1" bash /root/trial /root/{deb.name}',
        *(suite, "/dev/null"),
    )
    assert "all of it holds" in output


def test_the_rpm_holds_the_same_files(dist: Path) -> None:
    """Listed by rpm itself; no Red Hat has tried it."""
    rpm = max(dist.glob("pradrill-*.rpm"), key=lambda path: path.stat().st_mtime)
    files = _run("rpm", "-qlp", str(rpm)).splitlines()
    assert {
        "/usr/bin/pradrill",
        "/opt/pradrill/bin/pradrill",
        "/etc/default/pradrill",
        "/usr/lib/systemd/system/pradrill.timer",
        "/usr/share/man/man1/pradrill-run.1.gz",
        "/usr/share/bash-completion/completions/pradrill",
        "/usr/share/zsh/site-functions/_pradrill",
    } <= set(files)
    assert _run("rpm", "-qcp", str(rpm)).split() == ["/etc/default/pradrill"]
    needs = _run("rpm", "-qRp", str(rpm))
    assert "/usr/bin/python3." in needs
    assert "openssh-clients" in needs


def _run(*words: str) -> str:
    result = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result.stdout
