"""An sshd of a test's own, and the site that it makes."""

from __future__ import annotations

import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from pradrill.domain.run.host import Host, Inventory, Proven, Site
from pradrill.domain.run.ssh_config import ssh_config

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
LOGIN = pwd.getpwuid(os.getuid()).pw_name
PYTHON = "ansible_python_interpreter: /usr/bin/python3"
"""A line of an inventory: Ansible looks for none."""


class Sshd:
    """An sshd of its own: host key, login key, port, configuration; nothing of the machine's.

    `wrap` is a command that the sshd is started with, as one that gives it its own namespaces.
    """

    def __init__(
        self,
        folder: Path,
        *extra: str,
        name: str = "standby-1",
        address: str = "127.0.0.1",
        wrap: tuple[str, ...] = (),
        sftp: str = "internal-sftp",
    ) -> None:
        self.folder = folder
        self.address = address
        self.port = free_port()
        self.key = folder / "login"
        self.host_key = _new_key(folder / "host")
        (folder / "authorized_keys").write_text(_new_key(self.key) + "\n")
        self.host = Host(
            name=name,
            address=address,
            port=self.port,
            user=LOGIN,
            private_key=self.key,
            dr_role="standby",
        )
        self.known_hosts = folder / "known_hosts"
        self.known_hosts.write_text(f"[{address}]:{self.port} {self.host_key}\n")
        settings = [
            f"Port {self.port}",
            f"ListenAddress {address}",
            f"HostKey {folder / 'host'}",
            f"AuthorizedKeysFile {folder / 'authorized_keys'}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            "UseDNS no",
            "PrintMotd no",
            "MaxSessions 50",
            "MaxStartups 100",
            f"Subsystem sftp {sftp}",
            *extra,
            # What a killed module leaves, and no .bashrc of ours; only the first SetEnv counts.
            f"SetEnv TMPDIR={folder} HOME={folder}",
        ]
        (folder / "sshd_config").write_text("\n".join(settings) + "\n")
        self._process: subprocess.Popen[bytes] | None = None
        self._wrap = wrap

    def serve(
        self,
        house: Path,
        name: str,
        inventory: str = "inventory.yml",
        *,
        login: str = "root",
        variables: Sequence[str] = (PYTHON,),
    ) -> None:
        """Write a house's inventory and pins: this is its only standby."""
        text = self.group("standby", name, *variables, login=login)
        (house / inventory).write_text(text, encoding="utf-8")
        shutil.copy(self.known_hosts, house / "known_hosts")

    def group(self, role: str, name: str, *variables: str, login: str) -> str:
        """Return a group of an inventory with this host alone, with variables, a line each."""
        lines = [
            f"ansible_host: {self.address}",
            f"ansible_port: {self.port}",
            f"ansible_user: {login}",
            f"ansible_ssh_private_key_file: {self.key}",
            *variables,
            f"dr_role: {role}",
        ]
        entry = "".join(f"      {line}\n" for line in lines)
        return f"{role}:\n  hosts:\n    {name}:\n{entry}"

    def start(self) -> None:
        """Serve; return once the port answers."""
        assert SSHD is not None
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # the privilege separation's folder
        with (self.folder / "sshd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._wrap, SSHD, "-D", "-e", "-f", self.folder / "sshd_config"], stderr=log
            )
        end = time.monotonic() + 60
        while self._process.poll() is None and time.monotonic() < end:
            with suppress(OSError):
                socket.create_connection((self.address, self.port), timeout=1).close()
                return
            time.sleep(0.05)
        pytest.fail("sshd did not start: " + (self.folder / "sshd.log").read_text()[-2000:])

    def stop(self) -> None:
        """Die as a machine does: the listener, every session and every command at once."""
        process, self._process = self._process, None  # a test's end and its timer may both stop it
        if process is None:
            return
        for pid in (process.pid, *descendants(process.pid)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()

    def restart(self) -> None:
        """Die and come back."""
        self.stop()
        self.start()

    @property
    def pid(self) -> int:
        """Return the process that serves, or that has begun it in namespaces of its own."""
        assert self._process is not None
        return self._process.pid

    def programs(self) -> list[str]:
        """Return the names of the programs that run below it."""
        names = []
        for pid in descendants(self.pid):
            with suppress(OSError):  # it has ended
                names.append(Path(f"/proc/{pid}/comm").read_text().strip())
        return names

    def inventory(self) -> Inventory:
        """Return the inventory that holds this sshd."""
        return Inventory(
            content={
                "standby": {
                    "hosts": {
                        self.host.name: {
                            "ansible_host": self.host.address,
                            "ansible_port": self.port,
                            "ansible_user": self.host.user,
                            "ansible_ssh_private_key_file": str(self.key),
                            "ansible_python_interpreter": "/usr/bin/python3",
                            "dr_role": "standby",
                        }
                    }
                }
            }
        )

    def site(self, folder: Path, control_folder: Path) -> Site:
        """Write the inventory and the client configuration that reach this sshd."""
        inventory = folder / "inventory.yml"
        inventory.write_text(json.dumps(self.inventory().content))
        machine_id = Path("/etc/machine-id").read_text(encoding="ascii").strip()
        config = folder / "ssh_config"
        config.write_text(ssh_config((self.host,), self.known_hosts, control_folder))
        return Site(
            hosts=(self.host,),
            inventory=inventory,
            known_hosts=self.known_hosts,
            ssh_config=config,
            proven=(Proven(host=self.host, machine_id=machine_id),),
        )


def _new_key(path: Path) -> str:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path], check=True
    )
    return path.with_name(f"{path.name}.pub").read_text().strip()


def free_port() -> int:
    """Return one on which nothing listens, below those that the kernel gives to clients."""
    while True:
        port = 10_000 + secrets.randbelow(20_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def descendants(pid: int) -> list[int]:
    """Return what a process has started, and what that has started."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                stat = (entry / "stat").read_text(errors="replace")
            except OSError:
                continue
            parents.setdefault(int(stat.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    pids, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        pids += children
        waiting += children
    return pids
