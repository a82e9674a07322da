"""Make the environment that Ansible runs in: nothing of the caller's leads it."""

from __future__ import annotations

import math
import os
import shlex
import sys
from pathlib import Path

from pradrill.domain.run.scope import beginning
from pradrill.ports import Play
from pradrill.system import processes

CONFIGURATION = "[defaults]\ninternal_poll_interval = 0.01\n"
"""By itself Ansible looks a thousand times a second whether a task has ended: 3 % of a core."""

_LONGEST_TIMEOUT = 10_000_000  # seconds; Ansible's own limit is ten times that
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FROM_RUNNER = (
    *("AWX_ISOLATED_DATA_DIR", "ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_RETRY_FILES_ENABLED"),
    *("ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_CACHE_PLUGIN", "ANSIBLE_CACHE_PLUGIN_CONNECTION"),
    *("RUNNER_OMIT_EVENTS", "RUNNER_ONLY_FAILED_EVENTS"),
)
"""What ansible-runner itself sets; it starts from the caller's environment."""
_FROM_CALLER = ("SSH_AUTH_SOCK", "SSL_CERT_FILE", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_ROLES_PATH")


def login_environment(marker: str) -> dict[str, str]:
    """Return the environment of an ssh that opens what a run's plays share."""
    callers = {key: os.environ[key] for key in _FROM_CALLER if key in os.environ}
    return {"PATH": _path(), "HOME": str(Path.home()), processes.MARKER: marker, **callers}


def environment(
    prepared: dict[str, str], play: Play, folder: Path, deadline: float
) -> dict[str, str]:
    """Return the play's environment: ansible-runner's own settings and ours, not the caller's."""
    from ansible_runner.utils import get_callback_dir  # noqa: PLC0415 as ansible_runner

    runners = {key: prepared[key] for key in _FROM_RUNNER if key in prepared}
    config = folder / "ansible.cfg"
    config.write_text(CONFIGURATION, encoding="utf-8")
    home = Path.home()
    ansible = "/usr/share/ansible"

    return {
        "ANSIBLE_COLLECTIONS_PATH": f"{home}/.ansible/collections:{ansible}/collections",
        "ANSIBLE_ROLES_PATH": f"{home}/.ansible/roles:{ansible}/roles:/etc/ansible/roles",
        **{key: os.environ[key] for key in _FROM_CALLER if key in os.environ},
        **runners,
        "ANSIBLE_CALLBACK_PLUGINS": get_callback_dir(),
        processes.MARKER: play.marker,
        "PRADRILL_BEGINNING": beginning(play.site.run_id, posix=False),
        "PRADRILL_BEGINNING_POSIX": beginning(play.site.run_id, posix=True),
        "PATH": _path(),
        "HOME": str(home),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        # For what sudo asks, too, which looks for its own host's name where there is no resolver.
        "ANSIBLE_TIMEOUT": "30",
        "ANSIBLE_SSH_ARGS": f"-F {shlex.quote(str(play.site.ssh_config))}",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_NOCOWS": "1",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
        "ANSIBLE_PYTHON_INTERPRETER": "auto_silent",
        # Gives every task the alarm that the brake rings; by itself it comes too late.
        "ANSIBLE_TASK_TIMEOUT": str(min(math.ceil(deadline) + 1, _LONGEST_TIMEOUT)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _path() -> str:
    """Return where programs are looked for: this Python's beside it, the caller's, the system's."""
    return f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}:{_SYSTEM_PATH}"
