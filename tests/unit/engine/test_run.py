"""A run from top to bottom, on fakes: what it touches, what it concludes, what it leaves."""

import errno
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.bench import PLAYBOOKS, TEARDOWN, Bench, checks

from pradrill.domain.declared.plan import PrimaryIdentity
from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.event import Event
from pradrill.domain.run.guard import Reach
from pradrill.domain.run.host import HostState, MarkerFault, SeenHost
from pradrill.domain.run.outcome import CheckOutcome, GuardOutcome, StepOutcome
from pradrill.domain.run.record import Refusal, RunState
from pradrill.domain.run.standby_inventory import StandbyInventory
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import Instant, Mark, Provenance, Skew
from pradrill.engine.cancellation import signals_to
from pradrill.engine.context import Disruption
from pradrill.engine.crashed_runs import replay
from pradrill.engine.run import run_drill
from pradrill.engine.steps.newest_data import CATALOGUE_TIME
from pradrill.errors import NotReadyError, PradrillError, RecordError, UnreachableError
from pradrill.ports import Play
from pradrill.testing import (
    HOST,
    FakeClock,
    FakeProbe,
    FakeProgress,
    FakeStandby,
    FakeStore,
    FakeVerifier,
    a_drill,
    a_run_plan,
    a_start,
    after,
    host_facts,
    played,
)
from pradrill.testing.reasons import texts

LOOK = "prove isolation before the teardown"


# ---------------------------------------------------------------- a drill that passes


def test_a_drill_that_passes() -> None:
    """With every part playing well the verdict is PASSED, and every step was taken in order."""
    bench = Bench()
    record = bench.run()
    assert (record.verdict, record.exit_code, record.state) == (
        Verdict.PASSED,
        0,
        RunState.FINISHED,
    )
    assert bench.runner.plays == PLAYBOOKS
    assert bench.runner.expected == [
        "prepare",
        "restore_moodle",
        "teardown",
    ]  # Ansible starts before they come
    assert bench.torn_down()
    assert [step.name for step in record.steps] == [step.name for step in bench.plan.steps]
    assert record.not_executed == ()
    assert {guard.outcome for guard in record.guards} == {GuardOutcome.PROVEN}
    assert record.environment == {"system": "Debian GNU/Linux 12 (bookworm)"}


def test_the_record_says_to_whom_the_run_spoke() -> None:
    """The key's fingerprint, as ssh-keygen prints it, and the addresses of the host's network."""
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBxcLsLDtaH9GIQrxd9HmErTihwVtgEldR3pfwSgdFyd"
    addresses = ("127.0.0.1", "::1", "198.51.100.20", "fe80::1%eth0")
    bench = Bench(probe=FakeProbe(facts=host_facts(host_key=key, addresses=addresses)))
    facts = bench.run().seen
    assert facts == {
        HOST: SeenHost(
            host_key="SHA256:HQP2HgDhP5criWjoVDwpueG8F3O9HWUGjuemQslYgFU",
            machine=facts[HOST].machine,
            addresses=("198.51.100.20", "fe80::1%eth0"),
        )
    }
    assert len(facts[HOST].machine) == 64
    assert host_facts().machine_id not in facts[HOST].machine
    odd = Bench(probe=FakeProbe(facts=host_facts(host_key="ssh-ed25519 not/base64!")))
    assert odd.run().seen[HOST].host_key == ""


def test_the_clocks_of_a_drill_that_passes() -> None:
    """RTA runs from the launch to the first green answer, RPA from the newest data to it."""
    bench = Bench()
    recovery = bench.run().recovery
    assert recovery.marks[Mark.DISRUPTION].at == after(0)
    assert recovery.marks[Mark.DATA_RESTORED].at == after(120)
    assert recovery.marks[Mark.SERVICE_VERIFIED].at == after(121)
    assert recovery.marks[Mark.SERVICE_VERIFIED].earliest == after(120)
    assert recovery.rta is not None
    assert (recovery.rta.seconds, recovery.rta.low, recovery.rta.high) == (121, 120, 121)
    assert recovery.rpa is not None
    assert recovery.rpa.seconds == 3_600
    assert recovery.rpa.high == pytest.approx(3_600.005)
    assert recovery.rpa.low == pytest.approx(3_594.995)


