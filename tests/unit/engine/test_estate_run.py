"""An estate in one drill, on fakes: order, branches side by side, and what one's end does."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Event, Lock
from typing import Any

import pytest
from tests.support.bench import SERVICES, EstateBench
from tests.support.killed import Killed

from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.outcome import CheckOutcome, Phase, StepOutcome
from pradrill.domain.run.record import Refusal, RunRecord, RunState
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import Mark
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Context
from pradrill.engine.crashed_runs import recover_crashed, replay
from pradrill.engine.steps.playbook import expect_playbook
from pradrill.errors import RecordError
from pradrill.ports import Play
from pradrill.testing import (
    FakeClock,
    FakeJournal,
    FakeProbe,
    FakeProgress,
    FakeRunner,
    FakeStore,
    FakeVerification,
    FakeVerifier,
    a_start,
    after,
    an_estate,
    an_estate_drill,
    estate_checks,
    estate_verifications,
    played,
)
from pradrill.testing.reasons import texts

SOON = 5.0  # seconds in which a thread that runs beside another one must have come along


def verdicts(record: RunRecord) -> dict[str, Verdict]:
    """Return each service's verdict."""
    return {name: result.verdict for name, result in record.services.items()}


def red(clock: FakeClock, service: str) -> FakeVerification:
    """Return a verification of a service that never works."""
    return FakeVerification(clock, [CheckOutcome.FAILED], suite=estate_checks(service), seconds=9)


# ---------------------------------------------------------------- order


def test_an_estate_that_is_recovered_passes() -> None:
    """With every service verified the whole is PASSED, and so is each service."""
    bench = EstateBench()
    record = bench.run()
    assert (record.verdict, record.exit_code) == (Verdict.PASSED, 0)
    assert verdicts(record) == dict.fromkeys(SERVICES, Verdict.PASSED)
    assert bench.torn_down()
    assert record.not_executed == ()
    assert {check.service for check in record.checks} == set(SERVICES)
    assert len(record.checks) == 3  # though they have the same name


def test_a_service_waits_for_those_that_it_depends_on() -> None:
    """The application is not restored before directory and database are verified."""
    record = EstateBench().run()
    marks = {name: result.recovery.marks for name, result in record.services.items()}
    (restore,) = [s for s in record.steps if s.service == "application" and s.phase == "restore"]
    for name in ("directory", "database"):
        assert marks[name][Mark.SERVICE_VERIFIED].at <= restore.started


def test_services_without_order_are_recovered_side_by_side() -> None:
    """Directory and database are restored at the same time: each waits for the other's play."""
    both = Barrier(2, timeout=SOON)
    clock = FakeClock()

    def restore(_play: Play) -> Any:
        both.wait()
        return played(clock, StepOutcome.PASSED)

    does = {"restore_directory": restore, "restore_database": restore}
    record = EstateBench(does, clock=clock).run()
    assert record.verdict is Verdict.PASSED
    first, second = (s for s in record.steps if s.name in does)
    assert first.started < second.ended
    assert second.started < first.ended


def test_a_chain_is_recovered_one_after_another() -> None:
    """With an order among all of them no two restores are under way at once."""
    busy = Lock()
    clock = FakeClock()

    def restore(_play: Play) -> Any:
        assert busy.acquire(blocking=False)
        busy.release()
        return played(clock, StepOutcome.PASSED)

    chain = {"a": (), "b": ("a",), "c": ("b",)}
    does = {f"restore_{name}": restore for name in chain}
    bench = EstateBench(does, plan=an_estate(chain), clock=clock)
    assert bench.run().verdict is Verdict.PASSED
    assert bench.runner.plays[:3] == ["restore_a", "restore_b", "restore_c"]


def test_ansible_starts_for_what_has_not_begun(tmp_path: Path) -> None:
    """A playbook that another branch has under way does not come: the place is the next one's."""
    bench = EstateBench()
    restores = [(Phase.RESTORE, f"restore_{name}", name) for name in ("directory", "database")]
    facts = Facts(started=a_start(plan=bench.plan), began=after(0), begun=tuple(restores))
    context = Context(FakeJournal("run"), facts, bench.tools, Cancellation())
    context._run.site = bench.standby.start(tmp_path, "run", lambda _line: None)
    expect_playbook(context.of("database"), Phase.RESTORE, Phase.TEARDOWN)
    assert bench.runner.expected == ["restore_application"]


