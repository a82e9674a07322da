"""Say what mends a guard that does not hold, with this drill's inventory, hosts and keys."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pradrill.domain.run import mending
from pradrill.domain.run.guard import GuardKind
from pradrill.domain.run.host import Host
from pradrill.domain.run.outcome import GuardOutcome, GuardResult
from pradrill.domain.run.run_plan import RunPlan


class MendingPlaces(NamedTuple):
    """Where the commands that mend a drill find what they name."""

    known_hosts: Path
    marking: Path | None
    """The playbook that marks a standby, if it is at hand."""
    becomes: bool
    """Whether a playbook of the drill says `become`."""


def guard_mending(
    guard: GuardResult, host: Host, plan: RunPlan, places: MendingPlaces
) -> tuple[str, ...]:
    """Return the commands, or the line to write; none where another machine must be taken."""
    of, inventory = guard.guard.of, plan.drill.standby.inventory_file
    step = ""
    match guard.guard.kind:
        case GuardKind.MARKER if inventory is not None:
            command = mending.marking(host, inventory, places.known_hosts, places.marking)
            step = f"{command}   # look twice: {host.name} may be overwritten from then on"
        case GuardKind.DR_ROLE:
            step = f"write dr_role: standby below {host.name} in {inventory}"
        case GuardKind.MUST_NOT_REACH if guard.outcome is GuardOutcome.REFUSED:
            step = mending.closing(host, places.known_hosts, of)
        case GuardKind.MUST_NOT_REACH:
            name = of.rpartition(":")[0]
            step = f"getent hosts {name}   # then write the address into must_not_reach"
        case GuardKind.NOT_PRIMARY_OF if guard.outcome is GuardOutcome.UNPROVEN:
            place = f"services.{of}.primary of {plan.plan_file}"
            step = f"write its addresses, host_keys and machine_ids into {place}"
        case GuardKind.MACHINE_ID:
            setup = f"{mending.by_root(host)}systemd-machine-id-setup"
            step = mending.ssh(host, places.known_hosts, setup)
    return (step,) if step else ()
