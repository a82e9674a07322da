"""Keep the lab: an image, and the machines that start from it."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from pradrill.adapters.standbys.files import lock_file, missing, write_private
from pradrill.adapters.standbys.lab import qemu
from pradrill.adapters.standbys.lab.accelerator import Accelerator
from pradrill.adapters.standbys.lab.bounded_file import PROGRAMS as BOUNDING
from pradrill.adapters.standbys.lab.capture import read_capture
from pradrill.adapters.standbys.lab.image import Image
from pradrill.adapters.standbys.lab.links import address_of
from pradrill.adapters.standbys.lab.machine import Machine
from pradrill.adapters.standbys.seed import make_key
from pradrill.domain.run.egress import EgressLook
from pradrill.domain.run.host import Host, HostFacts, Proven, Site, ssh_config
from pradrill.errors import PradrillError, UsageError
from pradrill.ports import Clock, Impediment, Say
from pradrill.system import ssh_sockets as sockets
from pradrill.system.command import as_root

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class Lab:
    """Virtual machines on this computer, under one folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._image = Image(folder / "image")
        self._machines = folder / "machines"
        self._accelerator = Accelerator(folder / "accelerator.json")

    @property
    def built(self) -> bool:
        """Tell whether the image is there."""
        return self._image.built

    def build(self, say: Say, *, image: Path | None = None) -> None:
        """Build the image from Debian's packages, or take the user's own QCOW2.

        Machines frozen from an older image are made anew at their next start. Raises
        NotReadyError, BusyError, ConfigurationError, PradrillError.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with lock_file(self._folder / "lock", "the lab"):
            self._image.build(say, image)

    def machine(self, name: str) -> Machine:
        """Return a machine by its name; it need not exist yet. Raises UsageError."""
        if not _NAME.fullmatch(name):
            raise UsageError(
                f'"{name}" is no machine name', hint="Use lower-case letters, digits and dashes."
            )

        folder = self._machines / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = self._folder / "user_key"
        with lock_file(self._folder / "key.lock", "the lab's key"):
            make_key(key, "pradrill lab")

        return Machine(folder, self._image, key, self._accelerator, self._clock)

    def links(self, machine: Machine, others: Sequence[str]) -> dict[str, Machine]:
        """Return guest address:port → the machine whose SSH is reached there.

        An address belongs to the other machine, and is the same on each. Raises UsageError,
        BusyError, NotReadyError.
        """
        if machine.name in others:
            raise UsageError(
                f"a link from {machine.name} to itself", hint="Name the machine that it reaches."
            )
        linked = [self.machine(name) for name in dict.fromkeys(others)]
        return {f"{address_of(other.folder)}:{qemu.SSH}": other for other in linked}

    def machines(self) -> list[Machine]:
        """Return the machines that have an identity, by name."""
        names = [path.parent.name for path in self._machines.glob("*/machine-id")]
        return [self.machine(name) for name in sorted(names)]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other demos out. Raises BusyError."""
        with lock_file(self._folder / "demo.lock", "a demo"):
            yield

    def down(self) -> list[str]:
        """End every running machine; return their names."""
        names = sorted(path.name for path in self._machines.glob("*"))
        return [name for name in names if self.machine(name).down()]

    def destroy(self) -> None:
        """End every machine and remove all that the lab has on disk."""
        self.down()
        shutil.rmtree(self._folder, ignore_errors=True)