def test_a_playbook_gets_the_hosts_of_its_service_only() -> None:
    """What restores the database cannot touch the directory's machine."""
    hosts: dict[str, list[str]] = {}
    clock = FakeClock()

    def play(what: Play) -> Any:
        hosts[what.playbook.stem] = [host.name for host in what.site.hosts]
        return played(clock, StepOutcome.PASSED)

    does = {f"{phase}_{name}": play for phase in ("restore", "teardown") for name in SERVICES}
    EstateBench(does, clock=clock).run()
    assert hosts == {
        f"{phase}_{name}": [f"{name}-standby"]
        for phase in ("restore", "teardown")
        for name in SERVICES
    }


# ---------------------------------------------------------------- one branch that ends


@pytest.mark.parametrize(
    ("outcome", "verdict", "code"),
    [
        (StepOutcome.FAILED, Verdict.FAILED, 10),
        (StepOutcome.UNREACHABLE, Verdict.INCONCLUSIVE, 12),
        (OSError("no space"), Verdict.INCONCLUSIVE, 12),
    ],
)
def test_a_branch_that_ends_holds_up_its_dependents_only(
    outcome: Any, verdict: Verdict, code: int
) -> None:
    """The database does not come back: the directory does, and the application is not tried."""
    bench = EstateBench({"restore_database": outcome})
    record = bench.run()
    assert (record.verdict, record.exit_code) == (verdict, code)
    assert verdicts(record) == {
        "directory": Verdict.PASSED,
        "database": verdict,
        "application": Verdict.INCONCLUSIVE,
    }
    assert record.services["application"].held_by == ("database",)
    assert texts(record.services["application"].reasons) == (
        "it was not recovered: database, which it depends on, was not verified",
    )
    assert "restore_application" not in bench.runner.plays
    left = {(step.service, step.name) for step in record.not_executed}
    assert ("application", "restore_application") in left
    assert ("directory", "check the service") not in left
    assert bench.torn_down()


def test_a_service_that_never_works_holds_up_its_dependents() -> None:
    """Restored is not verified: red checks keep the application from beginning."""
    clock = FakeClock()
    bench = EstateBench(clock=clock, checks={"directory": red(clock, "directory")})
    record = bench.run()
    assert verdicts(record) == {
        "directory": Verdict.FAILED,
        "database": Verdict.PASSED,
        "application": Verdict.INCONCLUSIVE,
    }
    assert record.verdict is Verdict.FAILED
    assert texts(record.reasons) == tuple(
        f"directory: {reason}" for reason in record.services["directory"].reasons
    )
    assert record.services["directory"].recovery.rpa is not None  # read all the same
    assert record.recovery.rta is None
    assert record.recovery.rpa is None  # the application's is not known


def test_a_dependents_dependents_are_held_too() -> None:
    """The end of the first of a chain ends the chain, and each says whom it waited for."""
    plan = an_estate({"a": (), "b": ("a",), "c": ("b",)})
    bench = EstateBench({"restore_a": StepOutcome.FAILED}, plan=plan)
    record = bench.run()
    assert record.services["b"].held_by == ("a",)
    assert record.services["c"].held_by == ("b",)
    assert [play for play in bench.runner.plays if play.startswith("restore")] == ["restore_a"]


@pytest.mark.parametrize("stop", [SystemExit(0), KeyboardInterrupt()])
def test_a_tool_that_exits_in_a_branch_stops_them_all(stop: BaseException) -> None:
    """Not even SystemExit in one thread leaves another running or skips the teardown."""
    clock = FakeClock()
    checks = estate_verifications(clock)
    checks["database"] = stop
    stopped = Event()

    class Waits(FakeRunner):
        """Restores the directory until it is told to stop."""

        def run(self, play: Play, **how: Any) -> Any:
            """Wait in the directory's restore."""
            if play.playbook.stem == "restore_directory":
                for _ in range(int(SOON * 100)):
                    if how["cancelled"]():
                        stopped.set()
                        break
                    stopped.wait(0.01)
            return super().run(play, **how)

    runner = Waits(clock)
    bench = EstateBench(clock=clock)
    bench.runner = runner
    bench.tools = bench.tools._replace(runner=runner, verifier=FakeVerifier(checks))
    with pytest.raises(type(stop)):
        bench.run()
    assert stopped.is_set()
    assert bench.torn_down()
    assert bench.journal.record is None


# ---------------------------------------------------------------- figures


