"""The package as pipx or uv installs it: usable outside the repository."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SYSTEM_PYTHON = "/usr/bin/python3"


def test_the_wheel_brings_all_that_a_user_needs(tmp_path: Path) -> None:
    """Installed from its wheel, in another folder, the demo's drills are there and valid."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    _run([*pip, "wheel", "--no-deps", "-w", tmp_path, REPOSITORY])
    (wheel,) = tmp_path.glob("pradrill-*.whl")
    venv.create(tmp_path / "venv", with_pip=False)
    packages = next((tmp_path / "venv").glob("lib/python*/site-packages"))
    _run([*pip, "install", "--no-deps", "--target", packages, wheel])
    # The other packages are those of this environment; pradrill itself is the wheel's.
    (packages / "others.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    for tool in Path(sys.executable).parent.glob("ansible-*"):
        (tmp_path / "venv" / "bin" / tool.name).symlink_to(tool)
    code = (
        "import pradrill, sys; from pathlib import Path; "
        "sys.argv[1:] = ['--drills', str(Path(pradrill.__file__).parent / 'share/drills'), "
        "'--state', 'state', 'validate']; "
        "from pradrill.cli import main; print(pradrill.__file__); sys.exit(main())"
    )
    output = _run([tmp_path / "venv/bin/python", "-c", code], tmp_path)
    assert str(packages) in output, "another pradrill was imported"
    assert "wordpress" in output


@pytest.mark.nightly
@pytest.mark.parametrize("installer", ["pipx", "uv"])
def test_an_installer_of_programs_installs_the_wheel(tmp_path: Path, installer: str) -> None:
    """`pipx install` and `uv tool install` give a command that finds Ansible and its own drills.

    Beside it there is neither a repository nor a Python environment: PATH is the system's.
    """
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    _run([*pip, "wheel", "--no-deps", "-w", tmp_path, REPOSITORY])
    (wheel,) = tmp_path.glob("pradrill-*.whl")
    tools, home = tmp_path / "tools", tmp_path / "home"
    home.mkdir()
    _run([SYSTEM_PYTHON, "-m", "venv", tools])
    _run([tools / "bin/pip", "--disable-pip-version-check", "-q", "install", installer])

    settings = {
        name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))
    }
    environment = {**settings, "HOME": str(home), "PATH": f"{home}/.local/bin:/usr/bin:/bin"}
    words = ["tool", "install", "-q", "--python"] if installer == "uv" else ["install", "--python"]
    _run([tools / "bin" / installer, *words, SYSTEM_PYTHON, wheel], tmp_path, environment)

    command = home / ".local/bin/pradrill"
    assert _run([command, "--version"], tmp_path, environment).startswith("pradrill ")
    assert "--keep" in _run([command, "demo", "--help"], tmp_path, environment)
    (drills,) = (home / ".local").rglob("pradrill/share/drills")
    output = _run([command, "--drills", drills, "validate"], tmp_path, environment)
    assert "wordpress" in output


def _run(
    words: list[str | Path], folder: Path | None = None, environment: dict[str, str] | None = None
) -> str:
    result = subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
