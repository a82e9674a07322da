"""What the caller's environment and settings say leads Ansible nowhere: on two real hosts."""

from __future__ import annotations

import os
from pathlib import Path

from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import pradrill

PLUGIN = """\
import pathlib
pathlib.Path(__file__).with_name("loaded").touch()
"""


def test_the_callers_environment_moves_nothing(hosts: TwoHosts, tmp_path: Path) -> None:
    """Variables, settings and plugins of the caller's, also those that AWX sets, change no drill.

    The machine is in the inventory under two names, which do not hold each other off.
    """
    house = hosts.house(tmp_path)
    production = hosts.production.server
    text = (house / "inventory.yml").read_text()
    entry = text[text.index("    web-dr:") : text.index("production:")]
    second = entry + entry.replace("web-dr:", "db-dr:")
    (house / "inventory.yml").write_text(text.replace(entry, second))
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / "plugins").mkdir()
    (home / "plugins/own.py").write_text(PLUGIN)
    lead = f"-o HostName={production.address} -o Port={production.port}"
    settings = (
        f"[defaults]\ntransport=local\nstrategy=debug\nremote_port={production.port}\n"
        f"callbacks_enabled=own\n[ssh_connection]\nssh_args={lead}\nhost_key_checking=False\n"
    )
    (home / ".ansible.cfg").write_text(settings)
    (house / "ansible.cfg").write_text(settings)
    (home / ".ssh/config").write_text(
        f"Host *\n  HostName {production.address}\n  Port {production.port}\n"
    )
    plugins = ("CALLBACK", "VARS", "CONNECTION", "ACTION", "STRATEGY")
    result = pradrill(
        house,
        "run",
        "shop",
        environment={
            **os.environ,
            **{f"ANSIBLE_{kind}_PLUGINS": str(home / "plugins") for kind in plugins},
            "HOME": str(home),
            "ANSIBLE_CONFIG": str(home / ".ansible.cfg"),
            "ANSIBLE_CALLBACKS_ENABLED": "own",
            "ANSIBLE_TRANSPORT": "local",
            "ANSIBLE_STRATEGY": "debug",
            "ANSIBLE_SSH_ARGS": lead,
            "ANSIBLE_SSH_COMMON_ARGS": lead,
            "ANSIBLE_SSH_EXECUTABLE": "/bin/false",
            "ANSIBLE_REMOTE_PORT": "1",
            "ANSIBLE_REMOTE_USER": "nobody",
            "ANSIBLE_INVENTORY": "/nonexistent",
            "ANSIBLE_CHECK_MODE": "True",
            "ANSIBLE_SKIP_TAGS": "all",
            # As inside a job of AWX:
            "AWX_LIB_DIRECTORY": str(home / "plugins"),
            "ANSIBLE_STDOUT_CALLBACK": "awx_display",
            "ANSIBLE_RETRY_FILES_ENABLED": "False",
            "ANSIBLE_HOST_KEY_CHECKING": "True",
            "RUNNER_OMIT_EVENTS": "True",
        },
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert hosts.standby.touched() == ["torn-down"]
    assert hosts.production.touched() == ["live"]
    assert not (home / "plugins/loaded").exists()
