"""Two real SSH hosts in namespaces of their own: a marked standby, and a production next to it.

Each has its own network, host key, login key, machine-id, /etc/pradrill and /srv; the test sees
what a host holds in `srv`. By default neither reaches the other: `open_way` lets the standby reach
production, as a wrong route would. Both are made once for the session; `reset` puts them back.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.integration.hosts.machines import propagation, run_quietly
from tests.integration.hosts.sshd import LOGIN, PYTHON, Sshd, descendants
from tests.integration.house import UNREACHED, build, write
from tests.support.living import goes_on

from pradrill.domain.run.host import MARKER

_MARKS = Path(MARKER).parent
_OWN = """
mount -t proc proc /proc
mount --bind "$1/machine-id" /etc/machine-id
mount --bind "$1/etc-pradrill" {marks}
mount --bind "$1/srv" /srv
shift
exec "$@"
"""

RESTORE = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the data back
      ansible.builtin.raw: mkdir -p /srv/restored && echo data > /srv/restored/data
"""
TEARDOWN = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: remove what was restored
      ansible.builtin.raw: rm -rf /srv/restored && touch /srv/torn-down
"""


class NamespaceHost:
    """One of the two: how SSH reaches it, and what it holds."""

    def __init__(self, home: Path, server: Sshd, network: int, machine_id: str) -> None:
        self.home = home
        self.server = server
        self.network = network
        """The process that holds its network."""
        self.machine_id = machine_id
        self.srv = home / "srv"
        self.etc_pradrill = home / "etc-pradrill"

    @property
    def marker(self) -> Path:
        """Return where its standby marker is, as the test sees it."""
        return self.etc_pradrill / Path(MARKER).name

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command in its network."""
        return subprocess.run(
            ["nsenter", f"--net=/proc/{self.network}/ns/net", *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def goes_on(self, number: int | str) -> bool:
        """Tell whether there is the process that the host calls so, as `goes_on` does here."""
        pids = filter(goes_on, descendants(self.server.pid))
        return any(self.own_number(pid) == int(number) for pid in pids)

    def own_number(self, pid: int) -> int:
        """Return what the host calls a process of its; 0: it has ended."""
        with suppress(OSError):
            words = Path(f"/proc/{pid}/status").read_text().partition("\nNSpid:")[2]
            return int(words.partition("\n")[0].split()[-1])
        return 0

    def touched(self) -> list[str]:
        """Return the names of all that lies in its /srv."""
        return sorted(path.name for path in self.srv.iterdir())

    def empty(self) -> None:
        """Remove all that lies in its /srv."""
        for path in self.srv.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


class TwoHosts:
    """The standby and the production."""

    def __init__(self, standby: NamespaceHost, production: NamespaceHost, way: str) -> None:
        self.standby = standby
        self.production = production
        self.way = way
        """Address of production on the way between the two, which is closed by default."""

    @property
    def endpoint(self) -> str:
        """Return what of production the standby must not reach: HOST:PORT."""
        return f"{self.way}:{self.production.server.port}"

    def open_way(self) -> None:
        """Let the standby reach production."""
        self.standby.run("ip", "link", "set", "pdway", "up")

    def close_way(self) -> None:
        """Keep the standby from production."""
        self.standby.run("ip", "link", "set", "pdway", "down")

    def reset(self) -> None:
        """Put both back as they were made."""
        self.close_way()
        for host in (self.standby, self.production):
            host.empty()
            for path in host.etc_pradrill.iterdir():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        self.standby.marker.write_text(f"{self.standby.machine_id}\n")
        (self.production.srv / "live").write_text("customers\n")

    def house(self, folder: Path) -> Path:
        """Write a house of drills whose standby and primary are these two; return its folder."""
        build(folder)
        production, standby = self.production.server, self.standby.server
        write(
            folder,
            "drills/plan.yml",
            f"""\
            plan: 1
            organisation: Exemple SAS
            services:
              shop:
                objectives: {{rto: 15m, rpo: 1h}}
                drill_every: 3 months
                primary:
                  addresses: ["{production.address}", "{self.way}"]
                  host_keys: ["{production.host_key}"]
                  machine_ids: ["{self.production.machine_id}"]
            """,
        )
        drill = (folder / "drills/shop.yml").read_text("utf-8")
        drill = drill.replace(UNREACHED, self.endpoint)
        write(folder, "drills/shop.yml", drill)
        inventory = standby.group("standby", "web-dr", PYTHON, login=LOGIN)
        inventory += production.group("production", "web-prod", PYTHON, login=LOGIN)
        write(folder, "inventory.yml", inventory)
        pins = standby.known_hosts.read_text("utf-8") + production.known_hosts.read_text("utf-8")
        (folder / "known_hosts").write_text(pins, encoding="utf-8")
        write(folder, "playbooks/restore.yml", RESTORE)
        write(folder, "playbooks/teardown.yml", TEARDOWN)
        return folder


@contextmanager
def two_hosts(folder: Path) -> Iterator[TwoHosts]:
    """Make both hosts; they go at the end. Takes root."""
    number = free_number()
    with ExitStack() as undo:
        standby = namespace_host(undo, folder / "web-dr", number, 1)
        production = namespace_host(undo, folder / "web-prod", number, 5)
        way = f"10.217.{number}"
        inside = {each: f"/proc/{each.network}/ns/net" for each in (standby, production)}
        link = ("ip", "link", "add", "pdway", "netns", str(standby.network), "type", "veth")
        run_quietly(*link, "peer", "name", "pdway", "netns", str(production.network))
        for host, last in ((standby, 1), (production, 2)):
            nsenter = ("nsenter", f"--net={inside[host]}", "ip")
            run_quietly(*nsenter, "address", "add", f"{way}.{last}/30", "dev", "pdway")
        run_quietly("nsenter", f"--net={inside[production]}", "ip", "link", "set", "pdway", "up")
        both = TwoHosts(standby, production, f"{way}.2")
        both.reset()
        yield both


def namespace_host(  # noqa: PLR0913 what its few callers give
    undo: ExitStack,
    home: Path,
    number: int,
    first: int,
    *settings: str,
    mounts: str = "",
    namespaces: tuple[str, ...] = (),
) -> NamespaceHost:
    """Start one host on a link of its own to this machine; its folder gives it its name.

    `settings` are more lines for its sshd, `mounts` a script that mounts more, with the folder as
    $1, and `namespaces` more of unshare's options.
    """
    for part in ("etc-pradrill", "srv"):
        (home / part).mkdir(parents=True, exist_ok=True)
    _MARKS.mkdir(mode=0o755, exist_ok=True)  # stays: removing it would unmount it elsewhere
    machine_id = secrets.token_hex(16)
    (home / "machine-id").write_text(f"{machine_id}\n")
    holder = undo.enter_context(
        subprocess.Popen(
            ["unshare", "--net", "sh", "-c", "echo; exec sleep 3600"], stdout=subprocess.PIPE
        )
    )
    undo.callback(holder.kill)
    assert holder.stdout is not None
    holder.stdout.readline()  # it is in its network now
    here, there = f"pdh{number}x{first}", f"pdt{number}x{first}"
    address = f"10.216.{number}.{first + 1}"
    inside = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
    run_quietly("ip", "link", "add", here, "type", "veth", "peer", "name", there)
    undo.callback(run_quietly, "ip", "link", "delete", here)
    run_quietly("ip", "link", "set", there, "netns", str(holder.pid))
    run_quietly("ip", "address", "add", f"10.216.{number}.{first}/30", "dev", here)
    run_quietly("ip", "link", "set", here, "up")
    run_quietly(*inside, "ip", "address", "add", f"{address}/30", "dev", there)
    run_quietly(*inside, "ip", "link", "set", there, "up")
    run_quietly(*inside, "ip", "link", "set", "lo", "up")
    script = mounts + _OWN.format(marks=_MARKS)
    options = ("--mount", "--pid", "--fork")  # or what other tests begin would be new on it, too
    apart = ("unshare", *options, *namespaces, *propagation(), "sh", "-ec", script)
    (home / "sshd").mkdir()
    server = Sshd(
        home / "sshd",
        "ListenAddress 0.0.0.0",
        *settings,
        name=home.name,
        address=address,
        wrap=(*inside, *apart, "sh", str(home)),
    )
    undo.callback(server.stop)
    server.start()
    return NamespaceHost(home, server, holder.pid, machine_id)


def free_number() -> int:
    """Return a number whose links and addresses nobody else on this machine uses."""
    links = subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout
    for step in range(250):
        number = (os.getpid() + step) % 250
        if f"pdh{number}x" not in links:
            return number
    raise RuntimeError("every number is taken")