class LabMachines:
    """A standby made of the lab's machines: resumed for a run, thrown away after it."""

    def __init__(
        self,
        lab: Lab,
        names: Sequence[str],
        links: Mapping[str, str],
        *,
        capture: bool = False,
        marks: bool = False,
    ) -> None:
        """Take names and links; `marks`: what the run starts on them is told from the rest."""
        self._capture = capture
        self._marks = marks
        self._lab = lab
        self._machines = [lab.machine(name) for name in names]
        self._links = {near: _endpoint(far) for near, far in links.items()}

    def problems(self) -> Sequence[Impediment]:
        """Say what stands in the way of starting, touching nothing."""
        needed = (qemu.PROGRAM, "qemu-img", "ssh", "ssh-keygen")
        capturing = BOUNDING if self._capture else ()
        problems = [
            Impediment(
                f"the Debian package {each} is not installed",
                mend=[as_root(f"apt-get install {each}")],
            )
            for each in missing((*needed, *capturing))
        ]
        if not self._lab.built:
            problems.append(
                Impediment(
                    "the lab's image is not built yet: pradrill lab build",
                    mend=("pradrill lab build",),
                )
            )

        ours = {machine.name for machine in self._machines}
        for near, (name, port) in self._links.items():
            if name in ours:
                continue

            if port != qemu.SSH:
                problems.append(
                    Impediment(
                        f"the link {near} leads to port {port} of the machine {name}, which is "
                        "none of this drill's: only its port 22 can be reached"
                    )
                )
            elif not self._lab.machine(name).running:
                problems.append(
                    Impediment(
                        f"the link {near} leads to the machine {name}, which is down: "
                        f"pradrill lab up {name}",
                        mend=(f"pradrill lab up {name}",),
                    )
                )

        return problems

    def start(self, folder: Path, run_id: str, say: Say) -> Site:
        """Resume each machine as it was frozen. Raises NotReadyError, BusyError, PradrillError."""
        for machine in self._machines:
            machine.down()

        for machine in self._machines:
            machine.up(
                say,
                links=self._near(self._machines),
                ports=self._ports(machine),
                capture=self._capture,
            )

        site = _write_site(self._machines, folder, "standby")
        return site.model_copy(update={"run_id": run_id}) if self._marks else site

    def attempts(self, host: Host) -> EgressLook:
        """Return what a host's network card has sent. Raises PradrillError."""
        machine = next(each for each in self._machines if each.name == host.name)
        is_whole = machine.writes_on()
        look = read_capture(machine.captured, host.name, frozenset(self._links))
        return look.model_copy(update={"gap": not is_whole})

    def save(self, say: Say) -> Sequence[LabCopies]:
        """Save the machines as they run, which ends them."""
        for machine in self._machines:
            say(f"saving {machine.name} as it is")
            machine.save()

        places = [LabCopies(self, self._machines)]
        if len(self._machines) == 1:  # a second one of several would take much memory
            places.append(LabCopies(self, [machine.beside() for machine in self._machines]))
        return places

    def start_copy(self, machines: Sequence[Machine], folder: Path) -> Site:
        """Resume a new copy of each machine as it was saved, in these places."""
        for machine in machines:
            machine.end_copy()  # their ports are new: a link to the one before leads nowhere

        for machine in machines:
            machine.up_again(links=self._near(machines), ports=self._ports(machine))

        return _write_site(machines, folder, "standby")

    def _near(self, machines: Sequence[Machine]) -> dict[str, Path]:
        """Return guest address:port → the file that names the port which leads there."""
        ours = {machine.name: machine for machine in machines}
        return {
            near: (ours.get(name) or self._lab.machine(name)).port_file(port)
            for near, (name, port) in self._links.items()
        }

    def _ports(self, machine: Machine) -> list[int]:
        return [port for name, port in self._links.values() if name == machine.name]

    def bind(self, site: Site, identified: Sequence[HostFacts]) -> Site:
        """Take note of who they are; each has one key, which it had before its first boot."""
        return site.model_copy(update={"proven": site.identified(identified)})

    def stop(self, run_id: str) -> Sequence[str]:  # noqa: ARG002 they are this state's alone
        """End the machines and drop their disks; say what is left. Works in another process too."""
        left = []
        for machine in self._machines:
            try:
                machine.down()
            except PradrillError as error:
                left.append(error.message)

        return left


class LabCopies:
    """A place for copies of the lab's machines as they were saved: one at a time."""

    def __init__(self, saved: LabMachines, machines: Sequence[Machine]) -> None:
        self._saved = saved
        self._machines = machines

    def problems(self) -> Sequence[Impediment]:
        """Say that nothing stands in the way: the saved machines have run here."""
        return ()

    def start(self, folder: Path, run_id: str, say: Say) -> Site:  # noqa: ARG002 silent: they are many
        """Resume a new copy of each machine. Raises BusyError, PradrillError."""
        return self._saved.start_copy(self._machines, folder)

    def bind(self, site: Site, identified: Sequence[HostFacts]) -> Site:
        """Take note of who they are."""
        return self._saved.bind(site, identified)

    def stop(self, run_id: str) -> Sequence[str]:  # noqa: ARG002 as LabMachines
        """End the copies and drop their disks; say what is left."""
        left = []
        for machine in self._machines:
            try:
                machine.end_copy()
            except PradrillError as error:
                left.append(error.message)

        return left


def _endpoint(text: str) -> tuple[str, int]:
    name, _, port = text.rpartition(":")
    return name, int(port)


def write_site(machine: Machine, folder: Path, *, dr_role: str | None = None) -> Site:
    """Write an inventory, known_hosts and ssh_config that lead to a running machine.

    Which machine it is needs no proof here: its key and its machine-id were made by the lab.
    """
    site = _write_site([machine], folder, dr_role)
    proven = Proven(host=site.hosts[0], machine_id=machine.machine_id)
    return site.model_copy(update={"proven": (proven,)})


def _write_site(machines: Sequence[Machine], folder: Path, dr_role: str | None) -> Site:
    hosts = tuple(machine.host(dr_role) for machine in machines)
    connections = machines[0].sockets()
    sockets.make_private(connections)
    known_hosts, config = folder / "known_hosts", folder / "ssh_config"
    write_private(known_hosts, "".join(machine.known_hosts_line() for machine in machines))
    write_private(config, ssh_config(hosts, known_hosts, connections))
    inventory = folder / "inventory.ini"
    write_private(inventory, "".join(_inventory_line(host) for host in hosts))

    return Site(hosts=hosts, inventory=inventory, known_hosts=known_hosts, ssh_config=config)


def _inventory_line(host: Host) -> str:
    words = [
        host.name,
        f"ansible_host={host.address}",
        f"ansible_port={host.port}",
        f"ansible_user={host.user}",
        f"ansible_ssh_private_key_file={shlex.quote(str(host.private_key))}",
        "ansible_python_interpreter=/usr/bin/python3",
        *([f"dr_role={host.dr_role}"] if host.dr_role else []),
    ]
    return " ".join(words) + "\n"