def test_a_disruption_before_the_launch_is_in_the_rta() -> None:
    """T0 is when the primary died, whatever was waited for since; its skew is known."""
    t0 = Instant.around(after(-300), Provenance.MEASURED, within=0.5)
    record = Bench().run(Disruption(t0, Skew(seconds=2.0, within=0.1)))
    assert record.recovery.rta is not None
    assert record.recovery.rta.seconds == 421
    assert record.recovery.rta.high == 421.5
    assert record.recovery.skew["primary"].seconds == 2.0
    # both clocks are worse than the standby's: the recovery point is no better known than that
    assert record.recovery.recovery_point is not None
    assert record.recovery.recovery_point.earliest == after(-3_602.1)


def test_the_catalogue_widens_the_recovery_point() -> None:
    """A catalogue that dates the backup earlier than its data lowers the bound, not the value."""
    clock = FakeClock()
    values = {CATALOGUE_TIME: after(-7_200).isoformat(), "pradrill_backup_id": "4f2c"}

    def restore(_play: Play) -> Any:
        return played(clock, StepOutcome.PASSED).model_copy(update={"values": values})

    record = Bench({"restore_moodle": restore}, clock=clock).run()
    point = record.recovery.recovery_point
    assert point is not None
    assert point.at == after(-3_600)
    assert point.earliest == after(-7_200.005)
    assert record.recovery.backup_id == "4f2c"


def test_the_recovery_point_can_be_a_playbooks_word() -> None:
    """With `value`, the restore playbook hands the newest instant back."""
    clock = FakeClock()

    def restore(_play: Play) -> Any:
        result = played(clock, StepOutcome.PASSED)
        return result.model_copy(update={"values": {"newest": after(-60).isoformat()}})

    verify = a_drill().ways[None].verify.model_dump(mode="json")
    verify["newest_data"] = {"value": "newest"}
    plan = a_run_plan(drill=a_drill(verify=verify))
    record = Bench({"restore_moodle": restore}, plan=plan, clock=clock).run()
    assert record.recovery.recovery_point is not None
    assert record.recovery.recovery_point.at == after(-60)


def test_a_value_that_no_playbook_hands_back_is_inconclusive() -> None:
    """A recovery point that was not told is not the epoch, and not now."""
    verify = a_drill().ways[None].verify.model_dump(mode="json")
    verify["newest_data"] = {"value": "newest"}
    record = Bench(plan=a_run_plan(drill=a_drill(verify=verify))).run()
    assert (record.verdict, record.exit_code) == (Verdict.INCONCLUSIVE, 12)


def test_no_folder_of_a_run_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and configuration written for a run are gone after it, also when it was busy."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    Bench().run()
    busy = Bench()
    busy.store.holders[busy.plan.standby_key[0]] = "another"
    run_drill(a_start(plan=busy.plan), busy.tools, busy.cancellation, disruption=None)
    assert list(tmp_path.iterdir()) == []


def test_a_lab_machine_needs_no_teardown_playbook() -> None:
    """A machine that is thrown away is released, and that is all."""
    plan = a_run_plan(drill=a_drill(standby={"vm": "standby"}, teardown=()))
    steps = tuple(step for step in plan.steps if step.name not in TEARDOWN[:2])
    bench = Bench(plan=plan.model_copy(update={"steps": steps}))
    assert bench.run().exit_code == 0
    assert bench.standby.calls == ["start", "stop"]


# ---------------------------------------------------------------- each phase failing


@pytest.mark.parametrize("playbook", ["prepare", "restore_moodle"])
@pytest.mark.parametrize(
    ("outcome", "verdict", "code"),
    [
        (StepOutcome.FAILED, Verdict.FAILED, 10),
        (StepOutcome.TIMED_OUT, Verdict.FAILED, 10),
        (StepOutcome.UNREACHABLE, Verdict.INCONCLUSIVE, 12),
        (StepOutcome.UNKNOWN, Verdict.INCONCLUSIVE, 12),
    ],
)
def test_a_playbook_that_does_not_pass_ends_the_recovery(
    playbook: str, outcome: StepOutcome, verdict: Verdict, code: int
) -> None:
    """Nothing after it is tried but the teardown, and what was not tried is recorded."""
    bench = Bench({playbook: outcome})
    record = bench.run()
    assert (record.verdict, record.exit_code) == (verdict, code)
    assert bench.runner.plays == [*PLAYBOOKS[: PLAYBOOKS.index(playbook) + 1], "teardown"]
    assert bench.torn_down()
    assert "check the service" in [step.name for step in record.not_executed]


