"""Where a file comes from that a service opened, told on the standby."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from pradrill.adapters.ssh import remote_files

BEGAN = 1_000.0


@pytest.fixture
def dpkg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a machine's list of packages, with a setting, one of ucf's and a diversion."""
    folder = tmp_path / "dpkg"
    (folder / "info").mkdir(parents=True)
    (tmp_path / "as-delivered").write_text("old")
    (tmp_path / "altered").write_text("new")
    (tmp_path / "by-ucf").write_text("old")
    md5 = hashlib.md5(b"old").hexdigest()  # noqa: S324 dpkg's own sum
    paths = [tmp_path / "as-delivered", tmp_path / "altered"]
    names = [*map(str, paths), "/lib/shop.so", "/usr/bin/shop", "/usr/bin/put"]
    (folder / "info" / "shop.list").write_text("\n".join(names) + "\n")
    conffiles = "".join(f" {path} {md5}\n" for path in paths)
    (folder / "status").write_text(f"Package: shop\nConffiles:\n{conffiles}Description: x\n")
    (folder / "diversions").write_text("/usr/bin/put\n/usr/bin/put.aside\nother\n")
    (tmp_path / "ucf").write_text(f"{md5}  {tmp_path / 'by-ucf'}\n")
    monkeypatch.setattr(remote_files, "DPKG", str(folder))
    monkeypatch.setattr(remote_files, "UCF", str(tmp_path / "ucf"))
    return tmp_path


def test_each_origin_is_told(dpkg: Path) -> None:
    """By time first, then by what a machine makes itself, then by what packages say."""
    old = {
        f"{dpkg}/as-delivered": ("package", False),
        f"{dpkg}/altered": ("neither", True),
        f"{dpkg}/by-ucf": ("package", False),
        "/usr/lib/shop.so": ("package", False),  # listed by its name before the merge
        "/usr/bin/shop": ("package", False),
        "/usr/bin/put.aside": ("package", False),
        "/opt/shop/key": ("neither", False),
        "/srv/shop/of-before": ("neither", False),
        "/etc/passwd": ("system", False),
        "/etc/passwd.mine": ("neither", False),
        "/var/lib/mysql/mysql/db.MAD": ("system", False),
        "/var/lib/mysql/shop/orders.ibd": ("neither", False),
        "/var/lib/postgresql/15/main/base/5/1247": ("system", False),
        "/var/lib/postgresql/15/main/base/16384/1247": ("neither", False),
        "/opt/shop/__pycache__/x.pyc": ("system", False),
    }
    new = {
        "/srv/shop/data": ("restored", False),
        "/srv/shopping": ("written", False),
        "/usr/bin/newer": ("written", False),
    }
    files = [[path, BEGAN - 1, []] for path in old] + [[path, BEGAN, []] for path in new]
    assert remote_files.origins(files, BEGAN, ["/srv/shop/"]) == {**old, **new}


def test_without_packages_to_ask_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine without dpkg and rpm does not make every program a finding."""
    monkeypatch.setattr(remote_files, "DPKG", str(tmp_path))
    monkeypatch.setattr(remote_files, "PATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert remote_files.origins([["/usr/bin/shop", 0.0, []]], BEGAN, []) == {
        "/usr/bin/shop": ("unknown", False)
    }


_SPEC = """
Name: shop
Version: 1
Release: 1
Summary: shop
License: none
BuildArch: noarch
%description
shop
%install
mkdir -p %{buildroot}{ROOT} %{buildroot}/lib
for each in kept altered program; do echo old > %{buildroot}{ROOT}/$each; done
echo old > %{buildroot}/lib/shop.so
%files
%config {ROOT}/kept
%config {ROOT}/altered
%ghost {ROOT}/made-here
{ROOT}/program
/lib/shop.so
"""


@pytest.fixture
def rpm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of a machine that is made of rpms, and knows of none as yet."""
    if shutil.which("rpmbuild") is None:
        pytest.skip("needs rpmbuild")
    program = tmp_path / "bin" / "rpm"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec /usr/bin/rpm --dbpath {tmp_path}/db "$@"\n')
    program.chmod(0o755)
    (tmp_path / "dpkg" / "info").mkdir(parents=True)  # of a dpkg that has installed nothing
    monkeypatch.setattr(remote_files, "DPKG", str(tmp_path / "dpkg"))
    monkeypatch.setattr(remote_files, "RPM", (f"{tmp_path}/db/*",))
    monkeypatch.setattr(remote_files, "PATH", f"{program.parent}:/usr/bin:/bin")
    return tmp_path


def test_an_rpm_tells_what_it_delivered_and_what_was_altered_since(rpm: Path) -> None:
    """A real one: a setting that was changed, and a name that it merely keeps, are nobody's."""
    (rpm / "spec").write_text(_SPEC.replace("{ROOT}", f"{rpm}/shop"))
    build = ["rpmbuild", "-bb", "--quiet", "--define", f"_topdir {rpm}/build", str(rpm / "spec")]
    subprocess.run(build, check=True, capture_output=True)
    (built,) = rpm.glob("build/RPMS/*/*.rpm")
    install = [str(rpm / "bin" / "rpm"), "-i", "--justdb", "--nodeps", str(built)]
    subprocess.run(install, check=True, capture_output=True)
    (rpm / "shop").mkdir()
    for name, text in {"kept": "old\n", "altered": "new\n", "made-here": "x"}.items():
        (rpm / "shop" / name).write_text(text)
    origins = {
        f"{rpm}/shop/kept": ("package", False),
        f"{rpm}/shop/altered": ("neither", True),
        f"{rpm}/shop/program": ("package", False),
        f"{rpm}/shop/made-here": ("neither", False),
        "/usr/lib/shop.so": ("package", False),
        "/opt/shop/key": ("neither", False),
    }
    assert remote_files.origins([[path, 0.0, []] for path in origins], BEGAN, []) == origins


def test_an_rpm_that_has_installed_nothing_knows_nothing(rpm: Path) -> None:
    """The program is there, on a machine of other packages: no file is nobody's for that."""
    assert remote_files.of_packages({str(rpm), "/usr/bin/shop"}) == (None, set())
    assert not (rpm / "db").exists(), "asking makes no list of packages"
