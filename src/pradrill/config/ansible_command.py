"""Ask Ansible's own commands about an inventory: nothing of the user's settings counts."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pradrill.config.once import once
from pradrill.config.vaults import unlocked, vault_words
from pradrill.errors import ConfigurationError
from pradrill.system import scratch

_DEADLINE = 300  # seconds: of an emulated machine that others keep busy, too
_ALONE = {
    "ANSIBLE_VARS_ENABLED": "",  # no group_vars where the command is started
    "ANSIBLE_ALLOW_EMBEDDED_TEMPLATES": "False",
}
_ONLY = "ANSIBLE_INVENTORY_ENABLED"
# The setting is read by then: a program of the inventory's that asks Ansible itself has it no more.
_LISTING = f"""
import os, sys
from ansible.cli.inventory import main
del os.environ[{_ONLY!r}]
sys.argv[0] = "ansible-inventory"
sys.exit(main())
"""


def plain_environment(command: Path, config: Path) -> dict[str, str]:
    """Return what a command of Ansible's runs in, beside its configuration: nothing leads it."""
    return {
        "PATH": f"{command.parent}:{os.environ.get('PATH', '')}:/usr/bin:/bin",
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": str(config.parent / "home"),
        "ANSIBLE_LOCAL_TEMP": str(config.parent / "tmp"),
        "ANSIBLE_NOCOLOR": "1",
    }


@once  # it takes half a second
def ask_of(
    inventory: Path, program: str, *words: str, content: str | None = None, plugins: str = ""
) -> subprocess.CompletedProcess[bytes]:
    """Run a command of Ansible's on an inventory. Raises ConfigurationError when it cannot run.

    With `content` that is read in the inventory's place, and nothing beside it; with `plugins` of
    Ansible's by those alone.
    """
    with tempfile.TemporaryDirectory(prefix="pradrill-inventory-", dir=scratch.base()) as folder:
        config = Path(folder, "ansible.cfg")  # an empty one
        config.touch()
        if content is None:
            only = {_ONLY: plugins} if plugins else {}
            return _run(inventory, config, program, ("-i", str(inventory), *words), only)

        alone = Path(folder, "inventory.json")
        alone.write_text(content, "utf-8")
        return _run(inventory, config, program, ("-i", str(alone), *words), _ALONE)


def _run(
    inventory: Path,
    config: Path,
    program: str,
    words: tuple[str, ...],
    settings: Mapping[str, str] = MappingProxyType({}),
) -> subprocess.CompletedProcess[bytes]:
    command = Path(sys.executable).parent / program
    strict = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "True"}
    start = (sys.executable, "-I", "-c", _LISTING) if _ONLY in settings else (command,)
    environment = {**plain_environment(command, config), **strict, **settings}
    try:
        with vault_words(config.parent, unlocked()) as unlocking:
            return subprocess.run(
                [*start, *words, *unlocking],
                env=environment,
                cwd=inventory.parent,
                capture_output=True,
                stdin=subprocess.DEVNULL,
                timeout=_DEADLINE,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        what = f"{program} has not read {inventory} within {_DEADLINE} s"
        raise ConfigurationError(what, hint="See what it waits for: run it by hand.") from error
    except OSError as error:
        why = error.strerror or error
        raise ConfigurationError(f"{program} cannot read {inventory}: {why}") from error
