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


_RPM = """
  rpm --force-debian -i --nodeps \\$1
  rpm --force-debian -V --nodeps pradrill
  pradrill --version
  [ \\$(stat -c %a /var/lib/pradrill) = 700 ]
  echo '# mine' >> /etc/default/pradrill
  echo evidence > /var/lib/pradrill/kept
  rpm --force-debian -U --nodeps --replacepkgs \\$1
  grep -qx '# mine' /etc/default/pradrill
  rpm --force-debian -e --nodeps pradrill
  [ ! -e /opt/pradrill ]
  [ ! -L /usr/bin/pradrill ]
  grep -qx '# mine' /etc/default/pradrill.rpmsave
  grep -q evidence /var/lib/pradrill/kept
  echo 'all of it holds'
"""


def test_the_deb_is_installed_upgraded_and_removed(dist: Path) -> None:
    """On a bare Debian: command, drills, man pages, completion, units; state and settings stay."""
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    deb = _newest(dist, "pradrill_*.deb")
    output = _on_bare_debian(
        *("mmdebstrap", "--quiet", "--variant=apt", "--format=null"),
        f"--customize-hook=copy-in {deb} {REPOSITORY}/src/packaging/trial /root",
        f'--customize-hook=chroot "$1" bash /root/trial /root/{deb.name}',
        *(suite, "/dev/null"),
    )
    assert "all of it holds" in output


def test_the_rpm_is_installed_again_and_removed_by_rpm(dist: Path) -> None:
    """Debian's rpm, on a bare Debian with what it needs: it starts; state and settings stay.

    What Red Hat's packages are called is not looked at there.
    """
    suite = platform.freedesktop_os_release()["VERSION_CODENAME"]
    rpm = _newest(dist, "pradrill-*.rpm")
    output = _on_bare_debian(
        *("mmdebstrap", "--quiet", "--variant=apt", "--format=null"),
        "--include=rpm,python3,openssh-client",
        f"--customize-hook=copy-in {rpm} /root",
        f'--customize-hook=chroot "$1" bash -euxc "{_RPM}" bash /root/{rpm.name}',
        *(suite, "/dev/null"),
    )
    assert "all of it holds" in output


def test_the_rpm_holds_the_same_files(dist: Path) -> None:
    """Listed by rpm itself, with the names of Red Hat's packages; no Red Hat has tried it."""
    rpm = _newest(dist, "pradrill-*.rpm")
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


def _newest(folder: Path, pattern: str) -> Path:
    return max(folder.glob(pattern), key=lambda path: path.stat().st_mtime)


def _on_bare_debian(*words: str) -> str:
    """Return all that its hooks say: mmdebstrap lets them say it on stderr."""
    result = _ended(*words)
    return result.stdout + result.stderr


def _run(*words: str) -> str:
    return _ended(*words).stdout


def _ended(*words: str) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
    return result
