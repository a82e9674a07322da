"""Ask Ansible's own commands about an inventory: nothing of the user's settings counts."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from pradrill.config.once import once
from pradrill.config.vaults import unlocked, vault_words
from pradrill.errors import ConfigurationError
from pradrill.system import scratch

_DEADLINE = 60


@once  # it takes half a second
def ask_of(inventory: Path, program: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command of Ansible's on an inventory. Raises ConfigurationError when it cannot run."""
    with tempfile.TemporaryDirectory(prefix="pradrill-inventory-", dir=scratch.base()) as folder:
        config = Path(folder, "ansible.cfg")  # an empty one
        config.touch()
        return _run(inventory, config, program, words)


def _run(
    inventory: Path, config: Path, program: str, words: tuple[str, ...]
) -> subprocess.CompletedProcess[bytes]:
    command = Path(sys.executable).parent / program
    environment = {
        "PATH": f"{command.parent}:{os.environ.get('PATH', '')}:/usr/bin:/bin",
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": str(config.parent / "home"),
        "ANSIBLE_LOCAL_TEMP": str(config.parent / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True",
    }
    try:
        with vault_words(config.parent, unlocked()) as unlocking:
            return subprocess.run(
                [command, "-i", inventory, *words, *unlocking],
                env=environment,
                cwd=inventory.parent,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=_DEADLINE,
                check=False,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"{program} cannot read {inventory}: {error}") from error