@pytest.mark.parametrize(
    "error", [PradrillError("the secret is not set"), OSError(28, "no space"), ValueError("bug")]
)
@pytest.mark.parametrize("playbook", ["prepare", "restore_moodle"])
def test_a_tool_that_breaks_proves_nothing(playbook: str, error: Exception) -> None:
    """An adapter's error, expected or not, is INCONCLUSIVE, said in the step, after teardown."""
    bench = Bench({playbook: error})
    record = bench.run()
    assert (record.verdict, record.exit_code) == (Verdict.INCONCLUSIVE, 12)
    assert bench.torn_down()
    (step,) = [step for step in record.steps if step.name == playbook]
    assert step.outcome is StepOutcome.UNKNOWN
    assert str(error).split("]")[-1].strip() in step.detail.text


def test_a_standby_that_goes_away_half_way_is_inconclusive() -> None:
    """A host that falls silent during the restore: exit 12, and its teardown is not believed."""
    probe = FakeProbe()
    clock = FakeClock()

    def restore(_play: Play) -> Any:
        probe.unreachable = True
        return played(clock, StepOutcome.UNREACHABLE)

    does = {"restore_moodle": restore, "teardown": StepOutcome.UNREACHABLE}
    bench = Bench(does, clock=clock, probe=probe)
    record = bench.run()
    assert (record.verdict, record.exit_code) == (Verdict.INCONCLUSIVE, 12)
    assert bench.runner.plays.count("teardown") > 1  # it is tried again, each time later
    assert bench.standby.calls == ["start", "stop"]
    assert bench.progress.steps()[-3:] == TEARDOWN
    assert any("teardown ended unreachable" in left for left in texts(record.residue))
    assert any("not verified" in left for left in texts(record.residue))


def test_checks_that_never_turn_green_are_a_failure() -> None:
    """A service that answers wrongly until the deadline: FAILED, exit 10."""
    clock = FakeClock()
    bench = Bench(clock=clock, verifier=checks(CheckOutcome.FAILED, clock=clock, seconds=7))
    record = bench.run()
    assert (record.verdict, record.exit_code) == (Verdict.FAILED, 10)
    assert bench.torn_down()
    assert Mark.SERVICE_VERIFIED not in record.recovery.marks
    # the recovery point is measured all the same: the report needs it most when things fail
    assert record.recovery.rpa is not None


def test_checks_without_an_answer_are_inconclusive() -> None:
    """A service of which nothing was heard until the deadline: exit 12."""
    clock = FakeClock()
    bench = Bench(clock=clock, verifier=checks(CheckOutcome.ERRORED, clock=clock))
    assert bench.run().exit_code == 12
    assert bench.torn_down()


def test_an_empty_suite_is_inconclusive() -> None:
    """Zero checks: exit 12."""
    clock = FakeClock()
    bench = Bench(clock=clock, verifier=checks(clock=clock, suite=()))
    assert bench.run().exit_code == 12


def test_a_data_instant_that_cannot_be_read_is_inconclusive() -> None:
    """A green service whose newest data is unknown: exit 12."""
    bench = Bench(probe=FakeProbe(newest=PradrillError("the newest data's instant is empty")))
    record = bench.run()
    assert (record.verdict, record.exit_code) == (Verdict.INCONCLUSIVE, 12)
    assert bench.torn_down()


def test_data_older_than_the_rpo_misses_it() -> None:
    """A recovered service that lost too much: MISSED, exit 11."""
    bench = Bench(probe=FakeProbe(newest=after(-25 * 3_600)))
    record = bench.run()
    assert (record.verdict, record.exit_code) == (Verdict.MISSED, 11)
    assert bench.torn_down()


def test_an_rpo_met_but_for_the_uncertainty_is_missed() -> None:
    """Data exactly as old as the RPO, read from a clock known to 5 ms: MISSED."""
    bench = Bench(probe=FakeProbe(newest=after(-24 * 3_600)))
    assert bench.run().exit_code == 11


def test_a_slow_recovery_misses_the_rto() -> None:
    """A service that works too late: MISSED, exit 11."""
    clock = FakeClock()

    def restore(_play: Play) -> Any:
        clock.sleep(4 * 3_600)
        return played(clock, StepOutcome.PASSED, seconds=4 * 3_600)

    assert Bench({"restore_moodle": restore}, clock=clock).run().exit_code == 11


