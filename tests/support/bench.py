"""A drill on fakes, of one service or of an estate, as the tests of the engine run it."""

from __future__ import annotations

from typing import Any

from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Disruption, Tools
from pradrill.engine.run import run_drill
from pradrill.testing import (
    FakeClock,
    FakeJournal,
    FakeProgress,
    FakeRunner,
    FakeStandby,
    FakeStore,
    FakeVerification,
    FakeVerifier,
    a_run_plan,
    a_start,
    an_estate,
    estate_hosts,
    estate_verifications,
    fake_tools,
)

PLAYBOOKS = ["prepare", "restore_moodle", "teardown"]
TEARDOWN = ["teardown", "look for residue", "release the standby"]
SERVICES = ("directory", "database", "application")
"""Of an estate; the last depends on the others."""
ESTATE_TEARDOWN = [f"teardown_{name}" for name in reversed(SERVICES)]


class Bench:
    """A run and the fakes that it works on; name the fakes that do not play the usual part."""

    def __init__(
        self,
        does: dict[str, Any] | None = None,
        *,
        plan: RunPlan | None = None,
        clock: FakeClock | None = None,
        **fakes: Any,
    ) -> None:
        self.clock = clock or FakeClock()
        self.runner = FakeRunner(self.clock, does)
        self.store: FakeStore = fakes.pop("store", FakeStore())
        self.standby: FakeStandby = fakes.pop("standby", FakeStandby())
        self.progress: FakeProgress = fakes.pop("progress", FakeProgress())
        self.cancellation = Cancellation()
        self.plan = plan or a_run_plan()
        self.tools: Tools = fake_tools(
            self.clock,
            runner=self.runner,
            store=self.store,
            standby=self.standby,
            progress=self.progress,
            **fakes,
        )

    def run(self, disruption: Disruption | None = None) -> RunRecord:
        """Run the drill; its record is sealed, and it holds nothing, and no Ansible, any more."""
        others = dict(self.store.holders)
        record = run_drill(
            a_start(plan=self.plan), self.tools, self.cancellation, disruption=disruption
        )
        assert self.journal.record == record
        assert self.store.holders == others
        assert self.runner.waiting is None
        return record

    @property
    def journal(self) -> FakeJournal:
        """Return the only run's journal."""
        (journal,) = self.store.journals
        return journal

    def torn_down(self) -> bool:
        """Tell whether the whole teardown was tried, last, and once."""
        return (
            self.runner.plays.count("teardown") == 1
            and self.runner.plays[-1] == "teardown"
            and self.standby.calls == ["start", "stop"]
            and self.progress.steps()[-3:] == TEARDOWN
            and len(self.runner.reaped) == 1
        )

    def untouched(self) -> bool:
        """Tell whether no playbook was played."""
        return self.runner.plays == []


class EstateBench(Bench):
    """An estate's run: three services, each on a host of its own."""

    def __init__(
        self,
        does: dict[str, Any] | None = None,
        *,
        plan: RunPlan | None = None,
        clock: FakeClock | None = None,
        checks: dict[str, Any] | None = None,
        **fakes: Any,
    ) -> None:
        plan = plan or an_estate()
        clock = clock or FakeClock()
        services = list(plan.services)
        verifications = estate_verifications(clock, services, **(checks or {}))
        super().__init__(
            does,
            plan=plan,
            clock=clock,
            standby=FakeStandby(*estate_hosts(services)),
            verifier=FakeVerifier(verifications),
            **fakes,
        )

    def torn_down(self) -> bool:
        """Tell whether every service was torn down, last, once, and dependents first."""
        plays = self.runner.plays
        return (
            plays[-3:] == ESTATE_TEARDOWN
            and len([play for play in plays if play.startswith("teardown")]) == 3
            and self.standby.calls == ["start", "stop"]
            and len(self.runner.reaped) == 1
        )


def checks(*passes: Any, clock: FakeClock, **options: Any) -> FakeVerifier:
    """Return a verifier that answers so."""
    return FakeVerifier(FakeVerification(clock, passes, **options))
