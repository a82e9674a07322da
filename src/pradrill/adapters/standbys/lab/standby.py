"""Make a standby of the lab's machines, and copies of it for a sabotage."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pradrill.adapters.standbys.files import missing
from pradrill.adapters.standbys.lab import qemu
from pradrill.adapters.standbys.lab.bounded_file import PROGRAMS as BOUNDING
from pradrill.adapters.standbys.lab.capture import read_capture
from pradrill.adapters.standbys.lab.lab import Lab
from pradrill.adapters.standbys.lab.machine import Machine
from pradrill.adapters.standbys.lab.site import write_sites
from pradrill.domain.run.egress import EgressLook
from pradrill.domain.run.host import Host, HostFacts, Site
from pradrill.errors import PradrillError
from pradrill.ports import Impediment, Say
from pradrill.system.command import as_root


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

        site = write_sites(self._machines, folder, "standby")
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

        return write_sites(machines, folder, "standby")

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
        return _not_done(machine.down for machine in self._machines)


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
        return _not_done(machine.end_copy for machine in self._machines)


def _not_done(ends: Iterable[Callable[[], object]]) -> list[str]:
    """Carry out each end, whatever becomes of those before; return why some were not."""
    left = []
    for end in ends:
        try:
            end()
        except PradrillError as error:
            left.append(error.message)

    return left


def _endpoint(text: str) -> tuple[str, int]:
    name, _, port = text.rpartition(":")
    return name, int(port)
