"""What starting costs, beside programs for the same hands.

    .venv/bin/python tests/benchmarks/peers.py

Processor time of whole processes over `python -c pass` of the same interpreter, as commands.py
measures it. The peers are installed from PyPI into an environment that is thrown away, before
anything is measured; --keep FOLDER keeps it for the next time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.commands import over_bare

_PEERS = {"borgmatic": "borgmatic", "molecule": "molecule", "chaos": "chaostoolkit"}
"""Command → its package."""
_OPTIONS = ("--version", "--help")


def installed(folder: Path) -> Path:
    """Return the folder of the peers' commands, installed there unless they are."""
    commands = folder / "bin"
    if not all((commands / name).exists() for name in _PEERS):
        venv.create(folder, with_pip=True)
        subprocess.run([commands / "pip", "install", "-q", *_PEERS.values()], check=True)
        subprocess.run([commands / "python", "-m", "compileall", "-q", folder / "lib"], check=False)
    return commands


def main() -> int:
    """Measure, print, judge: pradrill starts in less than the quickest of its peers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keep", type=Path, metavar="FOLDER")
    given = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="pradrill-peers-") as folder:
        peers = installed(given.keep or Path(folder))
        ours = Path(sys.executable).parent
        os.environ["PATH"] = f"{peers}:{os.environ['PATH']}"  # molecule asks Ansible
        commands = [ours / "pradrill", ours / "ansible-playbook", *(peers / n for n in _PEERS)]
        figures = {
            command.name: [over_bare((command, option), given.rounds) for option in _OPTIONS]
            for command in commands
        }

    print(f"{'over a bare interpreter':<24}{_OPTIONS[0]:>12}{_OPTIONS[1]:>12}")
    for name, seconds in figures.items():
        print(f"{name:<24}" + "".join(f"{each * 1000:9.0f} ms" for each in seconds))

    product = figures.pop("pradrill")
    return int(any(product[i] > min(f[i] for f in figures.values()) for i in range(len(_OPTIONS))))


if __name__ == "__main__":
    sys.exit(main())