# ---------------------------------------------------------------- the standby is left as declared


def test_what_is_left_behind_has_its_own_code() -> None:
    """A drill that passed and left something: PASSED, exit 13, and it is named."""
    states = [HostState(listening=("0.0.0.0:22",)), HostState(listening=("0.0.0.0:22", "*:80"))]
    record = Bench(probe=FakeProbe(states=states)).run()
    assert (record.verdict, record.exit_code) == (Verdict.PASSED, 13)
    assert texts(record.residue) == (f"{HOST}: listens on *:80",)


DATABASE = {"database": {"mysql (/var/lib/mysql)": ""}}


@pytest.mark.parametrize(
    ("after", "erased"),
    [
        (HostState(), ["looked for on web-1 after the teardown, and not there: /var/www/moodle"]),
        (HostState(present=("/var/www/moodle",)), []),
        (
            HostState(present=("/var/www/moodle",), inventory=StandbyInventory(seen=DATABASE)),
            ["databases on web-1 after the teardown: those of before, and no other"],
        ),
    ],
)
def test_what_is_erased_is_what_was_looked_for(after: HostState, erased: list[str]) -> None:
    """What still is there is not among it, and that nothing was overwritten is said."""
    before = HostState(inventory=StandbyInventory(seen=DATABASE))
    record = Bench(probe=FakeProbe(states=[before, after])).run()
    overwritten = "it was deleted, not overwritten: the disk itself may still hold it"
    expected = [*(each.replace("web-1", HOST) for each in erased), overwritten]
    assert list(texts(record.erased)) == (expected if erased else [])


def test_a_server_that_a_drill_stops_is_a_limit() -> None:
    """Its accounts were seen before and are not now: nobody says that they are as they were."""
    before = HostState(inventory=StandbyInventory(seen=DATABASE))
    stopped = StandbyInventory(seen=DATABASE, stopped=("/var/lib/mysql",))
    record = Bench(probe=FakeProbe(states=[before, HostState(inventory=stopped)])).run()
    assert (record.exit_code, record.residue) == (0, ())
    assert "accounts of the database server in /var/lib/mysql" in "".join(texts(record.limits))


@pytest.mark.parametrize(("left", "count"), [([], 2), (["the machine's process is alive"], 0)])
def test_a_throw_away_standby_is_erased_with_its_disk(left: list[str], count: int) -> None:
    """Once it is gone; while anything of it stays nothing is claimed."""
    plan = a_run_plan(drill=a_drill(standby={"vm": "standby"}, teardown=()))
    record = Bench(plan=plan, standby=FakeStandby(left=left)).run()
    disk = ["the machine's disk was thrown away: standby"]
    assert list(texts(record.erased))[:1] == disk[:count]
    assert len(record.erased) == count


@pytest.mark.parametrize(
    "fakes",
    [
        {"does": {"teardown": StepOutcome.FAILED}},
        {"does": {"teardown": StepOutcome.UNKNOWN}},
        {"does": {"teardown": PradrillError("the secret is not set")}},
        {"does": {"teardown": UnreachableError("it is gone")}},
        {"does": {"teardown": RecordError("no space left")}},
        {"does": {"teardown": RuntimeError("a bug")}},
        {"standby": FakeStandby(left=["the VM's process is alive"])},
        {"standby": FakeStandby(left=PradrillError("qemu does not answer"))},
        {"standby": FakeStandby(left=OSError("qemu does not answer"))},
    ],
)
def test_a_teardown_that_does_not_pass_is_residue(fakes: dict[str, Any]) -> None:
    """However a teardown step goes wrong, every other one is tried and the code is not 0."""
    bench = Bench(**fakes)
    record = bench.run()
    assert (record.verdict, record.exit_code) == (Verdict.PASSED, 13)
    assert len(record.residue) == 1
    assert bench.progress.steps()[-3:] == TEARDOWN
    assert bench.standby.calls == ["start", "stop"]


def test_a_teardown_that_cannot_be_verified_is_residue() -> None:
    """A teardown is not believed: unless the standby was looked at again, the code is 13."""
    probe, clock = FakeProbe(), FakeClock()

    def teardown(_play: Play) -> Any:
        probe.unreachable = True
        return played(clock, StepOutcome.PASSED)

    record = Bench({"teardown": teardown}, clock=clock, probe=probe).run()
    assert (record.verdict, record.exit_code) == (Verdict.PASSED, 13)
    assert "not verified" in record.residue[0].text