def test_each_service_has_its_own_figures_and_the_whole_the_last_and_the_worst() -> None:
    """RTA of the whole is the last service's, RPA the largest; each is judged by its own."""
    plan = an_estate(rto={"directory": "1s"})
    record = EstateBench(plan=plan).run()
    assert verdicts(record) == {
        "directory": Verdict.MISSED,
        "database": Verdict.PASSED,
        "application": Verdict.PASSED,
    }
    assert (record.verdict, record.exit_code) == (Verdict.MISSED, 11)
    recoveries = {name: result.recovery for name, result in record.services.items()}
    assert record.recovery.rta == recoveries["application"].rta
    assert all(recovery.rta is not None for recovery in recoveries.values())
    t5 = {name: recovery.marks[Mark.SERVICE_VERIFIED].at for name, recovery in recoveries.items()}
    assert record.recovery.marks[Mark.SERVICE_VERIFIED].at == max(t5.values())
    assert len(set(t5.values())) == 3


class _Reads(FakeProbe):
    """Tells another newest instant for each service."""

    def __init__(self, ages: dict[str, float]) -> None:
        super().__init__()
        self._ages = ages

    def read_instant(self, host: Any, _site: Any, newest: Any) -> Any:
        """Answer for the service that the command names."""
        service = newest.command.removeprefix("newest-of-")
        assert host.name == f"{service}-standby"
        return an_hour_ago(self._ages[service])


def an_hour_ago(hours: float) -> Any:
    """Return an instant so many hours before the launch."""
    from datetime import timedelta  # noqa: PLC0415

    return FakeClock().now() - timedelta(hours=hours)


def test_the_worst_loss_governs_the_whole() -> None:
    """Each service's newest data is read on its own host; the oldest gives the whole's RPA."""
    ages = {"directory": 1.0, "database": 30.0, "application": 2.0}
    record = EstateBench(probe=_Reads(ages)).run()
    for name, hours in ages.items():
        rpa = record.services[name].recovery.rpa
        assert rpa is not None
        assert rpa.seconds == hours * 3_600
    assert record.recovery.rpa == record.services["database"].recovery.rpa
    assert record.recovery.recovery_point_from == "newest-of-database"
    assert verdicts(record)["database"] is Verdict.MISSED
    assert record.verdict is Verdict.MISSED


# ---------------------------------------------------------------- signals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_every_branch_and_tears_down_once(number: int, code: int) -> None:
    """With two restores under way, both are cancelled, none begins after, one teardown follows."""
    both = Barrier(2, timeout=SOON)
    bench: EstateBench

    class Waits(FakeRunner):
        """Plays the two restores until they are cancelled."""

        def run(self, play: Play, **how: Any) -> Any:
            """Send the signal once both are under way."""
            if play.playbook.stem.startswith("restore"):
                if both.wait() == 0:
                    bench.cancellation.stop(number)
                while not how["cancelled"]():
                    pass
            return super().run(play, **how)

    bench = EstateBench()
    bench.runner = Waits(bench.clock)
    bench.tools = bench.tools._replace(runner=bench.runner)
    record = bench.run()
    assert (record.exit_code, record.state) == (code, RunState.INTERRUPTED)
    assert set(verdicts(record).values()) == {Verdict.INCONCLUSIVE}
    restores = {s.name: s.outcome for s in record.steps if s.phase == "restore"}
    assert restores == {
        "restore_directory": StepOutcome.CANCELLED,
        "restore_database": StepOutcome.CANCELLED,
    }
    assert bench.torn_down()


def names(plan: RunPlan) -> list[str]:
    """Return the plan's steps as progress tells them."""
    return [s.name if s.service is None else f"{s.service}: {s.name}" for s in plan.steps]


@pytest.mark.parametrize("step", names(an_estate()))
def test_a_signal_at_any_step_of_an_estate_ends_after_the_teardown(step: str) -> None:
    """Wherever it comes, the run is INTERRUPTED, never PASSED, and what was touched is put back."""
    bench: EstateBench

    def interrupt(name: str) -> None:
        if name == step:
            bench.cancellation.stop(signal.SIGINT)

    bench = EstateBench(progress=FakeProgress(interrupt))
    record = bench.run()
    assert (record.exit_code, record.state) == (130, RunState.INTERRUPTED)
    assert record.verdict is Verdict.INCONCLUSIVE
    if bench.runner.plays:
        assert bench.torn_down()
    assert bench.standby.calls[-1] == "stop"


