"""The three standbys of drills/estate.yml, with the backups of a primary that is lost.

Each is as a machine of the lab is, with Debian's slapd, MariaDB, Apache, PHP and WordPress. The
primary was a fourth: the script of tests/e2e filled it and let the real tools back it up. Database
and intranet reach each other at the addresses that the shipped drill names.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.integration.hosts.daemon_hosts import (
    REPOSITORY,
    SCRIPTS,
    apart,
    daemon_host,
    give_own_files,
    link,
    state_of,
)
from tests.integration.hosts.machines import run_quietly
from tests.integration.hosts.two_hosts import NamespaceHost, free_number
from tests.integration.house import edit

PASSWORD = "l'en\\trée"  # noqa: S105 of a database that lives for seconds
_PRIMARY = REPOSITORY / "tests/e2e/scenes/estate/primary.sh"
_FILL = REPOSITORY / "playbooks/files/fill-wordpress.php"
_CONFIGURATION = ("etc/mysql", "etc/ldap", "etc/apache2", "etc/php", "etc/wordpress")
_DATA = ("var/lib/ldap", "var/lib/wordpress", "var/lib/apache2", "var/lib/php")
_PROGRAMS = {"slapd", "mariadbd", "apache2"}
_ADDRESSES = {"ldap-dr": "192.0.2.21", "db-dr": "192.0.2.22", "app-dr": "192.0.2.23"}
"""Of each host in the shipped drill and its inventory."""


class EstateHosts:
    """The standbys, each with a copy of the backups in /srv/backups."""

    def __init__(self, hosts: dict[str, NamespaceHost]) -> None:
        self.hosts = hosts
        self.secrets = {"INTRANET_DB_PASSWORD": PASSWORD}

    def state(self) -> dict[str, list[str]]:
        """Return what of the services lies on each standby, and what of them runs there."""
        return {
            name: state_of(host, _PROGRAMS, data="var/lib", configuration=_CONFIGURATION)
            for name, host in self.hosts.items()
        }

    def house(self, folder: Path) -> Path:
        """Copy the shipped drills, for these standbys."""
        for name in ("drills", "playbooks", "inventories"):
            shutil.copytree(REPOSITORY / name, folder / name)
        for name, host in self.hosts.items():
            server = host.server
            edit(
                folder,
                "inventories/estate.yml",
                f"{{ansible_host: {_ADDRESSES[name]}}}",
                f"{{ansible_host: {server.address}, ansible_port: {server.port}, "
                f"ansible_ssh_private_key_file: {server.key}, "
                "ansible_python_interpreter: /usr/bin/python3}",
            )
        pins = [host.server.known_hosts.read_text("utf-8") for host in self.hosts.values()]
        (folder / "known_hosts").write_text("".join(pins), "utf-8")
        edit(
            folder,
            "drills/estate.yml",
            "  hosts: estate ",
            "  known_hosts: ../known_hosts\n  hosts: estate ",
        )
        edit(folder, "drills/estate.yml", "      stable_for: 30s", "     ")
        for name in ("directory", "database", "intranet"):
            checks = f"      checks: checks/{name}\n"
            edit(folder, "drills/estate.yml", checks, f"{checks}      stable_for: 100ms\n")
        return folder


@contextmanager
def estate_hosts() -> Iterator[EstateHosts]:
    """Back a primary up and lose it, then make the standbys; all goes at the end. Takes root."""
    with ExitStack() as undo:
        # Not below /tmp: each host has another one.
        name = undo.enter_context(tempfile.TemporaryDirectory(prefix="pd-estate-", dir="/var/tmp"))
        folder = Path(name)
        folder.chmod(0o755)
        primary = folder / "primary"
        (primary / "srv").mkdir(parents=True)
        give_own_files(primary, *_CONFIGURATION, *_DATA, empty=["var/log/apache2"])
        run_quietly(*apart(primary, SCRIPTS / "standby.sh"))
        homes = [folder / each for each in _ADDRESSES]
        for home in homes:
            run_quietly("cp", "-a", str(primary), str(home))
            _empty(home / "root")
        site = _site()
        with _FILL.open() as fill:
            subprocess.run(
                apart(primary, _PRIMARY, site), stdin=fill, capture_output=True, check=True
            )
        for home in homes:
            run_quietly("cp", "-a", str(primary / "srv/backups"), str(home / "srv"))
        shutil.rmtree(primary)

        number = free_number()
        hosts = {
            home.name: daemon_host(undo, home, number, 1 + 4 * place)
            for place, home in enumerate(homes)
        }
        for host in hosts.values():
            host.marker.write_text(f"{host.machine_id}\n")
        link(*((hosts[each], _ADDRESSES[each]) for each in ("db-dr", "app-dr")))
        yield EstateHosts(hosts)


def _empty(root: Path) -> None:
    """Take from a standby what its packages came with, as the teardown of a former drill does."""
    for place in ("var/lib/ldap", "etc/ldap/slapd.d", "var/lib/wordpress/wp-content"):
        shutil.rmtree(root / place)
        (root / place).mkdir()
    (root / "var/lib/apache2/site/disabled_by_admin").mkdir(exist_ok=True)  # a2dissite's, empty


def _site() -> str:
    """Return the intranet's name in the shipped drill."""
    lines = (REPOSITORY / "drills/estate.yml").read_text("utf-8").splitlines()
    (line,) = [line for line in lines if line.strip().startswith("site: intranet")]
    return line.split()[1]