def test_residue_of_a_failed_drill_is_told_too() -> None:
    """The verdict's code comes first; what was left is in the record all the same."""
    does = {"restore_moodle": StepOutcome.FAILED, "teardown": StepOutcome.FAILED}
    record = Bench(does).run()
    assert record.exit_code == 10
    assert record.residue


@pytest.mark.parametrize("stop", [SystemExit(0), KeyboardInterrupt()])
def test_a_verifier_that_exits_does_not_skip_the_teardown(stop: BaseException) -> None:
    """Not even SystemExit from an adapter gets around the teardown; it is no verdict."""
    bench = Bench(verifier=FakeVerifier(stop))
    with pytest.raises(type(stop)):
        bench.run()
    assert bench.torn_down()
    assert bench.journal.record is None


# ---------------------------------------------------------------- refused before it starts


@pytest.mark.parametrize(
    "fakes",
    [
        {"standby": FakeStandby(problems=["no host key is pinned", "ssh is not installed"])},
        {"standby": FakeStandby(fails=NotReadyError("no host key is pinned"))},
        {"standby": FakeStandby(fails=UnreachableError("no route"))},
        {"standby": FakeStandby(fails=OSError())},
        {"probe": FakeProbe(facts=host_facts(addresses=("192.0.2.10",)))},
        {"probe": FakeProbe(facts=host_facts(machine_id=""))},
        {"probe": FakeProbe(facts=host_facts(marker=None))},
        {"probe": FakeProbe(facts=host_facts(marker="another machine's id"))},
        {"probe": FakeProbe(facts=host_facts(marker_fault=MarkerFault.LINK))},
    ],
)
def test_what_is_not_ready_is_not_touched(fakes: dict[str, Any]) -> None:
    """A precondition that does not hold: exit 4, no playbook, and the attempt is recorded."""
    bench = Bench(**fakes)
    record = bench.run()
    assert (record.exit_code, record.refusal) == (4, Refusal.NOT_READY)
    assert record.verdict is Verdict.INCONCLUSIVE
    assert record.reasons
    assert bench.untouched()
    assert bench.standby.calls[-1] == "stop"


def test_every_precondition_is_told_at_once() -> None:
    """Two problems are two reasons."""
    problems = ["no host key is pinned", "ssh is not installed"]
    assert texts(Bench(standby=FakeStandby(problems=problems)).run().reasons) == tuple(problems)


def test_a_host_that_is_not_declared_a_standby_is_not_touched() -> None:
    """Without dr_role: standby in the inventory nothing is played."""
    host = FakeStandby().hosts[0].model_copy(update={"dr_role": None})
    bench = Bench(standby=FakeStandby(host))
    assert bench.run().exit_code == 4
    assert bench.untouched()


def test_a_host_that_does_not_answer_is_not_touched() -> None:
    """A standby that is silent from the start: exit 4."""
    probe = FakeProbe()
    probe.unreachable = True
    bench = Bench(probe=probe)
    assert bench.run().exit_code == 4
    assert bench.untouched()


def test_a_primary_by_its_host_key_is_not_touched() -> None:
    """A host that answers with a primary's key is production."""
    key = f"{host_facts().host_key} root@moodle"
    plan = a_run_plan(primaries={"moodle": PrimaryIdentity(host_keys=(key,))})
    bench = Bench(plan=plan)
    record = bench.run()
    assert record.exit_code == 4
    assert bench.untouched()
    assert "shares its host key" in record.reasons[0].text


@pytest.mark.parametrize(
    "probe",
    [
        FakeProbe(reached={"db.prod.exemple.fr:3306": Reach.OPEN}),
        FakeProbe(reached={"smtp.exemple.fr:25": Reach.UNKNOWN}),
    ],
)
def test_nothing_is_restored_with_production_in_reach(probe: FakeProbe) -> None:
    """Data is not restored; what the prepare playbook did on the proven standby is put back."""
    bench = Bench(probe=probe)
    record = bench.run()
    assert (record.verdict, record.exit_code) == (Verdict.INCONCLUSIVE, 12)
    assert bench.runner.plays == ["prepare", "teardown"]
    assert bench.torn_down()


