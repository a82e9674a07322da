"""The interval stated for the RTA: does it contain the truth, and how wide is it.

    .venv/bin/python tests/benchmarks/clock_accuracy.py [ROUNDS]

In each round a drill runs over a real sshd, with a real playbook and real testinfra checks at the
default polling. Another process begins to listen at a random instant while the checks are being
asked, and says when: that is the truth. Only what would keep this machine from being a standby is
faked: the marker, the isolation and the newest data. Exits 1 unless every interval contains the
truth and is under 2 s wide.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, Self

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.integration.hosts.sshd import Sshd, free_port

from pradrill.adapters.ansible.runner import AnsibleRunner
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.adapters.standbys.inventory import InventoryHosts
from pradrill.adapters.testinfra.verifier import TestinfraVerifier
from pradrill.domain.declared.drill import Drill, NewestData
from pradrill.domain.declared.plan import Plan
from pradrill.domain.run.guard import Reach, Reached
from pradrill.domain.run.host import Host, HostFacts, HostState, Site
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import Elapsed, Mark
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.planning import plan_run
from pradrill.engine.run import run_drill
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import (
    FakeProbe,
    FakeProgress,
    a_drill,
    a_service,
    a_start,
    as_reached,
    fake_tools,
    host_facts,
)

ROUNDS = 20
WIDEST = 2.0  # seconds

_SERVICE = """
import socket, sys, time
port, wait = int(sys.argv[1]), float(sys.argv[2])
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", port))
time.sleep(wait)
before = time.time()
server.listen()
print(before, time.time(), flush=True)
time.sleep(600)
"""
_CHECK = '''
def test_the_service_answers(host):
    """The service answers on its port."""
    assert host.run("bash -c '< /dev/tcp/127.0.0.1/PORT'").succeeded
'''
_PLAY = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.command: "true"
"""


class Round(NamedTuple):
    """What one round came to: the RTA stated, and between which bounds the truth lies."""

    stated: Elapsed
    earliest: float
    latest: float

    @property
    def contained(self) -> bool:
        """Tell whether the whole truth lies in the interval."""
        return self.stated.low <= self.earliest and self.latest <= self.stated.high

    @property
    def width(self) -> float:
        """Return the interval's width in seconds."""
        return self.stated.high - self.stated.low


class _Probe(FakeProbe):
    """Says that this machine is a standby, and when its newest data was written: now."""

    def __init__(self, clock: SteadyClock, host_key: str) -> None:
        super().__init__()
        self._clock = clock
        self._host_key = host_key

    def facts(self, host: Host, _site: Site) -> HostFacts:
        """Return what a true standby says of itself."""
        machine_id = Path("/etc/machine-id").read_text(encoding="ascii").strip()
        return host_facts(
            host.name, machine_id=machine_id, marker=machine_id, host_key=self._host_key
        )

    def state(
        self, _host: Host, _site: Site, _paths: Sequence[str], _unchanged: Sequence[str] = ()
    ) -> HostState:
        """See nothing that could be left."""
        return HostState()

    def reaches(self, _host: Host, _site: Site, endpoints: Sequence[str]) -> Mapping[str, Reached]:
        """Reach nothing."""
        return dict.fromkeys(endpoints, as_reached(Reach.CLOSED))

    def read_instant(self, _host: Host, _site: Site, _newest: NewestData) -> datetime:
        """Return an instant before the disruption."""
        return self._clock.now() - timedelta(minutes=10)


class _Service(FakeProgress):
    """Sends for the service once the checks have been asked for the first time."""

    def __init__(self, port: int, wait: float) -> None:
        super().__init__()
        self._command = (sys.executable, "-c", _SERVICE, str(port), str(wait))
        self._process: subprocess.Popen[str] | None = None

    def of(self, _service: str | None, _step: str | None = None) -> Self:
        """Return itself: there is one service."""
        return self

    def checks(self, green: int, total: int) -> None:
        """Take note of a pass."""
        super().checks(green, total)
        if self._process is None:
            assert green == 0, "something listens on the service's port already"
            self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True)

    def end(self) -> tuple[datetime, ...]:
        """End the service; return just before and just after it was there."""
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.kill()
        times = self._process.stdout.read().split()
        return tuple(datetime.fromtimestamp(float(each), UTC) for each in times)


@contextmanager
def bench() -> Iterator[tuple[Path, Sshd]]:
    """Open a bench: a folder, and a private sshd on loopback."""
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="pd-", dir="/tmp")))
        (home / "sshd").mkdir()
        server = Sshd(home / "sshd")
        server.start()
        opened.callback(server.stop)
        server.site(home, home)
        (home / "play.yml").write_text(_PLAY, encoding="utf-8")
        yield home, server


def recover(home: Path, server: Sshd, wait: float) -> Round:
    """Drill the recovery of a service that turns healthy `wait` seconds after a first look."""
    port = free_port()
    clock = SteadyClock()
    service = _Service(port, wait)
    drill = a_tiny_drill(home, port)
    plan = plan_run(
        drill,
        drill_file=home / "drill.yml",
        plan=Plan(plan=1, organisation="Bench", services={"moodle": a_service(provider=None)}),
        hosts=[server.host],
        primaries={"moodle": a_service().primary},
        files=[],
    )
    tools = fake_tools()._replace(
        clock=clock,
        store=FileRunStore(home / "state"),
        standby=InventoryHosts([server.host], server.inventory(), server.known_hosts),
        probe=_Probe(clock, server.host_key),
        runner=AnsibleRunner(clock, resolve),
        verifier=TestinfraVerifier(clock),
        progress=service,
    )
    record = run_drill(a_start(plan=plan), tools, Cancellation(), disruption=None)
    truth = [clock.from_wall(each) for each in service.end()]
    assert record.verdict is Verdict.PASSED, record.reasons
    assert record.recovery.rta is not None
    start = record.recovery.marks[Mark.DISRUPTION].at
    earliest, latest = ((each - start).total_seconds() for each in truth)
    return Round(record.recovery.rta, earliest, latest)


def a_tiny_drill(home: Path, port: int) -> Drill:
    """Declare a drill of one playbook and one check, with the default polling."""
    checks = home / "checks"
    checks.mkdir(exist_ok=True)
    text = _CHECK.replace("PORT", str(port))
    (checks / "test_service.py").write_text(text, encoding="utf-8")
    play = {"playbook": home / "play.yml", "deadline": "2m"}
    usual = a_drill().ways[None].verify
    return a_drill(
        prepare=(),
        restore=({**play, "name": "restore"},),
        verify={
            "checks": checks,
            "stable_for": "1s",
            "newest_data": usual.newest_data.model_dump(mode="json")
            if isinstance(usual.newest_data, NewestData)
            else {},
            "must_not_reach": usual.must_not_reach,
        },
        teardown=({**play, "name": "teardown"},),
    )


def main(words: list[str]) -> int:
    """Play the rounds, and print what they came to."""
    rounds = int(words[0]) if words else ROUNDS
    with bench() as (home, server):
        played = [
            recover(home, server, random.uniform(0.5, 3))  # noqa: S311 a benchmark
            for _ in range(rounds)
        ]
    contained = sum(each.contained for each in played)
    widths = sorted(each.width for each in played)
    tell(
        f"contained {contained}/{rounds}  interval {widths[0]:.3f} to {widths[-1]:.3f} s wide "
        f"(median {widths[rounds // 2]:.3f} s, under {WIDEST:g} s wanted)"
    )
    for each in played:
        if not each.contained or each.width >= WIDEST:
            tell(f"  {each}")
    return 0 if contained == rounds and widths[-1] < WIDEST else 1


def tell(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
