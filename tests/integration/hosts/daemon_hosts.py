"""Hosts in namespaces (two_hosts.py) with processes, accounts and a /var/lib of their own.

Debian's real daemons run there. Only systemd is stood in for: databases/systemctl.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

from tests.integration.hosts.machines import propagation, run_quietly
from tests.integration.hosts.two_hosts import NamespaceHost, namespace_host

REPOSITORY = Path(__file__).parents[3]
SCRIPTS = Path(__file__).parent / "databases"
ACCOUNTS = {"mysql": 61201, "keeper": 61202}
"""Whom no package of the tests makes."""
_MOUNTS = (SCRIPTS / "mounts.sh").read_text("utf-8")


def give_own_files(home: Path, *copies: str, empty: Iterable[str] = ()) -> None:
    """Write what a host has of its own, where databases/mounts.sh finds it.

    `copies` are this machine's, as packages left them; `empty` are folders with nothing in them.
    """
    root = home / "root"
    for place in ("var/lib/mysql", "usr/local/sbin", "etc", *empty):
        (root / place).mkdir(parents=True, exist_ok=True)
    for place in copies:
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        run_quietly("cp", "-a", f"/{place}", str(root / place))
    shutil.chown(root / "var/lib/mysql", ACCOUNTS["mysql"], ACCOUNTS["mysql"])
    shutil.copy(SCRIPTS / "systemctl", root / "usr/local/sbin")
    for name, rest in (("passwd", ":/nonexistent:/bin/sh"), ("group", "")):
        lines = Path("/etc", name).read_text("utf-8").splitlines()
        others = [line for line in lines if line.partition(":")[0] not in ACCOUNTS]
        for account, number in ACCOUNTS.items():
            fields = f"{number}:{number}:" if name == "passwd" else f"{number}:"
            others.append(f"{account}:*:{fields}{rest}")
        (root / "etc" / name).write_text("\n".join(others) + "\n", "utf-8")


def apart(home: Path, script: Path, *words: str) -> list[str]:
    """Return the command that runs a script where a host's own files are mounted.

    By its text: its path may be below what they cover, as it is in a checkout in /srv.
    """
    mounts = f'{_MOUNTS}mount --bind "$1/srv" /srv; shift; cd /; exec bash -c "$@"'
    unshare = ["unshare", "--net", "--mount", "--pid", "--fork", *propagation()]
    text = script.read_text("utf-8")
    return [*unshare, "sh", "-ec", mounts, "sh", str(home), text, script.name, *words]


def daemon_host(
    undo: ExitStack, home: Path, number: int, first: int, *settings: str
) -> NamespaceHost:
    """Start one host as namespace_host does, with its own files and processes."""
    host = namespace_host(undo, home, number, first, *settings, mounts=_MOUNTS)
    (home / "sshd").chmod(0o1777)  # it is the TMPDIR of every account's commands
    return host


def link(one: tuple[NamespaceHost, str], other: tuple[NamespaceHost, str]) -> None:
    """Let two hosts reach each other, and nobody else, at an address each."""
    inside = {each: f"/proc/{each.network}/ns/net" for each, _ in (one, other)}
    cable = ("ip", "link", "add", "pdway", "netns", str(one[0].network), "type", "veth")
    run_quietly(*cable, "peer", "name", "pdway", "netns", str(other[0].network))
    for (host, here), (_, there) in ((one, other), (other, one)):
        ip = ("nsenter", f"--net={inside[host]}", "ip")
        run_quietly(*ip, "address", "add", here, "peer", there, "dev", "pdway")
        run_quietly(*ip, "link", "set", "pdway", "up")


def state_of(
    host: NamespaceHost, programs: set[str], *, data: str, configuration: Iterable[str]
) -> list[str]:
    """Return what lies in a host's folders (of data not too deep), and which programs run there."""
    root = host.home / "root"
    paths = [path for depth in ("*", "*/*/", "*/*/*/") for path in root.glob(f"{data}/{depth}")]
    for folder in configuration:
        paths += root.glob(f"{folder}/**/*")
    running = [each for each in host.server.programs() if each in programs]
    return sorted([*(str(path.relative_to(root)) for path in paths), *running])