def test_a_held_standby_is_busy_and_the_attempt_recorded() -> None:
    """The second of two runs is refused with exit 5; nothing of the first one is touched."""
    bench = Bench()
    bench.store.holders[bench.plan.standby_key[0]] = "20260310T015900Z-moodle-ab12cd"
    record = run_drill(a_start(plan=bench.plan), bench.tools, bench.cancellation, disruption=None)
    assert (record.exit_code, record.refusal) == (5, Refusal.BUSY)
    assert "20260310T015900Z-moodle-ab12cd" in record.reasons[0].text
    assert bench.untouched()
    assert bench.standby.calls == []
    assert bench.runner.reaped == []
    assert bench.journal.record == record


# ---------------------------------------------------------------- signals

STEPS = [step.name for step in a_run_plan().steps]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 130)]
)
def test_a_signal_at_any_step_ends_after_the_teardown(step: str, number: int, code: int) -> None:
    """Wherever it comes, the run is INTERRUPTED, torn down whole, and never PASSED."""
    bench: Bench

    def interrupt(name: str) -> None:
        if name == step:
            bench.cancellation.stop(number)

    bench = Bench(progress=FakeProgress(interrupt))
    record = bench.run()
    assert (record.exit_code, record.state) == (code, RunState.INTERRUPTED)
    assert record.verdict is Verdict.INCONCLUSIVE
    assert record.signal == number
    steps = bench.progress.steps()
    if step in STEPS[:3]:  # nothing is touched, so there is nothing to put back
        assert bench.untouched()
        assert steps == [*STEPS[: STEPS.index(step) + 1], "release the standby"]
    else:
        assert bench.torn_down()
        last = min(STEPS.index(step), STEPS.index(LOOK) - 1)
        looks = [LOOK] if last >= STEPS.index("restore_moodle") else []
        assert steps == [*STEPS[: last + 1], *looks, *TEARDOWN]


def test_a_signal_stops_the_playbook_that_is_playing() -> None:
    """A cancelled restore is CANCELLED, and the teardown that follows is not."""
    bench: Bench

    def restore(_play: Play) -> Any:
        raise AssertionError

    def interrupt(name: str) -> None:
        if name == "restore_moodle":
            bench.cancellation.stop(signal.SIGINT)

    bench = Bench({"restore_moodle": restore}, progress=FakeProgress(interrupt))
    steps = {step.name: step.outcome for step in bench.run().steps}
    assert steps["restore_moodle"] is StepOutcome.CANCELLED
    assert steps["teardown"] is StepOutcome.PASSED


@pytest.mark.parametrize("step", TEARDOWN)
def test_a_second_signal_does_not_skip_the_teardown(step: str) -> None:
    """Ctrl-C again, and again, during the teardown: it goes on, and the first signal counts."""
    bench: Bench

    def interrupt(name: str) -> None:
        if name == "restore_moodle":
            bench.cancellation.stop(signal.SIGTERM)
        if name == step:
            for _ in range(3):
                bench.cancellation.stop(signal.SIGINT)

    bench = Bench(progress=FakeProgress(interrupt))
    record = bench.run()
    assert (record.exit_code, record.signal) == (143, signal.SIGTERM)
    assert bench.torn_down()
    assert record.residue == ()


