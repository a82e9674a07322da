"""Does the interval stated for the RPA contain the true loss? Real databases, really lost.

    .venv/bin/python tests/benchmarks/rpa_truth.py [ROUNDS] [SOURCE …]

In each round a heartbeat beats every second, a backup is taken, the primary is killed at a random
instant that is known, the backup is restored elsewhere, and pradrill reads the recovery point over
SSH from what came back. The truth is a witness's: the first of its writes that was lost. Exits 1
unless every interval contains it.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.primaries import Primary
from tests.benchmarks.sources import SOURCES
from tests.integration.hosts.sshd import Sshd

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.domain.run.conclude import recovery
from pradrill.domain.run.event import Event
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.host import Site
from pradrill.domain.run.outcome import StepOutcome
from pradrill.domain.run.recovery_point import Contradiction
from pradrill.domain.values.timeline import Elapsed, Instant, Mark, Provenance
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Context
from pradrill.engine.steps.newest_data import CATALOGUE_END, CATALOGUE_TIME, newest_data
from pradrill.ports import Say
from pradrill.testing import FakeStandby, a_drill, a_run_plan, a_start, a_step, fake_tools

ROUNDS = 20


class Round(NamedTuple):
    """What one round came to."""

    stated: Elapsed
    true: float
    contradictions: tuple[Contradiction, ...]

    @property
    def contained(self) -> bool:
        """Tell whether the interval contains the truth, and nothing contradicts it."""
        return self.stated.low <= self.true <= self.stated.high and not self.contradictions


class Bench(NamedTuple):
    """What every round is played with."""

    clock: SteadyClock
    probe: SshProbe
    site: Site


@contextmanager
def bench() -> Iterator[tuple[Bench, Path]]:
    """Open a bench: a private sshd on loopback, a probe, and a folder for the primaries."""
    with ExitStack() as opened:
        home = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="pd-", dir="/tmp")))
        home.chmod(0o755)
        (home / "sshd").mkdir()
        server = Sshd(home / "sshd")
        server.start()
        opened.callback(server.stop)
        clock = SteadyClock()
        probe = SshProbe(clock, resolve)
        opened.callback(probe.close)
        yield Bench(clock, probe, server.site(home / "sshd", home / "sshd")), home


def lose(primary: Primary, bench: Bench, chance: random.Random) -> Round:
    """Play one round."""
    clock = bench.clock
    primary.start()
    time.sleep(chance.uniform(1.5, 3.0))
    read_at = clock.now()
    primary.back_up()
    ended = clock.now()
    time.sleep(chance.uniform(0.5, 2.5))
    before = clock.now()
    primary.kill()
    after = clock.now()
    disruption = Instant(
        at=before + (after - before) / 2,
        earliest=before,
        latest=after,
        provenance=Provenance.MEASURED,
    )
    restored = primary.restore()
    first_loss = primary.witness.first_lost(restored)
    true = (disruption.at - first_loss).total_seconds() if first_loss else 0.0
    times = {CATALOGUE_TIME: read_at.isoformat(), CATALOGUE_END: ended.isoformat()}
    facts = read(primary, bench, disruption, {**times, **primary.values})
    whole = recovery(facts)
    assert whole.rpa is not None
    return Round(whole.rpa, true, whole.contradictions)


class There(FakeStandby):
    """The bench's own sshd."""

    def __init__(self, site: Site) -> None:
        super().__init__(*site.hosts)
        self._site = site

    def start(self, folder: Path, run_id: str, say: Say) -> Site:
        """Return it; it runs already."""
        say(f"reached, {folder} of {run_id} is not needed")
        return self._site


def read(primary: Primary, bench: Bench, disruption: Instant, times: dict[str, str]) -> Facts:
    """Read the recovery point as a run does."""
    verify = a_drill().ways[None].verify.model_copy(update={"newest_data": primary.newest})
    plan = a_run_plan(drill=a_drill().model_copy(update={"verify": verify}))
    standby = There(bench.site)
    tools = fake_tools()._replace(clock=bench.clock, probe=bench.probe, standby=standby)
    start = bench.clock.now()
    journal = tools.store.open("rpa_truth", start)
    facts = Facts(started=a_start(plan=plan), began=start)
    context = Context(journal, facts, tools, Cancellation())
    context.connect()
    context.mark_instant(Mark.DISRUPTION, disruption)
    (host,) = bench.site.hosts
    skew = bench.probe.skew(host, bench.site).model_dump(mode="json")
    context.note(Event.SKEW, host=host.name, skew=skew)
    restore = a_step(values=times).model_dump(mode="json")
    context.note(Event.STEP_ENDED, **restore)
    end = newest_data(context, plan.steps[-4])
    assert end.outcome is StepOutcome.PASSED, end.detail
    return context.facts


def main(words: list[str]) -> int:
    """Play the rounds, and print what they came to."""
    rounds = int(words[0]) if words else ROUNDS
    seed = random.randrange(10**6)  # noqa: S311 a benchmark
    tell(f"{rounds} rounds for each source, seed {seed}")
    wrong = 0
    with bench() as (opened, home):
        for name in words[1:] or list(SOURCES):
            chance = random.Random(f"{seed} {name}")  # noqa: S311 a benchmark
            primary = SOURCES[name](home / name, opened.clock)
            try:
                played = [lose(primary, opened, chance) for _ in range(rounds)]
            finally:
                primary.close()
            wrong += sum(not each.contained for each in played)
            report(name, played)
    return 1 if wrong else 0


def report(name: str, played: list[Round]) -> None:
    """Print a source's line, and each round that was not contained."""
    widths = sorted(each.stated.high - each.stated.low for each in played)
    contained = sum(each.contained for each in played)
    tell(
        f"{name:13} contained {contained}/{len(played)}  interval {widths[0]:.3f} to "
        f"{widths[-1]:.3f} s wide  losses {min(r.true for r in played):.3f} to "
        f"{max(r.true for r in played):.3f} s"
    )
    for each in played:
        if not each.contained:
            tell(f"  not contained: {each}")


def tell(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
