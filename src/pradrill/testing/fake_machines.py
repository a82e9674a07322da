"""Fake what a standby's machines are made on: playbooks that make, end and list them in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from pradrill.domain.run.host import HostFacts
from pradrill.domain.run.machine import (
    ADDRESSES,
    LISTING,
    MachineAddress,
    MachineSeed,
    machine_name,
    marker_line,
)
from pradrill.domain.run.outcome import Phase, PlaybookResult, StepKind, StepOutcome
from pradrill.domain.run.run_plan import PlannedStep, RunPlan
from pradrill.ports import Bounds, Play
from pradrill.testing.builders import HOST, a_drill, a_run_plan
from pradrill.testing.fake_standby import FakeStandby, a_host, host_facts, played
from pradrill.testing.fakes import FakeClock

PROVISIONED = {
    "machines": (HOST,),
    "provision": {"playbook": "/etc/pradrill/playbooks/make.yml", "deadline": "10m"},
    "destroy": {"playbook": "/etc/pradrill/playbooks/destroy.yml", "deadline": "5m"},
    "listing": {"playbook": "/etc/pradrill/playbooks/listing.yml", "deadline": "1m"},
}
"""A standby whose machines a run makes, as a drill declares it."""


def a_provisioned_plan(**standby: Any) -> RunPlan:
    """Return the builders' drill on a machine that is made for it."""
    drill = a_drill(standby={**PROVISIONED, **standby}, teardown=())
    left_out = {StepKind.RESIDUE}
    steps = [step for step in a_run_plan().steps if step.kind not in left_out]
    steps = [step for step in steps if step.name != "teardown"]
    provision = _step(Phase.READINESS, "provision the standby", StepKind.PROVISION, 600)
    destroy = _step(Phase.TEARDOWN, "destroy the machines", StepKind.DESTROY, 360)
    return a_run_plan(drill=drill, steps=(steps[0], provision, *steps[1:], destroy))


def _step(phase: Phase, name: str, kind: StepKind, seconds: float) -> PlannedStep:
    deadline = timedelta(seconds=seconds)
    return PlannedStep(phase=phase, name=name, kind=kind, hosts=(HOST,), deadline=deadline)


def a_made_machine(run_id: str, **changes: Any) -> HostFacts:
    """Return what a machine says of itself that the run has made."""
    marker = f"{host_facts().machine_id}\n{marker_line(run_id, HOST)}\n"
    return host_facts(marker=marker, **changes)


class FakeSeeds(FakeStandby):
    """Machines' identities, and the machines themselves; `silences`: looks until they answer."""

    def __init__(self, *, silences: int = 0) -> None:
        super().__init__(a_host())
        self.addresses: dict[str, MachineAddress] = {}
        self.keys: Path | None = Path("/dev/shm/pradrill-keys")  # noqa: S108 nothing is there
        """Where a process before has left them."""
        self.deadlines: list[float] = []
        """How long each look might take."""
        self._silences = silences

    def sow(self, folder: Path, run_id: str) -> Sequence[MachineSeed]:
        """Return identities without files."""
        return [
            MachineSeed(
                name=host.name,
                machine=machine_name(run_id, host.name),
                user_data=folder / "user-data",
                meta_data=folder / "meta-data",
            )
            for host in self.hosts
        ]

    def recall(self, folders: Sequence[Path]) -> Path | None:  # noqa: ARG002 none is real
        """Return where they are."""
        return self.keys

    def settle(self, addresses: Mapping[str, MachineAddress]) -> None:
        """Keep where the machines are."""
        self.addresses = dict(addresses)

    def silent(self, bounds: Bounds) -> Sequence[str]:
        """Return every machine until it was looked for often enough."""
        self.deadlines.append(bounds.deadline)
        self._silences -= 1
        return [host.name for host in self.hosts] if self._silences >= 0 else []


class FakeCloud:
    """Keeps machines by their tag; `playbooks` are those of `PROVISIONED`, for a FakeRunner."""

    def __init__(self, clock: FakeClock, *, stubborn: int = 0) -> None:
        """Take a clock; so many times the machines do not go when they are told to."""
        self.machines: dict[str, str] = {}
        """Machine → tag."""
        self.given: dict[str, Any] = {}
        """What the last machines were made with."""
        self._clock = clock
        self._stubborn = stubborn

    @property
    def playbooks(self) -> dict[str, Any]:
        """Return what each playbook does."""
        return {"make": self._make, "destroy": self._destroy, "listing": self._listing}

    def _make(self, play: Play) -> PlaybookResult:
        self.given = dict(play.vars)
        for machine in play.vars["pradrill_machines"]:
            self.machines[machine["machine"]] = play.vars["pradrill_tag"]
        names = [machine["name"] for machine in play.vars["pradrill_machines"]]
        return self._result({ADDRESSES: dict.fromkeys(names, "198.51.100.20")})

    def _destroy(self, play: Play) -> PlaybookResult:
        self._stubborn -= 1
        if self._stubborn < 0:
            tag = play.vars["pradrill_tag"]
            self.machines = {name: of for name, of in self.machines.items() if of != tag}
        return self._result({})

    def _listing(self, _play: Play) -> PlaybookResult:
        listing = [{"machine": name, "tag": tag} for name, tag in self.machines.items()]
        return self._result({LISTING: listing})

    def _result(self, values: dict[str, Any]) -> PlaybookResult:
        result = played(self._clock, StepOutcome.PASSED)
        return result.model_copy(update={"values": values})