def test_real_signals_reach_the_run_and_only_the_run() -> None:
    """A process's own SIGINT stops the run; afterwards the handlers are what they were."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    bench: Bench

    def interrupt(name: str) -> None:
        if name in {"restore_moodle", "teardown"}:
            os.kill(os.getpid(), signal.SIGINT)

    bench = Bench(progress=FakeProgress(interrupt))
    with signals_to(bench.cancellation):
        record = bench.run()
    assert record.exit_code == 130
    assert bench.torn_down()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_after_its_last_run_a_process_hears_no_signal() -> None:
    """While a recorded run's words are written, nothing changes the exit code any more."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    bench = Bench()
    try:
        with signals_to(bench.cancellation, last=True):
            record = bench.run()
        for number in numbers:
            os.kill(os.getpid(), number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert record.exit_code == 0


# ---------------------------------------------------------------- a journal that cannot be written


def whole_journal() -> int:
    """Return how many facts a drill that passes writes."""
    bench = Bench()
    bench.run()
    return len(list(bench.journal.events()))


@pytest.mark.parametrize("room", range(0, whole_journal(), 2))
def test_a_full_disk_stops_the_run_through_its_teardown(room: int) -> None:
    """Wherever the disk fills up, what was touched is put back, and the answer is RecordError."""
    bench = Bench(store=FakeStore(room=room))
    with pytest.raises(RecordError):
        bench.run()
    assert bench.standby.calls in ([], ["stop"], ["start", "stop"])
    assert bench.standby.calls[-1:] == ["stop"]
    if bench.runner.plays:
        assert bench.torn_down()
    assert bench.journal.record is None
    assert bench.store.holders == {}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_teardown_whose_evidence_cannot_be_written_is_played_all_the_same(number: int) -> None:
    """Its evidence goes where there is room; only then is it tried, and it leaves no residue."""
    clock = FakeClock()
    tried: list[int] = []

    def teardown(_play: Play) -> Any:
        tried.append(number)
        if len(tried) == 1:
            raise OSError(number, "cannot be written")
        return played(clock, StepOutcome.PASSED)

    record = Bench({"teardown": teardown}, clock=clock).run()
    assert (record.verdict, record.exit_code, record.residue) == (Verdict.PASSED, 0, ())
    assert len(tried) == 2


def test_a_disk_that_is_full_from_the_start_touches_nothing() -> None:
    """A run that cannot be recorded does not begin."""
    bench = Bench(store=FakeStore(room=0))
    with pytest.raises(RecordError):
        bench.run()
    assert bench.untouched()
    assert "start" not in bench.standby.calls


def test_a_busy_run_that_cannot_be_recorded_says_so() -> None:
    """A full disk beside a held standby is RecordError, not a traceback."""
    bench = Bench(store=FakeStore(room=1))
    bench.store.holders[bench.plan.standby_key[0]] = "another"
    with pytest.raises(RecordError):
        run_drill(a_start(plan=bench.plan), bench.tools, bench.cancellation, disruption=None)


# ---------------------------------------------------------------- the journal tells it all

RUNS: dict[str, Callable[[], Bench]] = {
    "passes": Bench,
    "fails": lambda: Bench({"restore_moodle": StepOutcome.FAILED}),
    "residue": lambda: Bench(standby=FakeStandby(left=["a mount"])),
    "refused": lambda: Bench(standby=FakeStandby(problems=["no key"])),
    "isolation": lambda: Bench(probe=FakeProbe(reached={"smtp.exemple.fr:25": Reach.OPEN})),
    "unmarked": lambda: Bench(probe=FakeProbe(facts=host_facts(marker=None))),
}


@pytest.mark.parametrize("name", RUNS)
def test_the_journal_alone_gives_the_same_record(name: str) -> None:
    """What a live run sealed can be made again from its journal, to the byte."""
    bench = RUNS[name]()
    record = bench.run()
    facts = replay(bench.journal)
    assert facts is not None
    again = record_of(facts, record.run_id, record.ended, record.evidence)
    assert again.model_dump_json() == record.model_dump_json()


def test_every_fact_is_in_the_journal_before_it_is_acted_on() -> None:
    """A step's beginning is on the disk before its playbook plays."""
    bench: Bench
    facts: list[str] = []

    def restore(_play: Play) -> Any:
        facts.extend(e for e, _, _ in bench.journal.events() if e != Event.NEWS)
        return played(bench.clock, StepOutcome.PASSED)

    bench = Bench({"restore_moodle": restore})
    bench.run()
    assert facts[-1] == Event.STEP_STARTED


def test_secrets_are_named_and_never_told() -> None:
    """The runner gets a secret's name; neither journal nor record could hold its value."""
    secrets: list[dict[str, str]] = []
    clock = FakeClock()

    def restore(play: Play) -> Any:
        secrets.append(dict(play.secrets))
        return played(clock, StepOutcome.PASSED)

    Bench({"restore_moodle": restore}, clock=clock).run()
    assert secrets == [{"restic_password": "env:RESTIC_PASSWORD"}]


def test_a_clock_that_was_set_during_the_run_is_told() -> None:
    """The record says by how much the wall clock moved; no duration has felt it."""
    bench: Bench

    def jump(name: str) -> None:
        if name == "restore_moodle":
            bench.clock.step(-7_200)

    bench = Bench(progress=FakeProgress(jump))
    record = bench.run()
    assert record.recovery.clock_stepped == -7_200
    assert record.recovery.rta is not None
    assert (record.recovery.rta.low, record.recovery.rta.seconds) == (120, 121)
    assert record.recovery.marks[Mark.DATA_RESTORED].at == after(120)
    assert record.ended - record.started < timedelta(minutes=10)