# ---------------------------------------------------------------- the journal


RUNS: dict[str, Callable[[], EstateBench]] = {
    "passes": EstateBench,
    "fails": lambda: EstateBench({"restore_database": StepOutcome.FAILED}),
    "misses": lambda: EstateBench(plan=an_estate(rto={"application": "1s"})),
}


@pytest.mark.parametrize("name", RUNS)
def test_an_estates_journal_alone_gives_the_same_record(name: str) -> None:
    """However the branches' facts came between each other, the journal makes the same record."""
    bench = RUNS[name]()
    record = bench.run()
    facts = replay(bench.journal)
    assert facts is not None
    again = record_of(facts, record.run_id, record.ended, record.evidence)
    assert again.model_dump_json() == record.model_dump_json()
    assert RunRecord.model_validate_json(record.model_dump_json()) == record


@pytest.mark.parametrize(
    "step",
    [
        "directory: restore_directory",
        "database: check the service",
        "application: restore_application",
    ],
)
def test_a_killed_estate_is_torn_down_and_recorded(step: str) -> None:
    """A process killed in a branch: another one tears all services down and records it."""

    def kill(name: str) -> None:
        if name == step:
            raise Killed

    store = FakeStore()
    bench = EstateBench(store=store, progress=FakeProgress(kill))
    with pytest.raises(Killed):
        bench.run()
    journal = bench.journal
    cut = next(
        number
        for number, line in enumerate(journal._lines)
        if json.loads(line)[2].get("phase") == "teardown"
    )
    del journal._lines[cut:]
    journal.close()
    again = EstateBench(store=store, plan=bench.plan)
    recovered = recover_crashed(store, lambda _plan: again.tools)
    (record,) = recovered.records
    assert (record.state, record.verdict) == (RunState.CRASHED, Verdict.INCONCLUSIVE)
    assert set(verdicts(record).values()) == {Verdict.INCONCLUSIVE}
    has_begun = any('"restore"' in line for line in journal._lines if "step_started" in line)
    assert again.torn_down() if has_begun else again.runner.plays == []
    assert record.residue == ()


@pytest.mark.parametrize("room", range(0, 80, 3))
def test_a_full_disk_stops_every_branch(room: int) -> None:
    """Wherever the disk fills up, no branch goes on, and what was touched is put back."""
    bench = EstateBench(store=FakeStore(room=room))
    try:
        bench.run()
    except RecordError:
        assert bench.journal.record is None
    else:
        assert len(bench.journal._lines) <= room
    assert bench.standby.calls in ([], ["stop"], ["start", "stop"])
    if bench.runner.plays:
        assert bench.torn_down()


# ---------------------------------------------------------------- who holds what


def test_a_host_that_another_run_holds_keeps_the_estate_from_beginning() -> None:
    """One of three hosts held by a drill of its own is enough: busy, and nothing is held after."""
    bench = EstateBench()
    hosts = bench.plan.standby_key
    assert len(hosts) == 3
    bench.store.holders[hosts[1]] = "another run"
    record = bench.run()
    assert record.refusal is Refusal.BUSY
    assert bench.runner.plays == []
    assert bench.store.holders == {hosts[1]: "another run"}


def test_while_an_estate_runs_each_of_its_hosts_is_held() -> None:
    """A drill on one host of an estate that is being recovered is refused."""
    bench: EstateBench
    hosts: list[set[str]] = []

    def look(name: str) -> None:
        if name == "application: check the service":
            hosts.append(set(bench.store.holders))

    bench = EstateBench(progress=FakeProgress(look))
    bench.run()
    assert hosts == [set(bench.plan.standby_key)]
    assert bench.store.holders == {}


def test_an_estate_of_lab_machines_has_a_machine_for_each_service() -> None:
    """Machines of the lab are planned, held and thrown away like hosts of an inventory."""
    machines = [f"{name}-standby" for name in SERVICES]
    drill = an_estate_drill(standby={"vms": machines})
    plan = an_estate(drill=drill, hosts=())
    assert [host.name for host in plan.hosts] == machines
    assert set(plan.standby_key) == {f"vm:{name}" for name in machines}
    assert "look for residue" not in [step.name for step in plan.steps]
    assert len(plan.destroys) == 3
    record = EstateBench(plan=plan).run()
    assert record.verdict is Verdict.PASSED
    assert any("lab machine" in limit for limit in texts(record.limits))
