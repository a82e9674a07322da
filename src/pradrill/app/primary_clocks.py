"""Measure the primaries' clocks: they date the data whose loss a drill measures."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from pradrill.adapters.secrets import resolve
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.adapters.standbys.inventory import InventoryHosts
from pradrill.domain.declared.plan import PrimaryIdentity, SshAddress
from pradrill.domain.run.host import Host, Inventory
from pradrill.domain.values.timeline import Skew
from pradrill.errors import NotReadyError, PradrillError
from pradrill.ports import Clock, Say
from pradrill.system import scratch


def clocks(primaries: Mapping[str, PrimaryIdentity], clock: Clock, say: Say) -> dict[str, Skew]:
    """Ask every primary that SSH reaches for the time; say which did not answer.

    A drill does not need them: what is not known is in the record's limits.
    """
    skews: dict[str, Skew] = {}
    for service, primary in primaries.items():
        if primary.ssh is not None:
            try:
                skews[service] = _clock(service, primary.ssh, clock)
            except PradrillError as error:
                say(f"the clock of {service}'s primary is not compared: {error.message}")

    return skews


def _clock(service: str, address: SshAddress, clock: Clock) -> Skew:
    host = Host(
        name=f"primary-of-{service}",
        address=address.host,
        port=address.port,
        user=address.user,
        private_key=address.key,
    )

    reached = InventoryHosts([host], Inventory(content={}), address.known_hosts)
    if problems := reached.problems():
        raise NotReadyError(problems[0].what)

    probe = SshProbe(clock, resolve)
    with tempfile.TemporaryDirectory(prefix=scratch.prefix(""), dir=scratch.base()) as folder:
        try:
            site = reached.start(Path(folder), folder, lambda _line: None)
            return probe.skew(site.hosts[0], site)
        finally:
            probe.close()
            reached.stop(folder)
